"""Every checkpoint that was ever published is kept, and the tree is held against each."""

import shutil
from pathlib import Path

import pytest

from compliance.backup import backup
from compliance.errors import StoreTampered
from compliance.note import Checkpoint, split_note
from compliance.past_checkpoints import NAME, KeptCheckpoint, PastCheckpoints, past_up_to, read_past, written
from compliance.tiles import Edge
from compliance.verify import verify_store
from tests.logs import make, observation, reopen


def kept(folder: Path) -> list[tuple[int, bytes]]:
    """Size and root of each line; nothing may be wrong with any."""
    found = list(read_past(folder))
    assert all(isinstance(one, KeptCheckpoint) for one in found), found
    return [(one.size, one.root) for one in found if isinstance(one, KeptCheckpoint)]


def test_each_published_checkpoint_is_kept(tmp_path: Path) -> None:
    """One line for each size that was published, with the root that it was signed with, across openings."""
    signed: list[tuple[int, bytes]] = []
    for body in (b"a", b"b", b"c"):
        with make(tmp_path) if not signed else reopen(tmp_path) as log:
            for note in (log.checkpoint(), log.append([observation(body)]) and log.checkpoint()):
                checkpoint = Checkpoint.parse(split_note(str(note))[0])
                if (checkpoint.size, checkpoint.root) not in signed:
                    signed.append((checkpoint.size, checkpoint.root))
    assert kept(tmp_path / "log") == signed
    found = verify_store(tmp_path)
    assert (found.ok, found.checkpoints) == (True, 4)


def test_a_log_that_contradicts_its_past_does_not_verify(tmp_path: Path) -> None:
    """A former root that the tree does not have is named with the size; so is a size that is gone."""
    make(tmp_path, 5).close()
    path = tmp_path / "log" / NAME
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3] = written(3, bytes(32))
    path.write_bytes(b"".join(lines))
    (problem,) = verify_store(tmp_path).problems
    assert problem.index == 2
    assert problem.what == "the first 3 entries have another root than was signed (log/checkpoints, line 4)"
    path.write_bytes(b"".join([*lines[:3], written(9, bytes(32))]))
    assert "but 9 were signed" in verify_store(tmp_path).problems[0].what


@pytest.mark.parametrize("cut", [1, 3, 20, 46])
def test_only_an_unfinished_last_line_is_passed_over(tmp_path: Path, cut: int) -> None:
    """A line that a power cut left unfinished is no contradiction, and is made up for by opening."""
    make(tmp_path, 5).close()
    path = tmp_path / "log" / NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert verify_store(tmp_path).ok
    reopen(tmp_path).close()
    assert path.read_bytes() == whole
    middle = whole.index(b"\n", 60)
    path.write_bytes(whole[:middle] + whole[middle + 1 :])
    assert not verify_store(tmp_path).ok


def test_no_byte_of_the_record_can_change(tmp_path: Path) -> None:
    """Any other byte at any place makes verification fail."""
    make(tmp_path, 3).close()
    path = tmp_path / "log" / NAME
    whole = path.read_bytes()
    for at in range(len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1 << at % 8
        path.write_bytes(bytes(changed))
        assert not verify_store(tmp_path).ok, at


def test_a_missing_record_is_told(tmp_path: Path) -> None:
    """Without the record nothing is known of the past, which is a fault."""
    make(tmp_path, 3).close()
    (tmp_path / "log" / NAME).unlink()
    assert "every checkpoint" in str(verify_store(tmp_path).problems[0])


def test_a_record_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """A checkpoint that could not be noted is noted with the next one."""
    past = PastCheckpoints(tmp_path)
    (tmp_path / NAME).mkdir()
    past.note(1, bytes(32))
    (tmp_path / NAME).rmdir()
    past.note(2, bytes(32))
    past.close()
    assert kept(tmp_path) == [(1, bytes(32)), (2, bytes(32))]


def test_a_backup_has_the_past_of_its_own_size(tmp_path: Path) -> None:
    """A copy holds the checkpoints up to its size, and verifies against them."""
    with make(tmp_path / "home", 5) as log:
        backup(tmp_path / "home", tmp_path / "copy")
        log.append([observation(b"later")])
    assert kept(tmp_path / "copy" / "log") == kept(tmp_path / "home" / "log")[:-1]
    assert past_up_to(tmp_path / "home" / "log", 0) == written(0, Edge(0, [], []).root())
    assert verify_store(tmp_path / "copy").checkpoints == 6
    (tmp_path / "copy" / "log" / NAME).write_bytes(b"nonsense\n")
    shutil.rmtree(tmp_path / "home")
    with pytest.raises(StoreTampered, match="line 1, is no size and root"):
        backup(tmp_path / "copy", tmp_path / "again")


def test_a_checkpoint_that_a_power_cut_emptied_is_made_again(tmp_path: Path) -> None:
    """An empty checkpoint file, or one of zeros, is what a power cut leaves; opening publishes from the head."""
    for left in (b"", bytes(170)):
        home = tmp_path / str(len(left))
        with make(home, 3) as log:
            log.append([observation(b"last")])
            note = log.checkpoint()
        (home / "log" / "checkpoint").write_bytes(left)
        with reopen(home) as log:
            assert log.checkpoint() == note
        assert verify_store(home).ok


def test_an_older_checkpoint_that_a_power_cut_left_is_caught_up_with(tmp_path: Path) -> None:
    """Checkpoints between two tiles are not waited for: one of several sizes ago is the log's own past."""
    with make(tmp_path / "home", 300) as log:
        notes = [log.checkpoint()]
        for number in range(4):
            log.append([observation(b"%d" % number)])
            notes.append(log.checkpoint())
        shutil.copytree(tmp_path / "home", tmp_path / "cut")
    (tmp_path / "cut" / "log" / "checkpoint").write_text(notes[1])
    with reopen(tmp_path / "cut") as log:
        assert log.checkpoint() == notes[-1]
    assert verify_store(tmp_path / "cut").ok
    (tmp_path / "home" / "log" / "checkpoint").write_text(notes[0].replace("300", "299"))
    with pytest.raises(StoreTampered):
        reopen(tmp_path / "home")
