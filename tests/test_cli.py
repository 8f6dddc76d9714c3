"""The command line as a person meets it: exit codes, sentences, JSON, no traceback."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import pytest

from compliance.cli import run

ROOT = Path(__file__).resolve().parents[1]
SECRET = "00112233445566778899aabbccddeeff"


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


class CommandLine:
    """The command in a folder and an environment of its own: in this process, or as one that is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "MUNIMENT_KEY_SPACES__CUSTOMER__SECRET": SECRET,
        }

    def run(self, *arguments: str, given: bytes = b"") -> Done:
        """Run one command in this process."""
        stdin = io.TextIOWrapper(io.BytesIO(given), encoding="utf-8", errors="surrogateescape")
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
        with (
            contextlib.chdir(self.folder), mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "stdin", stdin), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        ):  # fmt: skip
            code = run(list(arguments))
            for stream in (out, err):
                stream.flush()
        said = [stream.buffer.getvalue().decode() for stream in (out, err)]
        return Done(code, *said)

    def start(self, *arguments: str, into: str = "") -> Done:
        """Run one command as a process of its own, its output through a shell's pipe if one is given."""
        call = [sys.executable, "-c", "from compliance.cli import main; main()", *arguments]
        if into:
            call = ["bash", "-o", "pipefail", "-c", f"{shlex.join(call)} | {into}"]
        done = subprocess.run(
            call,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def ok(self, *arguments: str, given: bytes = b"") -> str:
        """Run one command that must succeed."""
        done = self.run(*arguments, given=given)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, *arguments: str, code: int = 2, given: bytes = b"") -> str:
        """Run one command that must fail with one or two sentences."""
        done = self.run(*arguments, given=given)
        assert done.returncode == code, (done.stdout, done.stderr)
        assert "defect" not in done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """An initialised store that tests only read or add to."""
    command = CommandLine(tmp_path_factory.mktemp("cli"))
    command.ok("init")
    return command


def test_a_missing_store_is_refused_by_every_other_command(tmp_path: Path) -> None:
    """Without a store each command says that init creates one, and exits with 2."""
    command = CommandLine(tmp_path)
    for call in (["status"], ["collect"], ["rebuild"], ["assess"], ["token", "create", "--scope", "ingest"]):
        assert "muniment init" in command.refused(*call)
    assert not (tmp_path / "var").exists()


def test_an_existing_store_is_never_overwritten(store: CommandLine) -> None:
    """Init on an existing store exits with 2 and changes nothing."""
    before = (store.folder / "var" / "log" / "checkpoint").read_bytes()
    assert "already" in store.refused("init")
    assert (store.folder / "var" / "log" / "checkpoint").read_bytes() == before


def test_status_has_the_fields_of_the_contract(store: CommandLine) -> None:
    """Status --json names instant, library, size, program, every framework and every control."""
    status = json.loads(store.ok("status", "--json"))
    assert {"as_of", "library", "log_size", "program", "frameworks", "controls"} <= status.keys()
    assert {"gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act"} <= status["frameworks"].keys()
    for control in status["controls"]:
        assert {"id", "status", "since", "failing", "population"} <= control.keys()
        assert control["status"] == "unknown", "nothing was collected, so nothing may look effective"


def test_findings_have_the_fields_of_the_contract(store: CommandLine) -> None:
    """Findings --json is a list with every field, and of an empty store all of it is unknown, missing."""
    findings = json.loads(store.ok("findings", "--json"))
    wanted = {
        "check", "control", "requirements", "resource_type", "resource_id", "source", "outcome", "cause",
        "reason", "evidence", "observed_at", "evaluated_at",
    }  # fmt: skip
    assert findings
    for finding in findings:
        assert wanted <= finding.keys()
        assert (finding["outcome"], finding["cause"]) == ("unknown", "missing")


def test_the_past_is_the_same_before_and_after_a_rebuild(store: CommandLine) -> None:
    """status, findings and lookup at an instant and a size are byte-identical across a rebuild."""
    at = ["--at", "2026-11-23T12:00:00Z", "--log-size", "2", "--json"]
    asked = (["status"], ["findings"], ["lookup", "customer", "C-1", "--reason", "test"])
    before = [store.ok(*call, *at) for call in asked]
    assert "Rebuilt" in store.ok("rebuild")
    assert [store.ok(*call, *at) for call in asked] == before


def test_a_key_can_come_from_standard_input(store: CommandLine) -> None:
    """KEY - reads the key from standard input, and it is echoed nowhere."""
    out = store.ok("lookup", "customer", "-", "--reason", "DSR-1", "--json", given=b"C-secret-7\r\n")
    assert "C-secret-7" not in out
    assert json.loads(out)["pseudonym"] == json.loads(
        store.ok("lookup", "customer", "C-secret-7", "--reason", "DSR-1", "--json")
    )["pseudonym"]  # fmt: skip


@pytest.mark.parametrize("given", [b"", b"\n", b"\xff\xfe\n"])
def test_what_is_no_key_is_refused_and_not_repeated(store: CommandLine, given: bytes) -> None:
    """A key that is missing on standard input, empty or no text is refused, and nothing of it is repeated."""
    said = store.refused("lookup", "customer", "-", "--reason", "x", given=given)
    assert said in {"muniment: The key is empty.\n", "muniment: The key is no text in UTF-8.\n"}


def test_a_lookup_is_itself_evidence_and_sealed(store: CommandLine) -> None:
    """Each lookup appends a sealed entry; neither key nor pseudonym stands in the log's bytes."""
    answer = json.loads(store.ok("lookup", "customer", "C-42-unique", "--reason", "why I ask", "--json"))
    rows = json.loads(store.ok("evidence", "list", "--kind", "lookup/1", "--json"))
    assert rows[-1]["sealed"]
    shown = json.loads(store.ok("evidence", "show", rows[-1]["id"]))
    assert shown["pseudonym"] == answer["pseudonym"]
    assert shown["reason"] == "why I ask"
    assert shown["who"].startswith("local:")
    raw = b"".join(path.read_bytes() for path in (store.folder / "var" / "log").rglob("*") if path.is_file())
    for secret in ("C-42-unique", answer["pseudonym"], "why I ask"):
        assert secret.encode() not in raw


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["lookup", "patient", "1", "--reason", "x"], "customer"),
        (["lookup", "customer", "1", "--reason", " "], "reason"),
        (["status", "--framework", "gpdr"], "gdpr"),
        (["status", "--at", "yesterday"], "RFC 3339"),
        (["status", "--log-size", "100000"], "log has"),
        (["status", "--library", "ffff"], "digest"),
        (["findings", "--outcome", "green"], "pass, fail, unknown"),
        (["findings", "--control", "NOPE-1"], "NOPE-1"),
        (["evidence", "show", "x"], "INDEX"),
        (["evidence", "show", "999999"], "entries"),
        (["controls", "show", "NOPE-1"], "NOPE-1"),
        (["report", "gpdr", "--out", "r.pdf"], "gdpr"),
        (["report", "gdpr", "--out", "r.pdf", "--from", "2026-02-01", "--to", "2026-01-01"], "ends before"),
        (["collect", "nobody"], "nobody"),
        (["token", "create", "--scope", "everything"], "everything"),
        (["token", "create", "--scope", "ingest", "--source", "nobody"], "nobody"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_wrong_call_says_what_was_wrong(store: CommandLine, call: list[str], said: str) -> None:
    """A wrong argument exits with 2 and a sentence that names it and what was expected."""
    assert said in store.refused(*call)


def test_a_token_is_printed_once_alone_on_the_last_line(store: CommandLine) -> None:
    """Token create warns of plain ingest on standard error, and its last line is the token alone."""
    done = store.run("token", "create", "--scope", "ingest")
    assert done.returncode == 0
    assert "acquittal" in done.stderr
    token = done.stdout.splitlines()[-1]
    assert " " not in token
    assert len(token) > 30
    stored = b"".join(path.read_bytes() for path in (store.folder / "var").rglob("*") if path.is_file())
    assert token.encode() not in stored


def test_the_library_is_listed_covered_and_clean(store: CommandLine) -> None:
    """Controls list, coverage and lint answer from the library that the log holds."""
    listed = json.loads(store.ok("controls", "list", "--json"))
    assert len(listed) >= 12
    assert all(
        {"id", "title", "family", "requirements", "enforcement_points", "checks"} <= c.keys() for c in listed
    )
    coverage = json.loads(store.ok("controls", "coverage", "--json"))
    for framework in ("gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act"):
        assert {"assessable", "technical", "automated", "attested", "unanswered"} <= coverage[
            framework
        ].keys()
        assert coverage[framework]["automated"] > 0
    store.ok("controls", "lint")


def test_a_backup_verifies_and_a_flipped_byte_does_not(tmp_path: Path) -> None:
    """Verify exits 0 on a store and on its backup, and 1, naming the place, once a byte is changed."""
    command = CommandLine(tmp_path)
    command.ok("init")
    command.ok("verify", "--projections")
    command.ok("backup", "copy")
    command.ok("verify", "copy")
    payload = next(path for path in (tmp_path / "copy" / "payloads").rglob("*") if path.is_file())
    payload.chmod(0o600)
    body = bytearray(payload.read_bytes())
    body[len(body) // 2] ^= 1
    payload.write_bytes(bytes(body))
    done = command.run("verify", "copy")
    assert done.returncode == 1
    assert payload.name[:12] in done.stderr + done.stdout
    command.ok("verify")


def test_a_broken_control_library_is_refused_with_file_and_line(tmp_path: Path) -> None:
    """A control file with a typo in a fact's field and an unknown requirement names file and line of both."""
    command = CommandLine(tmp_path)
    (tmp_path / "controls").mkdir()
    for path in (ROOT / "controls").rglob("*.yaml"):
        copy = tmp_path / "controls" / path.relative_to(ROOT / "controls")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text().replace("key.rotation_enabled", "key.rotation_enabld", 1))
    keys = tmp_path / "controls" / "keys.yaml"
    keys.write_text(keys.read_text().replace("gdpr:Art.32(1)(a)", "gdpr:Art.999", 1))
    command.environment = {**command.environment, "MUNIMENT_CONTROLS": "controls"}
    said = command.refused("init")
    assert "keys.yaml:" in said
    assert "rotation_enabld" in said
    assert "gdpr:Art.999" in said
    assert not (tmp_path / "var").exists()


def test_a_backup_is_a_store_that_opens(tmp_path: Path) -> None:
    """The copy answers as the store does, its tokens among it, and verifies with its own projections."""
    command = CommandLine(tmp_path)
    command.ok("init")
    token = command.ok("token", "create", "--scope", "auditor").splitlines()[-1]
    command.ok("backup", "copy")
    asked = ("status", "--json", "--at", "2026-11-23T12:00:00Z")
    there = command.ok(*asked)
    assert "already" in command.refused("backup", "copy") or "empty" in command.refused("backup", "copy")
    command.environment = {**command.environment, "MUNIMENT_HOME": "copy"}
    assert command.ok(*asked) == there
    command.ok("verify", "copy", "--projections")
    assert token
    assert (tmp_path / "copy" / "operations.db").stat().st_mode & 0o077 == 0


def test_verify_compares_the_projections_of_the_folder_that_it_is_given(tmp_path: Path) -> None:
    """A row that was changed in a copy's projections is found there, and not in the store beside it."""
    command = CommandLine(tmp_path)
    command.ok("init")
    command.ok("backup", "copy")
    command.environment = {**command.environment, "MUNIMENT_HOME": "copy"}
    command.ok("status")
    command.environment = {**command.environment, "MUNIMENT_HOME": "var"}
    with contextlib.closing(sqlite3.connect(tmp_path / "copy" / "projections" / "g1.db")) as rows, rows:
        rows.execute("UPDATE entry SET source = 'somebody' WHERE log_index = 1")
    assert "projection entry" in command.refused("verify", "copy", "--projections", code=1)
    command.ok("verify", "--projections")


@pytest.mark.parametrize(
    "call",
    [
        ["gaps", "--out", "nowhere/gaps.csv"],
        ["report", "gdpr", "--out", "nowhere/report.pdf"],
        ["lookup", "customer", "C-1", "--reason", "x", "--statement", "nowhere/statement.pdf"],
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_recorded(
    store: CommandLine, call: list[str]
) -> None:
    """An output file in a folder that is not there is refused by name, and the log does not grow."""
    size = json.loads(store.ok("status", "--json"))["log_size"]
    assert "nowhere" in store.refused(*call)
    assert json.loads(store.ok("status", "--json"))["log_size"] == size


def test_ruined_projections_say_that_rebuild_mends_them(tmp_path: Path) -> None:
    """A projections file that is no database is refused with what to do, and rebuild does it."""
    command = CommandLine(tmp_path)
    command.ok("init")
    before = command.ok("findings", "--json", "--at", "2026-11-23T12:00:00Z")
    for path in (tmp_path / "var" / "projections").glob("g1.db*"):
        path.write_bytes(b"not a database at all, but long enough to be looked at as one" * 100)
    assert "muniment rebuild" in command.refused("findings")
    command.ok("rebuild")
    assert command.ok("findings", "--json", "--at", "2026-11-23T12:00:00Z") == before


def test_a_lost_operations_database_is_made_again_by_upgrade(tmp_path: Path) -> None:
    """Without its operations database a store says which command mends that."""
    command = CommandLine(tmp_path)
    command.ok("init")
    (tmp_path / "var" / "operations.db").unlink()
    assert "muniment db upgrade" in command.refused("status")
    command.ok("db", "upgrade")
    command.ok("status")


def test_a_process_ends_with_the_code_and_without_a_traceback(store: CommandLine) -> None:
    """As a process: 0 with its answer, 2 with one sentence on standard error."""
    assert json.loads(store.start("controls", "list", "--json").stdout)
    done = store.start("status", "--at", "yesterday")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("call", [["findings", "--json"], ["controls", "coverage"]])
def test_a_reader_that_leaves_is_no_error(store: CommandLine, call: list[str]) -> None:
    """Whoever reads only the first line ends the command quietly, whether much or little is left unread."""
    done = store.start(*call, into="head -c 1 >/dev/null")
    assert (done.returncode, done.stderr) == (0, "")
