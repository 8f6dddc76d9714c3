"""Retention, holds and erasure from the command line: what is printed, what is refused, exit codes."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.cli import run
from compliance.cli.composition import open_store
from compliance.settings import load_settings
from tests.keeping import SECRET
from tests.small_library import small_library


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A store in which somebody was looked up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("MUNIMENT_CONTROLS", str(small_library(tmp_path / "controls")))
    monkeypatch.setenv("MUNIMENT_KEY_SPACES__CUSTOMER__SECRET", SECRET)
    assert run(["init"]) == 0
    assert run(["lookup", "customer", "C-1", "--reason", "complaint"]) == 0
    capsys.readouterr()
    return tmp_path / "store"


def done(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command that succeeds prints."""
    code = run(list(arguments))
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 2) -> str:
    """What a command that does not succeed says."""
    assert run(list(arguments)) == code
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def test_a_subject_is_erased_by_their_key(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their key may come from standard input; verification says what is gone, and showing it is refused."""
    with open_store(load_settings()).log as log:
        index = log.size - 1
    assert "complaint" in done(capsys, "evidence", "show", str(index))
    monkeypatch.setattr("sys.stdin", io.StringIO("C-1\n"))
    said = json.loads(done(capsys, "erase", "customer", "-", "--reason", "DSR-7", "--json"))
    assert said["entries"] == 1
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    gone = f"content erased on {today} by entry {said['entry']}"
    assert gone in refused(capsys, "evidence", "show", str(index))
    assert f"note: {gone} (1 entry)." in done(capsys, "verify", "--projections")
    assert json.loads(done(capsys, "verify", "--json"))["gone"] == [f"{gone} (1 entry)"]
    assert "C-1" not in (home / "log" / "checkpoint").read_text()
    assert "no such data key" in refused(capsys, "erase", "customer", "C-1", "--reason", "again")


def test_a_class_is_listed_and_erased(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Classes are sources and months; a subject's own keys are not listed."""
    done(capsys, "token", "create", "--scope", "auditor")
    [row] = json.loads(done(capsys, "erase", "--list", "--json"))
    month = f"{datetime.now(UTC):%Y-%m}"
    assert row == {"class": f"muniment/{month}", "entries": 1, "erased": False}
    assert f"muniment/{month}" in done(capsys, "erase", "--class", row["class"], "--reason", "sent in error")
    assert json.loads(done(capsys, "erase", "--list", "--json"))[0]["erased"] is True
    assert home.is_dir()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("erase", "--reason", "x"), "Name a subject by KEY_SPACE and KEY, or a class by --class."),
        (("erase", "customer", "C-1", "--class", "a/2026-11", "--reason", "x"), "or a class by --class"),
        (("erase", "customer", "--reason", "x"), "Give either the subject's key or their pseudonym."),
        (("erase", "customer", "C-1"), "This needs a reason; it is recorded."),
        (("erase", "patient", "C-1", "--reason", "x"), "patient"),
        (("hold", "place"), "This needs a reason; it is recorded."),
        (("hold", "place", "--key-space", "customer", "--reason", "x"), "give either --key or --pseudonym"),
        (("hold", "release", "00", "--reason", "x"), "No hold '00' is in force; in force: none."),
    ],
)
def test_a_call_that_is_wrong_is_told_what_was_expected(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """One sentence, exit 2, and nothing is appended."""
    assert said in refused(capsys, *arguments)
    assert home.is_dir()


def test_a_hold_blocks_until_it_is_released(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal of an erasure is an answer, "no", and names the hold."""
    hold = json.loads(
        done(capsys, "hold", "place", "--kind", "lookup/1", "--reason", "Case 26-114", "--json")
    )
    blocked = refused(capsys, "erase", "customer", "C-1", "--reason", "DSR-7", code=1)
    assert f"under legal hold {hold['id']}, placed by entry {hold['entry']}" in blocked
    assert [one["id"] for one in json.loads(done(capsys, "hold", "list", "--json"))] == [hold["id"]]
    assert hold["id"] in done(capsys, "hold", "list")
    assert "Released hold" in done(capsys, "hold", "release", hold["id"], "--reason", "closed")
    done(capsys, "erase", "customer", "C-1", "--reason", "DSR-7")
    assert home.is_dir()


def test_retention_is_listed_and_nothing_young_expires(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind with its days and its duty; a dry run and a real one let nothing young go."""
    rows = json.loads(done(capsys, "retention", "list", "--json"))
    assert {row["kind"] for row in rows} == {"library/1", "config/1", "lookup/1"}
    assert all(row["days"] == 3660 for row in rows)
    assert "as long as any" in done(capsys, "retention", "list")
    assert json.loads(done(capsys, "retention", "expire", "--dry-run", "--json")) == {
        "due": [],
        "entries": [],
    }
    assert "0 went; 0 kept all the same." in done(capsys, "retention", "expire")
    assert home.is_dir()
