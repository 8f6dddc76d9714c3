"""Appending when things go wrong: faults at every step, full disks, locks, and any order of events."""

import errno
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from compliance import durable, head, publication
from compliance.errors import StoreUnavailable
from compliance.groupcommit import GroupCommit
from compliance.log import EvidenceLog
from compliance.merkle import leaf_hash, root_of, verify_consistency
from compliance.verify import verify_store
from tests.logs import Clock, make, observation, reopen


class Fault:
    """Makes the nth call of a function fail, either without effect or after it took effect."""

    def __init__(
        self, function: Callable[..., Any], number: int, *, persisted: bool, code: int = errno.EIO
    ) -> None:
        self.function = function
        self.left = number
        self.persisted = persisted
        self.code = code

    def __call__(self, *args: Any, **parts: Any) -> Any:
        """Call through, unless this is the one."""
        self.left -= 1
        if self.left != 0:
            return self.function(*args, **parts)
        if self.persisted:
            self.function(*args, **parts)
        raise OSError(self.code, "injected")


class FaultyConnection:
    """A database connection on which one statement fails, before or after it took effect."""

    def __init__(self, connection: sqlite3.Connection, statement: str, *, persisted: bool) -> None:
        self.connection = connection
        self.statement = statement
        self.persisted = persisted

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        """Execute, unless this is the one."""
        if not sql.startswith(self.statement):
            return self.connection.execute(sql, *args)
        if self.persisted:
            self.connection.execute(sql, *args)
        error = sqlite3.OperationalError("injected")
        error.sqlite_errorname = "SQLITE_IOERR_FSYNC"
        raise error

    def __getattr__(self, name: str) -> Any:
        """Everything else is the connection's."""
        return getattr(self.connection, name)


def bodies(log: EvidenceLog) -> list[bytes | None]:
    return [log.body(entry) for _, entry in log.entries(0)]


def check_whole(home: Path, before: list[bytes | None], wanted: list[bytes | None]) -> None:
    """After a fault: all or none of the batch, then a retry, and a store that verifies open and reopened."""
    assert verify_store(home).ok
    with reopen(home) as log:
        assert bodies(log) in (before, before + wanted)
        log.append([observation(b"afterwards")])
        assert bodies(log)[-1] == b"afterwards"
    assert verify_store(home).ok


# --- every write lost, and persisted but reported failed -----------------------------------------


@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize(("name", "number"), [
    *(("write_file", number) for number in range(1, 7)), *(("rename", number) for number in range(1, 7)),
    *(("sync_folder", number) for number in range(1, 4)), ("make_folder", 1),
])  # fmt: skip
def test_a_fault_in_any_file_operation_leaves_all_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, number: int, persisted: bool
) -> None:
    """Whichever write, rename or sync of an append over a bundle's border fails, the log is whole and usable."""
    wanted: list[bytes | None] = [b"a", b"b", b"c", b"d"]
    with make(tmp_path, 254) as log:
        before = bodies(log)
        with monkeypatch.context() as patch:
            fault = Fault(getattr(publication, name), number, persisted=persisted)
            patch.setattr(publication, name, fault)
            with pytest.raises(StoreUnavailable, match="input/output error"):
                log.append([observation(body) for body in wanted])
            assert fault.left == 0
        log.append([observation(b"next")])
        found = bodies(log)
        assert found in ([*before, b"next"], [*before, *wanted, b"next"])
        assert verify_store(tmp_path).ok
    check_whole(tmp_path, found, [])


@pytest.mark.parametrize("persisted", [False, True], ids=["lost", "persisted"])
@pytest.mark.parametrize("statement", ["BEGIN", "UPDATE", "INSERT", "DELETE", "COMMIT"])
def test_a_fault_in_any_statement_leaves_all_or_nothing(
    tmp_path: Path, statement: str, persisted: bool
) -> None:
    """Whichever statement of the transaction fails, even a commit that took effect, the log is whole and usable."""
    with make(tmp_path, 254) as log:
        log.append([observation()] * 4)
        before = bodies(log)
        head: Any = log._head
        connection = head._writer
        head._writer = FaultyConnection(connection, statement, persisted=persisted)
        with pytest.raises(StoreUnavailable, match="input/output error"):
            log.append([observation(b"a"), observation(b"b")])
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        head._writer = connection
        log.append([observation(b"next")])
        found = bodies(log)
        applied = statement == "COMMIT" and persisted
        assert found == [*before, *([b"a", b"b"] if applied else []), b"next"]
    check_whole(tmp_path, found, [])


def test_a_failed_publication_says_that_the_entries_are_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where only the publication failed the message says so, and opening publishes without a further append."""
    log = make(tmp_path, 3)
    with monkeypatch.context() as patch:
        patch.setattr(publication, "rename", Fault(durable.rename, 1, persisted=False))
        with pytest.raises(
            StoreUnavailable, match="1 entries from index 3 on are in the log but not published"
        ):
            log.append([observation(b"in")])
    assert log.size == 3
    with reopen(tmp_path) as again:
        assert bodies(again)[3:] == [b"in"]
    log.close()


# --- full disks and locks ----------------------------------------------------------------------


def test_a_full_database_is_reported_and_the_log_goes_on(tmp_path: Path) -> None:
    """When the head cannot grow nothing is applied, and once it can the log goes on."""
    with make(tmp_path, 3) as log:
        head: Any = log._head
        pages = head._writer.execute("PRAGMA page_count").fetchone()[0]
        head._writer.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreUnavailable, match="disk is full; free some space"):
            log.append([observation(bytes(4000))] * 200)
        assert log.size == 3
        head._writer.execute("PRAGMA max_page_count = 1000000")
        assert log.append([observation(bytes(4000))] * 200) == list(range(3, 203))
    assert verify_store(tmp_path).ok


def test_a_locked_database_is_reported_and_the_log_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another program holds the database the append is refused with a sentence, and works afterwards."""
    monkeypatch.setattr(head, "BUSY_SECONDS", 0.05)
    with make(tmp_path, 1) as log:
        other = sqlite3.connect(tmp_path / "log" / "head.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="another program has locked the database"):
            log.append([observation()])
        other.execute("ROLLBACK")
        other.close()
        assert log.append([observation()]) == [1]


def test_a_held_append_lock_is_waited_for_and_then_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An append waits while another process appends, but not for ever."""
    with make(tmp_path, 1) as log:
        with monkeypatch.context() as patch, durable.exclusive(tmp_path / "log" / "append.lock"):
            patch.setattr(durable, "LOCK_SECONDS", 0.05)
            with pytest.raises(StoreUnavailable, match="held the append lock"):
                log.append([observation()])
        lock = durable.FileLock(tmp_path / "log" / "append.lock")
        with lock.held():
            thread = threading.Thread(target=log.append, args=([observation()],))
            thread.start()
            thread.join(0.05)
            assert log.size == 1
        thread.join(10)
        lock.close()
        assert log.size == 2


LIMITED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from compliance.errors import StoreUnavailable
from compliance.evidence import CollectorName, Observation
from compliance.log import EvidenceLog

log = EvidenceLog.open(Path(sys.argv[1]), clock=lambda: datetime.now(UTC))
large = Observation("lineage/1", "api", CollectorName("test", "1"), bytes(400_000))
small = Observation("lineage/1", "api", CollectorName("test", "1"), b"small")
try:
    log.append([large])
except StoreUnavailable as error:
    print(error)
print(log.append([small]), log.size)
log.close()
"""


def test_a_limit_on_file_sizes_is_reported_and_the_log_goes_on(tmp_path: Path) -> None:
    """A payload that the operating system cuts short is not stored half; the next append works."""
    make(tmp_path, 1).close()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, tmp_path],
        check=True, capture_output=True, text=True, preexec_fn=limit, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "Storing a payload failed: a limit on file sizes is in force; raise it, then try again.", "[1] 2",
    ]  # fmt: skip
    assert verify_store(tmp_path).ok


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB, where this user may mount one."""
    place = tmp_path / "tiny"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs a privilege that this user lacks")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_is_reported_and_the_log_goes_on_when_it_is_not(tmp_path: Path, tiny_disk: Path) -> None:
    """On a disk that is really full appends are refused, nothing acknowledged is lost, and space mends it."""
    log = make(tiny_disk / "home")
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(bytes(400_000))
    acknowledged: list[bytes] = []

    def fill() -> None:
        for number in range(2000):
            body = b"%d" % number + bytes(3000 if number % 2 else 5000)
            log.append([observation(body)])
            acknowledged.append(body)

    with pytest.raises(StoreUnavailable, match="failed"):
        fill()
    for _ in range(5):
        with pytest.raises(StoreUnavailable):
            log.append([observation(bytes(50_000))])
    ballast.unlink()
    log.append([observation(b"afterwards")])
    found = bodies(log)
    log.close()
    assert found[: len(acknowledged)] == acknowledged
    assert found[-1] == b"afterwards"
    shutil.copytree(tiny_disk / "home", tmp_path / "copy")
    assert verify_store(tmp_path / "copy").ok


# --- torn by a power cut -----------------------------------------------------------------------


def test_partial_tiles_that_a_power_cut_tore_are_written_again(tmp_path: Path) -> None:
    """Opening restores partial tiles and bundles that are empty, cut short or gone, superseded ones included."""
    make(tmp_path, 256).close()
    with reopen(tmp_path) as log:
        for _ in range(3):
            log.append([observation()])
    tile = tmp_path / "log" / "tile"
    for name, cut in (("0/001.p/3", 0), ("entries/001.p/3", 40), ("0/001.p/1", 0), ("entries/001.p/2", 1)):
        path = tile / name
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:cut])
    (tile / "1" / "000.p" / "1").unlink()
    assert not verify_store(tmp_path).ok
    with reopen(tmp_path) as log:
        assert log.size == 259
    assert verify_store(tmp_path).ok


def test_what_was_changed_is_not_covered_up_by_opening(tmp_path: Path) -> None:
    """A partial tile of the right length and the wrong bytes stays for verification to find."""
    make(tmp_path, 5).close()
    path = tmp_path / "log" / "tile" / "0" / "000.p" / "4"
    path.chmod(0o644)
    path.write_bytes(bytes(128))
    reopen(tmp_path).close()
    assert not verify_store(tmp_path).ok


# --- group commit ------------------------------------------------------------------------------


def test_requests_that_arrive_during_a_commit_share_the_next() -> None:
    """While one commit is under way others queue, and are carried out together."""
    batches: list[list[int]] = []
    go, begun = threading.Event(), threading.Event()

    def commit(batch: list[int]) -> None:
        batches.append(batch)
        begun.set()
        assert go.wait(10)

    group = GroupCommit(commit)
    threads = [threading.Thread(target=group.submit, args=(number,)) for number in range(9)]
    threads[0].start()
    assert begun.wait(10)
    for thread in threads[1:]:
        thread.start()
    while len(group._queue) < 8:
        threading.Event().wait(0.001)
    go.set()
    for thread in threads:
        thread.join(10)
    assert batches[0] == [0]
    assert sorted(batches[1]) == list(range(1, 9))


def test_a_failed_commit_is_reported_to_each_of_its_requests() -> None:
    """Every thread of a failed batch raises an error of its own, and later requests are carried out."""
    failing = True
    errors: list[StoreUnavailable] = []

    def commit(_: list[int]) -> None:
        if failing:
            raise StoreUnavailable("no")

    group = GroupCommit(commit)

    def run() -> None:
        with pytest.raises(StoreUnavailable, match="no") as caught:
            group.submit(1)
        errors.append(caught.value)

    threads = [threading.Thread(target=run) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({id(error) for error in errors}) == 5
    failing = False
    group.submit(2)


def test_a_defect_in_a_commit_does_not_leave_others_waiting() -> None:
    """An error that nobody foresaw is raised in the thread that led, and the queue goes on."""

    def commit(batch: list[int]) -> None:
        if batch == [1]:
            raise ZeroDivisionError

    group = GroupCommit(commit)
    with pytest.raises(ZeroDivisionError):
        group.submit(1)
    group.submit(2)


# --- any order of events -----------------------------------------------------------------------


class LogMachine(RuleBasedStateMachine):
    """Appends, failures, crashes, reopenings and a second writer, in any order, against a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.home = Path(self.folder.name)
        self.model: list[bytes] = []
        self.known: set[bytes] = set()
        self.sizes: dict[int, bytes] = {}
        self.abandoned: list[EvidenceLog] = []
        self.clock = Clock()

    @initialize()
    def create(self) -> None:
        """Begin with an empty log."""
        self.log = make(self.home, clock=self.clock)

    @rule(count=st.sampled_from([0, 1, 2, 100, 255, 256, 300]), sealed=st.booleans())
    def append(self, count: int, sealed: bool) -> None:
        """Append so many entries."""
        new = [b"%d" % (len(self.model) + number) for number in range(count)]
        expected = list(range(len(self.model), len(self.model) + count))
        assert self.log.append([observation(body, sealed=sealed) for body in new]) == expected
        self.model += new

    @rule(digest=st.sampled_from([bytes([number]) * 16 for number in range(4)]))
    def append_known(self, digest: bytes) -> None:
        """Append an item that may have been sent before."""
        (index,) = self.log.append([observation(digest, known=(digest,))])
        assert (index is None) == (digest in self.known)
        if index is not None:
            self.model.append(digest)
            self.known.add(digest)

    @rule(hours=st.integers(-50, 50))
    def move_the_clock(self, hours: int) -> None:
        """Let time pass, or step back."""
        self.clock.move(hours=hours)

    @rule()
    def append_beside(self) -> None:
        """Append through another open log."""
        with reopen(self.home, self.clock) as other:
            assert other.append([observation(b"beside")]) == [len(self.model)]
        self.model.append(b"beside")

    @rule(number=st.integers(1, 3), persisted=st.booleans(), name=st.sampled_from(["rename", "write_file"]))
    def fail(self, number: int, persisted: bool, name: str) -> None:
        """Append while the disk fails; opening again tells what became of it."""
        original = getattr(publication, name)
        setattr(publication, name, Fault(original, number, persisted=persisted))
        try:
            with pytest.raises(StoreUnavailable):
                self.log.append([observation(b"failed")])
        finally:
            setattr(publication, name, original)
        self.crash()
        if name == "rename":
            self.model.append(b"failed")

    @rule()
    def crash(self) -> None:
        """Leave the log as it is, unclosed, and open it again."""
        self.abandoned.append(self.log)
        self.log = reopen(self.home, self.clock)

    @rule()
    def close_and_open(self) -> None:
        """Close properly and open again."""
        self.log.close()
        self.log = reopen(self.home, self.clock)

    @precondition(lambda self: len(self.sizes) < 6)
    @rule()
    def remember(self) -> None:
        """Remember the root of this size."""
        self.sizes[self.log.size] = self.log.root(self.log.size)

    @invariant()
    def is_the_model(self) -> None:
        """Size, root, last entries and consistency with all remembered sizes are those of the list."""
        size = len(self.model)
        assert self.log.size == size
        assert [self.log.body(entry) for _, entry in self.log.entries(max(0, size - 5))] == self.model[-5:]
        for old, root in self.sizes.items():
            assert verify_consistency(old, size, root, self.log.root(size), self.log.consistency(old, size))

    def teardown(self) -> None:
        """At the end the whole store verifies, and its root is that of its leaves."""
        if hasattr(self, "log"):
            leaves = [leaf_hash(self.log.leaf(index)) for index in range(self.log.size)]
            assert self.log.root(self.log.size) == root_of(leaves)
            received = [entry.received_at for _, entry in self.log.entries(0)]
            assert received == sorted(received)
            for log in [self.log, *self.abandoned]:
                log.close()
            assert verify_store(self.home).ok
        self.folder.cleanup()


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
