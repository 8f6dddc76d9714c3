"""After a loss: a successor log that goes on from what is left, and says what is missing."""

import json
import shutil
from pathlib import Path

import pytest

from compliance.backup import backup
from compliance.errors import ContentGone, InputRefused, StoreExists, StoreTampered
from compliance.evidence import CollectorName
from compliance.log import EvidenceLog
from compliance.merkle import leaf_hash, verify_inclusion
from compliance.note import Checkpoint, ProofFile, Verifier, open_checkpoint, split_note
from compliance.recovery import Decision, Recovered, recover, successor_of
from compliance.verify import verify_store
from tests.logs import ORIGIN, Clock, make, observation, reopen

DECISION = Decision("local:ann", "the disk failed")


def recovered(source: Path, home: Path, *known: Checkpoint) -> Recovered:
    return recover(
        source, home, DECISION, known=known, collector=CollectorName("muniment", "1"), clock=Clock()
    )


def checkpoint_of(log: EvidenceLog) -> Checkpoint:
    return Checkpoint.parse(split_note(log.checkpoint())[0])


@pytest.fixture
def lost(tmp_path: Path) -> Checkpoint:
    """A log of 305 entries of which a backup has 303; returns the last checkpoint, which the anchor kept."""
    with make(tmp_path / "home", 300) as log:
        log.append([observation(bytes(6000)), observation(b"sealed" * 2000, sealed=True, known=(b"k" * 16,))])
        log.append([observation(b"known", known=(b"n" * 16,))])
        backup(tmp_path / "home", tmp_path / "copy")
        (tmp_path / "proof").write_text(log.prove(301))
        log.append([observation(b"late", known=(b"l" * 16,)), observation(b"later")])
        last = checkpoint_of(log)
    shutil.rmtree(tmp_path / "home")
    return last


def test_the_successor_says_what_was_lost(tmp_path: Path, lost: Checkpoint) -> None:
    """Its first entry of its own names the predecessor's last known checkpoint, what is lost, who and why."""
    done = recovered(tmp_path / "copy", tmp_path / "home", lost)
    assert (done.entries, done.last_known, done.lost, done.index) == (303, 305, 2, 303)
    assert (done.payloads, done.missing_payloads, done.keys) == (2, [], True)
    assert verify_store(tmp_path / "home").ok
    with reopen(tmp_path / "home") as log:
        assert log.origin == done.origin == f"{ORIGIN}/successor-1"
        entry = log.entry(303)
        assert (entry.kind, entry.source) == ("recovery/1", "muniment")
        assert entry.detail["predecessor"] == ORIGIN
        assert entry.detail["last_checkpoint"] == lost.text()
        assert (entry.detail["recovered"], entry.detail["lost"]) == (303, 2)
        assert json.loads(log.body(entry) or b"") == {"decided_by": "local:ann", "reason": "the disk failed"}
        assert "ann" not in log.leaf(303).decode()


def test_what_is_left_stays_as_it_was(tmp_path: Path, lost: Checkpoint) -> None:
    """Entries keep bytes and index, payloads stay readable, old proofs hold under the old root, which is the tree's."""
    recovered(tmp_path / "copy", tmp_path / "home", lost)
    old = Verifier.parse((tmp_path / "copy" / "log" / "vkey").read_text().strip())
    proof = ProofFile.parse((tmp_path / "proof").read_text())
    with reopen(tmp_path / "home") as log, reopen(tmp_path / "copy", read_only=True) as before:
        assert [log.leaf(index) for index in range(303)] == [before.leaf(index) for index in range(303)]
        assert log.body(log.entry(301)) == b"sealed" * 2000
        assert log.vkey != before.vkey
        then = open_checkpoint(proof.note, old)
        assert log.root(then.size) == then.root
        assert verify_inclusion(301, then.size, leaf_hash(log.leaf(301)), proof.path, then.root)


def test_items_of_lost_entries_are_taken_again(tmp_path: Path, lost: Checkpoint) -> None:
    """What was recovered is still known and appends nothing; what was lost can be sent once more."""
    recovered(tmp_path / "copy", tmp_path / "home", lost)
    with reopen(tmp_path / "home") as log:
        assert log.append([observation(b"known", known=(b"n" * 16,))]) == [None]
        assert log.append([observation(b"late", known=(b"l" * 16,))]) == [304]


def test_damage_cuts_off_what_follows_it(tmp_path: Path, lost: Checkpoint) -> None:
    """Of a damaged store all entries before the first damaged one are recovered, and missing payloads are named."""
    bundle = tmp_path / "copy" / "log" / "tile" / "entries" / "001.p" / "47"
    bundle.chmod(0o644)
    body = bundle.read_bytes()
    bundle.write_bytes(body[:600] + b"!" + body[601:])
    done = recovered(tmp_path / "copy", tmp_path / "home", lost)
    assert 256 <= done.entries < 260
    assert done.lost == 305 - done.entries
    assert verify_store(tmp_path / "home").ok


def test_missing_payloads_and_keys_are_stated(tmp_path: Path, lost: Checkpoint) -> None:
    """A lost payload takes no entry with it; without the keys what was sealed is gone, and the entry says so."""
    for path in (tmp_path / "copy" / "payloads").rglob("*"):
        if path.is_file() and path.stat().st_size == 6000:
            path.unlink()
    shutil.rmtree(tmp_path / "copy" / "keys")
    done = recovered(tmp_path / "copy", tmp_path / "home", lost)
    assert (len(done.missing_payloads), done.keys) == (1, False)
    with reopen(tmp_path / "home") as log:
        assert log.entry(303).detail["missing"] == done.missing_payloads
        assert log.entry(303).detail["keys"] is False
        with pytest.raises(ContentGone):
            log.body(log.entry(301))
    assert [problem.index for problem in verify_store(tmp_path / "home").problems] == [300]


def test_entries_that_were_not_published_yet_are_recovered(tmp_path: Path) -> None:
    """What a crash left in the head, acknowledged and not yet published, is not lost."""
    with make(tmp_path / "home", 5) as log:
        old = log.checkpoint()
        log.append([observation(b"in the head")])
        shutil.copytree(tmp_path / "home", tmp_path / "left")
    (tmp_path / "left" / "log" / "checkpoint").write_text(old)
    shutil.rmtree(tmp_path / "home")
    assert recovered(tmp_path / "left", tmp_path / "home").entries == 6


def test_a_recovery_never_hides_a_contradiction(tmp_path: Path, lost: Checkpoint) -> None:
    """Remains that are not what was signed, another log's checkpoint, or a place in use are refused."""
    with pytest.raises(StoreTampered, match="another root"):
        recovered(tmp_path / "copy", tmp_path / "home", Checkpoint(ORIGIN, 300, bytes(32)))
    assert not (tmp_path / "home").exists()
    with pytest.raises(InputRefused, match="the log that is left is"):
        recovered(tmp_path / "copy", tmp_path / "home", Checkpoint("other.example/log", 400, bytes(32)))
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "something").touch()
    with pytest.raises(StoreExists, match="aside"):
        recovered(tmp_path / "copy", tmp_path / "home", lost)


def test_a_successor_can_be_lost_too(tmp_path: Path, lost: Checkpoint) -> None:
    """Each loss gets a log of its own, with a name that tells."""
    recovered(tmp_path / "copy", tmp_path / "home", lost)
    (tmp_path / "home").rename(tmp_path / "second")
    done = recovered(tmp_path / "second", tmp_path / "home")
    assert (done.origin, done.entries, done.lost) == (f"{ORIGIN}/successor-2", 304, 0)
    assert successor_of("muniment.local/0a/sample") == "muniment.local/0a/successor-1/sample"
    assert successor_of("a/successor-9/sample") == "a/successor-10/sample"
