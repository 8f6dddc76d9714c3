"""Backups: consistent, complete, made while the store is being served."""

import shutil
import threading
from pathlib import Path

import pytest

from compliance.backup import backup
from compliance.errors import StoreExists, StoreMissing, StoreTampered
from compliance.head import connect
from compliance.verify import verify_store
from tests.logs import make, observation, reopen


@pytest.mark.parametrize("count", [0, 1, 256, 530])
def test_a_backup_verifies_and_opens_as_a_store(tmp_path: Path, count: int) -> None:
    """What is copied is the same log: it verifies, reads, unseals, knows what it knew, and can be continued."""
    with make(tmp_path / "home", count) as log:
        log.append([observation(b"personal " * 2000, sealed=True, known=(bytes(16),))])
        made = backup(tmp_path / "home", tmp_path / "copy")
        note, key = log.checkpoint(), log.dedupe_key
    assert (made.size, made.note) == (count + 1, note)
    assert verify_store(tmp_path / "copy").ok
    with reopen(tmp_path / "copy") as copy:
        assert (copy.checkpoint(), copy.dedupe_key) == (note, key)
        assert copy.body(copy.entry(count)) == b"personal " * 2000
        assert copy.append([observation(known=(bytes(16),)), observation()]) == [None, count + 1]
    assert verify_store(tmp_path / "copy").ok


def test_a_backup_counts_what_it_copied(tmp_path: Path) -> None:
    """Files and bytes stated are those that lie in the copy."""
    make(tmp_path / "home", 30).close()
    made = backup(tmp_path / "home", tmp_path / "copy")
    files = [path for path in (tmp_path / "copy").rglob("*") if path.is_file()]
    assert (made.files, made.bytes) == (len(files), sum(path.stat().st_size for path in files))


def test_a_backup_is_as_private_as_the_store(tmp_path: Path) -> None:
    """The copy's folder and keys are readable by their owner alone; payloads stay read-only."""
    with make(tmp_path / "home") as log:
        log.append([observation(bytes(9000), sealed=True)])
    backup(tmp_path / "home", tmp_path / "copy")
    keys = tmp_path / "copy" / "keys"
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert keys.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys.rglob("*") if path.is_file())
    assert all(
        path.stat().st_mode & 0o222 == 0
        for path in (tmp_path / "copy" / "payloads").rglob("*")
        if path.is_file()
    )


def test_superseded_partial_tiles_are_in_the_backup(tmp_path: Path) -> None:
    """Partial tiles of every published size are there until the full tile is, in the copy as in the store."""
    make(tmp_path / "home", 7).close()
    backup(tmp_path / "home", tmp_path / "copy")
    trees = [
        {
            path.relative_to(home / "log"): path.read_bytes()
            for path in (home / "log" / "tile").rglob("*")
            if path.is_file()
        }
        for home in (tmp_path / "home", tmp_path / "copy")
    ]
    assert trees[0] == trees[1]


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """A target that holds anything is refused and left alone; an empty folder is taken."""
    make(tmp_path / "home", 1).close()
    target = tmp_path / "target"
    target.mkdir()
    (target / "file").write_text("somebody's")
    with pytest.raises(StoreExists, match="not empty"):
        backup(tmp_path / "home", target)
    with pytest.raises(StoreExists, match="not empty"):
        backup(tmp_path / "home", target / "file")
    (target / "file").unlink()
    backup(tmp_path / "home", target)
    assert verify_store(target).ok


def test_without_a_store_there_is_no_backup(tmp_path: Path) -> None:
    """A missing store, or one without its head, is said to be missing, and no target is made of it."""
    with pytest.raises(StoreMissing):
        backup(tmp_path / "home", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
    make(tmp_path / "home", 1).close()
    (tmp_path / "home" / "log" / "head.db").unlink()
    with pytest.raises(StoreMissing, match="no log head"):
        backup(tmp_path / "home", tmp_path / "copy")


def test_a_store_that_contradicts_itself_is_not_backed_up(tmp_path: Path) -> None:
    """A backup of head and published log of different times would only be found out at its restoration."""
    make(tmp_path / "home", 3).close()
    connection = connect(tmp_path / "home" / "log" / "head.db")
    connection.execute("UPDATE head SET size = 1, published = 1")
    connection.close()
    with pytest.raises(StoreTampered):
        backup(tmp_path / "home", tmp_path / "copy")


def test_a_backup_that_was_cut_short_is_no_store(tmp_path: Path) -> None:
    """Checkpoint and verifier key come last: without them nothing can be mistaken for a whole copy."""
    make(tmp_path / "home", 3).close()
    shutil.rmtree(tmp_path / "home" / "keys")
    (tmp_path / "home" / "keys").mkdir()
    (tmp_path / "home" / "keys" / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Exception, match="Writing the backup failed"):
        backup(tmp_path / "home", tmp_path / "copy")
    with pytest.raises(StoreMissing):
        reopen(tmp_path / "copy", read_only=True)


def test_backups_made_while_appending_verify(tmp_path: Path) -> None:
    """Each backup of a store under load is whole at its own size, and has every entry acknowledged before it."""
    stop, started = threading.Event(), threading.Event()
    with make(tmp_path / "home") as log:

        def run() -> None:
            number = 0
            while not stop.is_set():
                log.append(
                    [observation(b"%d" % number + bytes(5000 * (number % 3 == 0)), sealed=number % 2 == 0)]
                )
                number += 1
                if number > 20:
                    started.set()

        threads = [threading.Thread(target=run) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            assert started.wait(30)
            made = []
            for number in range(4):
                before = log.size
                made.append(backup(tmp_path / "home", tmp_path / f"copy{number}"))
                assert made[-1].size >= before
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert log.size > made[-1].size
        for number, each in enumerate(made):
            copy = tmp_path / f"copy{number}"
            found = verify_store(copy)
            assert (found.problems, found.size) == ((), each.size)
            assert log.checkpoint(each.size) == each.note
            with reopen(copy) as opened:
                assert all(opened.body(entry) is not None for _, entry in opened.entries(0))
