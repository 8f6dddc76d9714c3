"""The evidence log: what is appended stays, is found, is proven, and comes in order."""

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from compliance import head as head_module
from compliance.canonical import sha256_hex
from compliance.errors import (
    ContentGone,
    Forbidden,
    InputRefused,
    NotFound,
    StoreExists,
    StoreMissing,
    StoreTampered,
    StoreUnavailable,
    TooLarge,
)
from compliance.evidence import Entry, Item
from compliance.log import EvidenceLog
from compliance.merkle import leaf_hash, root_of, verify_consistency, verify_inclusion
from compliance.note import ProofFile, Verifier, open_checkpoint
from compliance.verify import verify_store
from tests.logs import ORIGIN, START, Clock, make, observation, reopen

APPENDER = Path(__file__).parent / "crash" / "appender.py"


def leaves_of(log: EvidenceLog) -> list[bytes]:
    return [log.leaf(index) for index in range(log.size)]


# --- create and open ---------------------------------------------------------------------------


def test_a_new_log_is_empty_signed_and_private(tmp_path: Path) -> None:
    """A new store has a signed checkpoint of size 0, its verifier key as text, and keys nobody else reads."""
    with make(tmp_path) as log:
        checkpoint = open_checkpoint(log.checkpoint(), Verifier.parse(log.vkey))
        assert (checkpoint.origin, checkpoint.size, log.origin, log.size) == (ORIGIN, 0, ORIGIN, 0)
        assert (tmp_path / "log" / "vkey").read_text() == f"{log.vkey}\n"
    assert (tmp_path / "keys").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_create_and_open_are_different(tmp_path: Path) -> None:
    """Creating never overwrites a store, and opening never makes one."""
    with pytest.raises(StoreMissing, match="no evidence log"):
        reopen(tmp_path)
    make(tmp_path).close()
    with pytest.raises(StoreExists, match="already"):
        make(tmp_path)
    reopen(tmp_path).close()


def test_a_part_of_a_store_is_not_overwritten(tmp_path: Path) -> None:
    """Keys that lie there without a log are somebody's: creating refuses."""
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "log-signing.pem").write_text("somebody's")
    with pytest.raises(StoreExists):
        make(tmp_path)
    assert (tmp_path / "keys" / "log-signing.pem").read_text() == "somebody's"


def test_an_unfit_origin_makes_no_store(tmp_path: Path) -> None:
    """An origin with a scheme is refused before anything is written."""
    with pytest.raises(InputRefused):
        EvidenceLog.create(tmp_path / "home", origin="https://a.example", clock=Clock())
    assert not (tmp_path / "home").exists()


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    """Writing needs the keys; what is missing is said."""
    make(tmp_path).close()
    (tmp_path / "keys" / "master.hex").unlink()
    with pytest.raises(StoreMissing, match=r"master\.hex is missing"):
        reopen(tmp_path)


def test_the_key_of_another_log_is_refused(tmp_path: Path) -> None:
    """A signing key that is not that of the verifier key is not used."""
    make(tmp_path / "a").close()
    make(tmp_path / "b").close()
    (tmp_path / "b" / "keys" / "log-signing.pem").replace(tmp_path / "a" / "keys" / "log-signing.pem")
    with pytest.raises(StoreTampered, match="not the key of log/vkey"):
        reopen(tmp_path / "a")


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_an_opened_log_goes_on_where_it_was(tmp_path: Path, count: int) -> None:
    """Reopening at any size keeps entries and root, and the next index follows."""
    with make(tmp_path, count) as log:
        leaves = leaves_of(log)
    with reopen(tmp_path) as log:
        assert leaves_of(log) == leaves
        assert log.append([observation()]) == [count]
        assert log.root(count + 1) == root_of([leaf_hash(leaf) for leaf in leaves_of(log)])
    assert verify_store(tmp_path).ok


# --- append and read ---------------------------------------------------------------------------


def test_an_entry_says_what_was_observed(tmp_path: Path) -> None:
    """An entry has the fields of the contract, in canonical JSON; a small payload rides in it."""
    made = observation(b"abc", kind="aws-kms/1", source="kms", detail={"count": 3}, media_type="text/plain")
    with make(tmp_path) as log:
        assert log.append([made]) == [0]
        value = json.loads(log.leaf(0))
        assert log.body(log.entry(0)) == b"abc"
    assert value == {
        "kind": "aws-kms/1", "source": "kms", "collector": {"name": "test", "version": "1"}, "detail": {"count": 3},
        "observed_at": "2026-11-23T12:00:00Z", "received_at": "2026-11-23T12:00:00Z",
        "payload": {"sha256": sha256_hex(b"abc"), "size": 3, "media_type": "text/plain", "inline": "YWJj"},
    }  # fmt: skip


@pytest.mark.parametrize(("size", "inline"), [(0, True), (4096, True), (4097, False), (100_000, False)])
def test_payloads_ride_inline_up_to_4_kib(tmp_path: Path, size: int, inline: bool) -> None:
    """A larger payload lies in a file; both are read back."""
    with make(tmp_path) as log:
        log.append([observation(bytes(size))])
        entry = log.entry(0)
        assert entry.payload is not None
        assert (entry.payload.inline is not None) == inline
        assert log.body(entry) == log.stored_bytes(entry) == bytes(size)


def test_a_payload_leaves_an_entry_that_it_would_overfill(tmp_path: Path) -> None:
    """A small payload beside a long index of items goes into a file, so that the entry fits."""
    detail = {"note": "n" * 62_000}
    with make(tmp_path) as log:
        log.append([observation(bytes(4000), detail=detail)])
        payload = log.entry(0).payload
        assert payload is not None
        assert payload.inline is None


def test_an_oversized_entry_is_refused_and_nothing_of_it_stored(tmp_path: Path) -> None:
    """An entry that cannot fit 64 KiB is too large; what was to be appended beside it is not either."""
    with make(tmp_path) as log:
        for note in ("n" * 66_000, "n" * 65_260):
            with pytest.raises(TooLarge, match="at most"):
                log.append([observation(bytes(9000)), observation(detail={"note": note})])
        assert log.size == 0
    assert not (tmp_path / "payloads" / "sha256").exists()


def test_an_observation_without_a_body_is_an_entry_without_a_payload(tmp_path: Path) -> None:
    """A body of None is no payload, which is not an empty one."""
    with make(tmp_path) as log:
        log.append([observation(None)])
        assert log.entry(0).payload is None
        assert log.body(log.entry(0)) is None


def test_items_and_the_sources_own_time_are_kept(tmp_path: Path) -> None:
    """The index of raw responses and the source's time of observation are read back."""
    then = START - timedelta(hours=3)
    item = Item("account", {"call": "ListKeys"}, 200, "arn:x", then, 0, 2, sha256_hex(b"{}"))
    with make(tmp_path) as log:
        log.append([observation(items=(item,), observed_at=then)])
        entry = log.entry(0)
    assert (entry.items, entry.observed_at, entry.received_at) == ((item,), then, START)


def test_entries_come_in_order_and_stop_where_told(tmp_path: Path) -> None:
    """Entries are iterated over bundle borders, from any start to any stop."""
    with make(tmp_path, 520) as log:
        for start, stop in ((0, None), (250, 260), (256, 512), (519, 600), (520, None), (30, 10)):
            found = list(log.entries(start, stop))
            assert [index for index, _ in found] == list(
                range(start, min(520, 520 if stop is None else stop))
            )
            assert all(log.body(entry) == b"entry %d" % index for index, entry in found)


@pytest.mark.parametrize("index", [-1, 3, 10**12])
def test_what_is_not_there_is_not_found(tmp_path: Path, index: int) -> None:
    """An index outside the log is not found, in reading and in proving."""
    with make(tmp_path, 3) as log:
        with pytest.raises(NotFound):
            log.leaf(index)
        with pytest.raises((NotFound, InputRefused)):
            log.prove(index)
        with pytest.raises(NotFound):
            log.root(index + 1 if index == 3 else index)


def test_published_files_are_served_by_their_paths_alone(tmp_path: Path) -> None:
    """Checkpoint, verifier key and tiles are served; nothing else of the store is."""
    with make(tmp_path, 257) as log:
        assert log.published("checkpoint").decode() == log.checkpoint()
        assert log.published("vkey").decode() == f"{log.vkey}\n"
        assert len(log.published("tile/0/000")) == 8192
        assert len(log.published("tile/0/001.p/1")) == 32
        assert log.published("tile/entries/000").startswith(len(log.leaf(0)).to_bytes(2, "big"))
        for path in ("head.db", "../keys/master.hex", "tile/../head.db", "/etc/passwd", "", "tile/0/002"):
            with pytest.raises(NotFound):
                log.published(path)


def test_every_published_size_has_its_partial_tiles_until_the_full_one(tmp_path: Path) -> None:
    """Partial tiles stay for each published size, and go once the full tile is there."""
    with make(tmp_path, 5) as log:
        assert all(log.published(f"tile/0/000.p/{width}") for width in range(1, 6))
        log.append([observation()] * 251)
        with pytest.raises(NotFound):
            log.published("tile/0/000.p/5")
        assert len(log.published("tile/1/000.p/1")) == 32


# --- proofs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 300, 513])
def test_every_entry_is_proven_at_every_later_size(tmp_path: Path, size: int) -> None:
    """An inclusion proof verifies against the signed checkpoint of its size, present or past."""
    with make(tmp_path, 513) as log:
        verifier = Verifier.parse(log.vkey)
        for index in {0, size // 2, size - 1}:
            proof = ProofFile.parse(log.prove(index, size))
            checkpoint = open_checkpoint(proof.note, verifier)
            assert checkpoint.size == size
            assert verify_inclusion(index, size, leaf_hash(log.leaf(index)), proof.path, checkpoint.root)
        path = log.consistency(size, 513)
        assert verify_consistency(size, 513, log.root(size), log.root(513), path)
        with pytest.raises(NotFound, match="no entry"):
            log.prove(size, size)


def test_checkpoints_of_past_sizes_equal_those_that_were_published(tmp_path: Path) -> None:
    """Signing the same size again gives the same bytes, now and after reopening."""
    with make(tmp_path) as log:
        published = [log.checkpoint()]
        for _ in range(5):
            log.append([observation()])
            published.append(log.checkpoint())
        assert [log.checkpoint(size) for size in range(6)] == published
    with reopen(tmp_path) as log:
        assert [log.checkpoint(size) for size in range(6)] == published


def test_an_independent_program_accepts_a_proof(tmp_path: Path) -> None:
    """``proofbundle verify-proof`` accepts a proof of ours, and refuses it for another entry."""
    with make(tmp_path / "home", 300) as log:
        (tmp_path / "leaf").write_bytes(log.leaf(261))
        (tmp_path / "other").write_bytes(log.leaf(260))
        (tmp_path / "proof").write_text(log.prove(261))
        vkey = log.vkey
    program = Path(sys.executable).with_name("proofbundle")
    codes = [
        subprocess.run(
            [program, "verify-proof", tmp_path / "proof", "--payload-file", tmp_path / name,
             "--log-vkey", vkey, "--expected-origin", ORIGIN],
            check=False, capture_output=True,
        ).returncode
        for name in ("leaf", "other")
    ]  # fmt: skip
    assert codes[0] == 0
    assert codes[1] != 0


# --- sealed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [10, 9000])
def test_sealed_payloads_are_encrypted_at_rest_and_read_by_who_may(tmp_path: Path, size: int) -> None:
    """The entry names the data key and the digest of the sealed bytes; the content is nowhere in the store."""
    content = b"personal " * (size // 9 + 1)
    with make(tmp_path) as log:
        log.append([observation(content, sealed=True)])
        entry = log.entry(0)
        stored = log.stored_bytes(entry)
        assert entry.payload is not None
        assert stored is not None
        assert (entry.payload.sealed, entry.payload.sha256) == ("api/2026-11", sha256_hex(stored))
        assert entry.payload.size == len(stored)
        assert log.body(entry) == content
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"personal" in path.read_bytes()]


def test_sealed_content_goes_with_its_key_and_the_entry_stays(tmp_path: Path) -> None:
    """Without its data key the content is gone; the entry is still proven and the store verifies."""
    with make(tmp_path) as log:
        log.append([observation(b"personal", sealed=True)])
        (tmp_path / "keys" / "data" / "api" / "2026-11").unlink()
        with pytest.raises(ContentGone, match="data key api/2026-11"):
            log.body(log.entry(0))
        assert log.stored_bytes(log.entry(0))
        assert log.prove(0)
    assert verify_store(tmp_path).ok


# --- receipts and known items ------------------------------------------------------------------


def test_receipts_never_go_backwards(tmp_path: Path) -> None:
    """Where the clock steps back the last receipt counts, in this process and in the next."""
    clock = Clock()
    with make(tmp_path, clock=clock) as log:
        for hours in (0, -5, 1):
            clock.move(hours=hours)
            log.append([observation()])
    clock.move(days=-40)
    with reopen(tmp_path, clock) as log:
        log.append([observation(sealed=True), observation(observed_at=START - timedelta(days=1))])
        entries = [entry for _, entry in log.entries(0)]
    assert [entry.received_at for entry in entries] == [START] * 5
    assert entries[4].observed_at == START - timedelta(days=1)
    assert entries[3].observed_at == START
    assert entries[3].payload is not None
    assert entries[3].payload.sealed == "api/2026-11", "the data key is that of the month of receipt"


def test_receipts_never_go_backwards_between_processes(tmp_path: Path) -> None:
    """Where another writer's clock is ahead, its last receipt counts here too, unless the source states a time."""
    ahead = Clock(START + timedelta(hours=1))
    with make(tmp_path) as here, reopen(tmp_path, ahead) as there:
        here.append([observation()])
        there.append([observation()])
        here.append([observation(), observation(observed_at=START)])
        entries = [entry for _, entry in here.entries(0)]
    assert [entry.received_at for entry in entries] == [START, ahead.now, ahead.now, ahead.now]
    assert [entry.observed_at for entry in entries] == [START, ahead.now, ahead.now, START]


def test_known_items_append_nothing(tmp_path: Path) -> None:
    """An observation all of whose items are known is None; one with a new item is appended."""
    a, b, c = (bytes([number]) * 16 for number in range(3))
    with make(tmp_path) as log:
        assert log.append(
            [observation(known=(a, b)), observation(known=(a,)), observation(known=(b, c))]
        ) == [0, None, 1]
        assert log.append([observation(known=(a,)), observation(), observation(known=(c, a))]) == [
            None,
            2,
            None,
        ]
        assert log.append([]) == []
    with reopen(tmp_path) as log:
        assert log.append([observation(bytes(9000), known=(a, b, c))]) == [None]
        assert log.size == 3
    assert not (tmp_path / "payloads" / "sha256").exists(), "what is known costs no payload"


def test_the_dedupe_key_is_the_stores_own_and_stays(tmp_path: Path) -> None:
    """The secret for digests of known items survives reopening and differs from store to store."""
    with make(tmp_path / "a") as one, make(tmp_path / "b") as other:
        assert one.dedupe_key != other.dedupe_key
        key = one.dedupe_key
    with reopen(tmp_path / "a") as again:
        assert again.dedupe_key == key


# --- many at once ------------------------------------------------------------------------------


def test_threads_get_indexes_without_gap_or_duplicate(tmp_path: Path) -> None:
    """Threads that append at once, some the same items, share commits; each finds its own entry at its index."""
    found: dict[int, bytes] = {}
    nones: list[int] = []
    with make(tmp_path) as log:

        def run(name: int) -> None:
            for number in range(25):
                body = b"%d %d" % (name, number)
                own, shared = log.append(
                    [observation(body), observation(known=(number.to_bytes(16, "big"),))]
                )
                assert own is not None
                found[own] = body
                if shared is None:
                    nones.append(number)

        threads = [threading.Thread(target=run, args=(name,)) for name in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert log.size == 12 * 25 + 25
        assert len(nones) == 12 * 25 - 25, "of equal items exactly one is appended"
        assert len(found) == 12 * 25
        assert all(log.body(log.entry(index)) == body for index, body in found.items())
    assert verify_store(tmp_path).ok


def test_processes_append_to_one_log(tmp_path: Path) -> None:
    """Several processes with several threads each leave one log without a gap, and none loses an entry."""
    make(tmp_path).close()
    started = [
        subprocess.Popen(
            [sys.executable, APPENDER, tmp_path, f"p{number}", "2", "30"], stdout=subprocess.PIPE
        )
        for number in range(3)
    ]
    lines = [line.split() for process in started for line in process.communicate(timeout=120)[0].splitlines()]
    assert [process.returncode for process in started] == [0, 0, 0]
    with reopen(tmp_path) as log:
        assert sorted(int(index) for index, _ in lines) == list(range(180))
        assert all(sha256_hex(log.leaf(int(index))).encode() == digest for index, digest in lines)
    assert verify_store(tmp_path).ok


def test_one_open_log_sees_what_another_appends(tmp_path: Path) -> None:
    """Two writers and a reader of one store see each other's entries, and each continues from them."""
    with make(tmp_path) as one, reopen(tmp_path) as two, reopen(tmp_path, read_only=True) as reader:
        indexes = [log.append([observation()])[0] for log in (one, two, one, one, two)]
        assert indexes == [0, 1, 2, 3, 4]
        assert one.size == two.size == reader.size == 5
        assert leaves_of(one) == leaves_of(two) == leaves_of(reader)


# --- reading without right to write ------------------------------------------------------------


def test_a_reader_without_keys_reads_and_proves(tmp_path: Path) -> None:
    """From the published bytes alone entries are read and proven; what needs a secret is forbidden."""
    with make(tmp_path, 300) as log:
        log.append([observation(b"personal", sealed=True)])
    (tmp_path / "keys").rename(tmp_path / "elsewhere")
    (tmp_path / "log" / "head.db").unlink()
    with reopen(tmp_path, read_only=True) as log:
        assert log.body(log.entry(7)) == b"entry 7"
        assert ProofFile.parse(log.prove(7)).note == log.checkpoint()
        for refused in (lambda: log.body(log.entry(300)), lambda: log.checkpoint(9), lambda: log.dedupe_key):
            with pytest.raises(Forbidden, match="needs the store's keys"):
                refused()
        with pytest.raises(StoreUnavailable, match="opened for reading only"):
            log.append([observation()])


def test_a_closed_log_takes_nothing(tmp_path: Path) -> None:
    """After closing, appending is refused with a sentence; closing twice does no harm."""
    log = make(tmp_path)
    log.close()
    log.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        log.append([observation()])


# --- changed bytes -----------------------------------------------------------------------------


def overwrite(path: Path, body: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(body)


def test_changed_entries_are_not_served(tmp_path: Path) -> None:
    """An entry whose bytes do not hash to its leaf is refused, naming its index; its neighbours are served."""
    make(tmp_path, 300).close()
    for name, bad in (("000", b"entry 7"), ("001.p/44", b"entry 290")):
        path = tmp_path / "log" / "tile" / "entries" / name
        body = path.read_bytes()
        leaf = next(index for index in range(300) if bad == b"entry %d" % index)
        with reopen(tmp_path, read_only=True) as log:
            kept = log.leaf(leaf)
        overwrite(path, body.replace(kept, kept.replace(b"lineage/1", b"lineage/2")))
    with reopen(tmp_path, read_only=True) as log:
        for index in (7, 290):
            with pytest.raises(StoreTampered, match=f"Entry {index} was changed") as caught:
                log.leaf(index)
            assert caught.value.index == index
        assert log.body(log.entry(8)) == b"entry 8"


def test_changed_tiles_are_not_proven_from(tmp_path: Path) -> None:
    """A full tile that does not hash to its place above is refused; so is a changed right edge, at once."""
    make(tmp_path, 600).close()
    tile = tmp_path / "log" / "tile" / "0" / "000"
    body = tile.read_bytes()
    overwrite(tile, bytes(32) + body[32:])
    with (
        reopen(tmp_path, read_only=True) as log,
        pytest.raises(StoreTampered, match="do not lead to the signed root"),
    ):
        log.prove(3)
    overwrite(tile, body)
    edge = tmp_path / "log" / "tile" / "1" / "000.p" / "2"
    overwrite(edge, bytes(32) + edge.read_bytes()[32:])
    with pytest.raises(StoreTampered, match="another root"):
        reopen(tmp_path, read_only=True)


def test_changed_payloads_are_not_served(tmp_path: Path) -> None:
    """A payload that is not what its entry says is refused, naming its digest."""
    with make(tmp_path) as log:
        log.append([observation(bytes(9000)), observation(b"inline")])
        entry = log.entry(0)
        digest = sha256_hex(bytes(9000))
        overwrite(tmp_path / "payloads" / "sha256" / digest[:2] / digest, bytes(8999) + b"x")
        with pytest.raises(StoreTampered, match=f"{digest} was changed"):
            log.body(entry)
        inline = Entry.from_bytes(log.leaf(1).replace(b'"size":6', b'"size":7'))
        with pytest.raises(StoreTampered, match="not what its entry says"):
            log.body(inline)


# --- storage of another time -------------------------------------------------------------------


def files_of(home: Path, *, head: bool) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in (home / "log").rglob("*")
        if path.is_file() and path.name.startswith("head.db") == head
    }


def put_back(home: Path, files: dict[Path, bytes], *, head: bool) -> None:
    for path in files_of(home, head=head):
        path.unlink()
    for path, body in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


@pytest.mark.parametrize("sizes", [(3, 1), (0, 1), (3, 5), (250, 20), (300, 300)])
@pytest.mark.parametrize("head", [True, False])
def test_storage_restored_from_an_older_backup_is_refused(
    tmp_path: Path, sizes: Sequence[int], head: bool
) -> None:
    """A head behind the published log, or a published log behind the head, is refused, saying what to do."""
    make(tmp_path, sizes[0]).close()
    older = files_of(tmp_path, head=head)
    with reopen(tmp_path) as log:
        log.append([observation()] * sizes[1])
    put_back(tmp_path, older, head=head)
    with pytest.raises(StoreTampered, match=r"restored from an older backup.*Restore the whole store"):
        reopen(tmp_path)
    assert not verify_store(tmp_path).ok


def test_a_published_log_set_back_under_a_running_one_is_refused(tmp_path: Path) -> None:
    """Files restored beneath a process that has the log open are noticed at its next append and read."""
    with make(tmp_path, 3) as log:
        older = files_of(tmp_path, head=False)
        log.append([observation()])
        log.append([observation()])
        put_back(tmp_path, older, head=False)
        with pytest.raises(StoreTampered, match="went back from 5 to 3"):
            _ = log.size
        with pytest.raises(StoreTampered, match="restored from an older backup"):
            log.append([observation()])
        put_back(tmp_path, {}, head=False)
        with pytest.raises(StoreTampered, match="cannot be read"):
            _ = log.size
        with pytest.raises(StoreTampered, match="cannot be read"):
            log.append([observation()])


def test_the_log_of_another_store_is_refused(tmp_path: Path) -> None:
    """A head beside the published log of another history of equal size is refused."""
    make(tmp_path / "a", 3).close()
    before = files_of(tmp_path / "a", head=True), files_of(tmp_path / "a", head=False)
    with reopen(tmp_path / "a") as log:
        log.append([observation(b"one history")])
    other_head = files_of(tmp_path / "a", head=True)
    put_back(tmp_path / "a", before[0], head=True)
    put_back(tmp_path / "a", before[1], head=False)
    with reopen(tmp_path / "a") as log:
        log.append([observation(b"another history")])
    put_back(tmp_path / "a", other_head, head=True)
    with pytest.raises(StoreTampered, match="different roots for 4 entries"):
        reopen(tmp_path / "a")


def test_a_missing_full_tile_is_noticed_on_opening(tmp_path: Path) -> None:
    """Opening does not read the log, but sees that the last full files that the head counts on are there."""
    with make(tmp_path, 300) as log:
        log.append([observation()])
    (tmp_path / "log" / "tile" / "entries" / "000").unlink()
    with pytest.raises(StoreTampered, match="tile/entries/000 is missing"):
        reopen(tmp_path)


def test_a_damaged_head_is_refused(tmp_path: Path) -> None:
    """A head that is no database, or lacks entries that its root speaks for, is refused."""
    make(tmp_path, 3).close()
    path = tmp_path / "log" / "head.db"
    body = path.read_bytes()
    connection = head_module.connect(path)
    connection.execute("DELETE FROM pending")
    connection.close()
    with pytest.raises(StoreTampered, match="does not hold the entries"):
        reopen(tmp_path)
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreTampered, match="is damaged"):
        reopen(tmp_path)
    path.write_bytes(body)
    reopen(tmp_path).close()


# --- speed that must not be lost ---------------------------------------------------------------


def test_opening_reads_the_right_edge_and_not_the_log(tmp_path: Path) -> None:
    """A log opens and appends though older bundles and tiles cannot be read: it does not read them."""
    make(tmp_path, 1000).close()
    for name in ("entries/000", "entries/001", "0/000", "0/001"):
        (tmp_path / "log" / "tile" / name).unlink()
    with reopen(tmp_path) as log:
        assert log.append([observation()]) == [1000]
