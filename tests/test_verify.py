"""Verification of a whole store: it passes what is whole, finds every changed byte, and never raises."""

import dataclasses
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from compliance.canonical import sha256_hex
from compliance.errors import StoreMissing
from compliance.head import connect
from compliance.merkle import EMPTY_ROOT, leaf_hash
from compliance.note import Checkpoint
from compliance.tiles import Tip
from compliance.verify import GIVEN_KEY, OWN_KEY, Verification, verify_store
from tests.logs import ORIGIN, Clock, make, observation, reopen

COUNT = 520
"""Entries of the store under test: two full tiles at level 0, partial ones at 0 and 1."""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store with inline, large and sealed payloads, and superseded partial tiles."""
    home = tmp_path_factory.mktemp("store")
    with make(home, COUNT - 10) as log:
        for number in range(8):
            log.append([observation(b"%d" % number)])
        log.append([observation(b"large " * 2000), observation(b"sealed " * 2000, sealed=True)])
    return home


@pytest.fixture
def copy(store: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(store, tmp_path / "copy"))


def change(path: Path, edit: Callable[[bytes], bytes]) -> None:
    body = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(edit(body))


def flip(path: Path, bit: int) -> None:
    def edit(body: bytes) -> bytes:
        changed = bytearray(body)
        changed[bit // 8] ^= 1 << bit % 8
        return bytes(changed)

    change(path, edit)


def refused(home: Path) -> Verification:
    found = verify_store(home)
    assert not found.ok
    assert found.problem_count >= 1
    assert found.problems
    return found


def test_a_whole_store_verifies(store: Path) -> None:
    """What was found is stated: size, root, how much was read, and who vouches for it."""
    found = verify_store(store)
    with reopen(store, read_only=True) as log:
        root = log.checkpoint().split("\n")[2]
    assert (found.ok, found.problems, found.first_bad_index) == (True, (), None)
    assert (found.size, found.entries, found.payloads, found.root) == (COUNT, COUNT, 2, root)
    assert found.bytes > sum(
        path.stat().st_size for path in (store / "payloads").rglob("*") if path.is_file()
    )
    assert found.vouched_by == OWN_KEY
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.ok = False  # type: ignore[misc]


@pytest.mark.parametrize("count", [0, 1, 256])
def test_stores_of_border_sizes_verify(tmp_path: Path, count: int) -> None:
    """An empty log, a single entry and a full bundle verify."""
    make(tmp_path, count).close()
    assert verify_store(tmp_path).ok


def test_verification_needs_no_private_key_and_writes_nothing(copy: Path) -> None:
    """It works without the keys, on a store that nobody may write, and leaves every file as it was."""
    shutil.rmtree(copy / "keys")
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    assert verify_store(copy).ok
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_verification_reads_a_store_that_a_crash_left(tmp_path: Path) -> None:
    """A store with a write-ahead log beside its head, as a killed process leaves it, verifies as it lies there."""
    log = make(tmp_path / "home", 30)
    shutil.copytree(tmp_path / "home", tmp_path / "left")
    log.close()
    assert (tmp_path / "left" / "log" / "head.db-wal").stat().st_size > 0
    (tmp_path / "left" / "log" / "head.db-shm").unlink(missing_ok=True)
    assert verify_store(tmp_path / "left").ok


def test_no_store_is_no_answer(tmp_path: Path) -> None:
    """Where there is no log there is nothing to say yes or no to."""
    with pytest.raises(StoreMissing, match="no evidence log"):
        verify_store(tmp_path)


def test_published_bytes_alone_verify_where_that_is_asked_for(copy: Path) -> None:
    """Without the head the store is incomplete, unless the caller has only the published bytes."""
    (copy / "log" / "head.db").unlink()
    assert verify_store(copy, head_required=False).ok
    assert refused(copy).problems[0].what == "log/head.db is missing"


def test_a_trusted_key_is_held_against_the_store(store: Path, tmp_path: Path) -> None:
    """With a key known from elsewhere a rewritten store does not pass, though it vouches for itself."""
    with make(tmp_path / "other", 1) as log:
        other = log.vkey
    own = (store / "log" / "vkey").read_text()
    found = verify_store(store, vkey=own)
    assert (found.ok, found.vouched_by) == (True, GIVEN_KEY)
    assert not verify_store(store, vkey=other).ok
    assert not verify_store(store, vkey="nonsense").ok


def test_progress_is_told(store: Path) -> None:
    """Who waits is told how many entries are done, the last time all of them."""
    steps: list[tuple[int, int]] = []
    verify_store(store, progress=lambda done, size: steps.append((done, size)))
    assert steps[-1] == (COUNT, COUNT)


# --- changed bytes -----------------------------------------------------------------------------


def evidence_files(home: Path) -> list[Path]:
    names = [path for part in ("log/tile", "payloads") for path in (home / part).rglob("*") if path.is_file()]
    return sorted([*names, home / "log" / "checkpoint", home / "log" / "vkey"])


def flip_some(home: Path, seed: int, count: int) -> None:
    """Flip one random bit at a time in each kind of file; each must be found."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice
    files = evidence_files(home)
    for number in range(count):
        path = files[number % len(files)]
        body = path.read_bytes()
        flip(path, chance.randrange(8 * len(body)))
        assert not verify_store(home).ok, f"a flipped bit of {path.relative_to(home)} was not found"
        path.write_bytes(body)
    assert verify_store(home).ok


def test_a_flipped_bit_of_any_file_is_found(copy: Path) -> None:
    """One flipped bit anywhere in a tile, bundle, payload, checkpoint or verifier key makes verification fail."""
    flip_some(copy, 1, len(evidence_files(copy)))


@pytest.mark.soak
def test_many_flipped_bits_are_found(copy: Path) -> None:
    """The same, two thousand times."""
    flip_some(copy, 2, 2000)


@pytest.mark.soak
def test_every_bit_of_checkpoint_and_verifier_key_counts(copy: Path) -> None:
    """No bit of the checkpoint or the verifier key can change."""
    for name in ("checkpoint", "vkey"):
        path = copy / "log" / name
        body = path.read_bytes()
        for bit in range(8 * len(body)):
            flip(path, bit)
            assert not verify_store(copy).ok
            path.write_bytes(body)


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 517])
def test_the_first_bad_index_is_named(copy: Path, store: Path, index: int) -> None:
    """A changed entry is named by its index, whichever bundle it lies in, and later damage does not hide it."""
    with reopen(store, read_only=True) as log:
        leaf = log.leaf(index)
    bundle = f"{index // 256:03d}" + ("" if index < 512 else ".p/8")
    path = copy / "log" / "tile" / "entries" / bundle
    change(path, lambda body: body.replace(leaf, leaf.replace(b"lineage/1", b"lineage/2")))
    change(copy / "log" / "tile" / "0" / "002.p" / "8", lambda body: body[:-1] + bytes([body[-1] ^ 1]))
    assert refused(copy).first_bad_index == index


@pytest.mark.parametrize(("name", "at", "index"), [
    ("0/000", 32 * 17, 17), ("0/001", 8191, 511), ("0/002.p/8", 0, 512), ("0/002.p/5", 33, 513), ("1/000.p/2", 40, 256),
    ("1/000.p/1", 0, 0), ("entries/000", 0, 0),
])  # fmt: skip
def test_a_changed_tile_names_the_entry_it_speaks_for(copy: Path, name: str, at: int, index: int) -> None:
    """A changed hash is named by the first entry below it; superseded tiles count like the others."""
    path = copy / "log" / "tile" / name
    if not path.is_file():
        pytest.skip(f"{name} was swept")
    flip(path, at * 8)
    found = refused(copy)
    assert found.first_bad_index == index
    assert any(f"tile/{name}" in problem.what for problem in found.problems)


@pytest.mark.parametrize("edit", [
    lambda _: b"", lambda body: body[:-1], lambda body: body + b"\0", lambda body: body[1:], lambda body: body * 2,
    lambda _: b"\xff" * 40, lambda body: b"\0\0" + body,
])  # fmt: skip
@pytest.mark.parametrize("name", [
    "checkpoint", "vkey", "tile/0/000", "tile/1/000.p/2", "tile/entries/001", "tile/entries/002.p/8",
    "tile/entries/002.p/3",
])  # fmt: skip
def test_cut_and_padded_files_are_reported_not_raised(
    copy: Path, name: str, edit: Callable[[bytes], bytes]
) -> None:
    """Whatever a file of the log holds instead, verification says no and goes on to its end."""
    change(copy / "log" / name, edit)
    assert refused(copy).payloads == 2


@pytest.mark.parametrize("name", ["checkpoint", "vkey", "tile/0/000", "tile/1/000.p/2", "tile/entries/001"])
def test_missing_files_are_reported(copy: Path, name: str) -> None:
    """A file that should be there and is not is a problem; a superseded partial tile may be gone."""
    (copy / "log" / name).unlink()
    assert any(Path(name).name in problem.what or name in problem.what for problem in refused(copy).problems)


def test_superseded_tiles_may_be_gone(copy: Path) -> None:
    """Only the tiles of the published size are needed."""
    for path in (copy / "log" / "tile" / "0" / "002.p").iterdir():
        if path.name != "8":
            path.unlink()
    assert verify_store(copy).ok


@pytest.mark.parametrize("name", [
    "0/003", "0/002.p/9", "0/002.p/zero", "2/000.p/1", "entries/002", "stray", "0/000.p/256", "x000/000",
])  # fmt: skip
def test_what_does_not_belong_among_the_tiles_is_reported(copy: Path, name: str) -> None:
    """A file that no log of this size has is a problem."""
    path = copy / "log" / "tile" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(32))
    refused(copy)


def test_a_link_in_place_of_a_tile_is_reported(copy: Path, tmp_path: Path) -> None:
    """A tile is a regular file, not a link to one that may change later."""
    path = copy / "log" / "tile" / "0" / "000"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "lies among the tiles" in refused(copy).problems[0].what


# --- payloads ----------------------------------------------------------------------------------


def payload(home: Path, body: bytes) -> Path:
    digest = sha256_hex(body)
    return home / "payloads" / "sha256" / digest[:2] / digest


def test_changed_and_missing_payloads_name_their_entry(copy: Path) -> None:
    """A payload that was changed, cut or removed is a problem of the entry that names it."""
    path = payload(copy, b"large " * 2000)
    for edit in (lambda body: body[:-1], lambda body: body[:-1] + b"x", lambda _: b""):
        body = path.read_bytes()
        change(path, edit)
        assert refused(copy).first_bad_index == COUNT - 2
        path.write_bytes(body)
    path.unlink()
    found = refused(copy)
    assert found.first_bad_index == COUNT - 2
    assert "is missing" in found.problems[0].what


def test_orphans_are_harmless_if_they_are_what_their_name_says(copy: Path) -> None:
    """A payload that no entry names, left by a crash, is fine; one whose content contradicts its name is not."""
    path = payload(copy, b"orphan")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"orphan")
    assert verify_store(copy).ok
    path.write_bytes(b"changed")
    found = refused(copy)
    assert (found.first_bad_index, found.problem_count) == (None, 1)


@pytest.mark.parametrize(
    "name", ["sha256/stray", "sha256/00/" + "1" * 64, "sha256/00/" + "0" * 63, "sha256/00/a/" + "0" * 64]
)
def test_what_does_not_belong_among_the_payloads_is_reported(copy: Path, name: str) -> None:
    """Payloads lie under the two first digits of their digest; nothing else lies there."""
    path = copy / "payloads" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    assert "lies among the payloads" in refused(copy).problems[0].what


# --- the head ----------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", [
    "UPDATE head SET size = size + 1", "UPDATE head SET size = size - 1", "UPDATE head SET root = zeroblob(32)",
    "UPDATE head SET size = 'many'", "UPDATE head SET base = 0", "UPDATE head SET base = 511", "DELETE FROM head",
    "DELETE FROM edge", "UPDATE edge SET hashes = zeroblob(64)", "UPDATE edge SET level = 9", "DELETE FROM pending",
    "UPDATE pending SET entries = zeroblob(7)", "UPDATE pending SET entries = 'text'", "DROP TABLE pending",
])  # fmt: skip
def test_a_head_that_contradicts_the_log_is_reported(copy: Path, statement: str) -> None:
    """Whatever the head says that the published log does not bear out is a problem."""
    connection = connect(copy / "log" / "head.db")
    connection.execute(statement)
    connection.close()
    refused(copy)


def test_a_head_of_garbage_is_reported(copy: Path) -> None:
    """A head that is no database, or a damaged one, is reported, not raised."""
    path = copy / "log" / "head.db"
    body = path.read_bytes()
    for garbage in (b"", b"garbage", body[:5000], bytes(len(body))):
        path.write_bytes(garbage)
        assert not verify_store(copy).ok


def test_random_damage_to_the_head_never_raises(copy: Path) -> None:
    """Verification of a store with any flipped bit in its head comes to an answer."""
    path = copy / "log" / "head.db"
    body, chance = path.read_bytes(), random.Random(3)  # noqa: S311 - a repeatable choice
    for _ in range(60):
        path.write_bytes(body)
        flip(path, chance.randrange(8 * len(body)))
        assert verify_store(copy).size == COUNT


# --- a store that vouches for nonsense, and one that is being served -----------------------------


def record(payload: bytes) -> bytes:
    """A leaf whose payload is anything."""
    times = b'"observed_at":"2026-11-23T12:00:00Z","received_at":"2026-11-23T12:00:00Z"'
    return b'{"collector":{"name":"a","version":"1"},"kind":"a/1","source":"a",%s,"payload":%s}' % (
        times,
        payload,
    )


@pytest.mark.parametrize("leaf", [
    b"", b"[]", b"null", b"{}", b"\xff", b'{"kind":1}', b"[" * 60_000, record(b"1"), record(b"[]"), record(b"{}"),
    record(b'{"media_type":"a","sha256":7,"size":"x"}'), record(b'{"media_type":"a","sha256":null,"size":1}'),
    record(b'{"media_type":"a","sha256":"../../../etc/passwd","size":1}'),
    record(b'{"inline":"YQ==","media_type":"a","sha256":"%s","size":1}' % (b"0" * 64)),
    record(b'{"inline":7,"media_type":"a","sha256":"%s","size":1}' % (b"0" * 64)),
    record(b'{"inline":"!","media_type":"a","sha256":"%s","size":1}' % (b"0" * 64)),
])  # fmt: skip
def test_signed_nonsense_is_reported_by_its_index(tmp_path: Path, leaf: bytes) -> None:
    """A leaf that is properly hashed and signed but is no evidence record of ours is a problem at its index."""
    with make(tmp_path) as log:
        signer = log._secret().signer
    tip = Tip.at(0, [])
    for tile, body in tip.extend([leaf]).items():
        path = tmp_path / "log" / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    note = signer.signed(Checkpoint(ORIGIN, 1, leaf_hash(leaf)).text())
    (tmp_path / "log" / "checkpoint").write_text(note)
    found = verify_store(tmp_path, head_required=False)
    assert (found.ok, found.first_bad_index) == (False, 0)


def test_a_signed_size_without_entries_is_reported(tmp_path: Path) -> None:
    """A checkpoint for more than is there names the first entry that is missing."""
    with make(tmp_path, 3) as log:
        signer = log._secret().signer
    (tmp_path / "log" / "checkpoint").write_text(signer.signed(Checkpoint(ORIGIN, 600, EMPTY_ROOT).text()))
    assert refused(tmp_path).first_bad_index is not None


def test_a_store_that_is_being_served_verifies(tmp_path: Path) -> None:
    """Appends that go on during verification, sweeping partial tiles, do not disturb it."""
    with make(tmp_path, clock=Clock()) as log:
        stop = threading.Event()

        def run() -> None:
            while not stop.is_set():
                log.append([observation()] * 40)

        thread = threading.Thread(target=run)
        thread.start()
        try:
            found = [verify_store(tmp_path) for _ in range(6)]
        finally:
            stop.set()
            thread.join()
    assert [each.problems for each in found] == [()] * 6
    assert verify_store(tmp_path).size > found[0].size
