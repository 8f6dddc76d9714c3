"""CONTRACT section 1: the command line over an estate in moto, collected over HTTP, and a served store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract_events import erasure, known_as
from tests.moto_server import REGION, client, moto_server
from tests.served import ROOT, Command, bytes_below, unserved

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}  # fmt: skip
RAW_KEY = "C-deleted-90210"
FINDING = {
    "check", "control", "requirements", "resource_type", "resource_id", "source", "outcome", "reason", "evidence",
    "observed_at", "evaluated_at",
}  # fmt: skip
CAUSES = {"missing", "stale", "incomplete", "unreadable"}
STATUSES = {"effective", "deficient", "unknown", "excepted"}
REFUSED = (
    (("status", "--at", "2026-03-02T00:00:00"), "zone"), (("lookup", "customer", "1"), "--reason"),
    (("evidence", "show", "9/9/9"), "INDEX"), (("collect", "pushed"), "pushed"), (("backup", "var"), "not empty"),
    (("token", "create", "--scope", "auditor", "--days", "0"), "--days"),
)  # fmt: skip


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    """The ARNs of the estate's keys, by what is the matter with them."""
    return {}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Command]:
    """A store that has collected two keys, a user and a deletion log; its model registry does not answer."""
    deletions = tmp_path_factory.mktemp("deletions")
    line = {name: value for name, value in erasure("x", 100).items() if name != "pseudonym"} | {
        "key": RAW_KEY
    }
    (deletions / "2026-03.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    with moto_server() as url:
        with client("kms", url) as kms:
            for name in ("rotating", "still"):
                keys[name] = kms.create_key(Description=name)["KeyMetadata"]["Arn"]
            kms.enable_key_rotation(KeyId=keys["rotating"])
        with client("iam", url) as iam:
            iam.create_user(UserName="ann")
            iam.create_login_profile(UserName="ann", Password="Correct-Horse-9")
        command = unserved(tmp_path_factory, configured(url, deletions), **CREDENTIALS)
        done = command.run("collect")
        assert done.returncode == 1, "a run that did not see everything, as the registry does not answer"
        assert "Traceback" not in done.stderr
        yield command


def configured(url: str, deletions: Path) -> str:
    """The sources of the store."""
    return f"""
[[sources]]
name = "keys"
kind = "aws-kms"
schedule = "1h"
regions = ["{REGION}"]
endpoint_url = "{url}"

[[sources]]
name = "people"
kind = "aws-iam"
schedule = "0 * * * *"
endpoint_url = "{url}"

[[sources]]
name = "deletions"
kind = "deletion-log"
path = "{deletions}"

[[sources]]
name = "models"
kind = "mlflow"
url = "http://127.0.0.1:9"

[[sources]]
name = "pushed"
kind = "push"
accepts = ["lineage"]
"""


def asked(store: Command, *call: str) -> Any:
    """The JSON that a command prints."""
    return json.loads(store.ok(*call, "--json"))


@pytest.fixture(scope="module")
def judged(store: Command) -> tuple[Any, Any, Any]:
    """Status, findings, and every entry, as JSON."""
    status, findings, entries = store.all_ok(
        ("status", "--json"), ("findings", "--json"), ("evidence", "list", "--last", "1000", "--json")
    )
    return json.loads(status), json.loads(findings), json.loads(entries)


# --- the store -----------------------------------------------------------------------------------


def test_init_makes_a_store_and_every_other_command_refuses_a_missing_one(tmp_path: Path) -> None:
    """Every other command refuses a missing store, saying so and making nothing; init makes one, and only once."""
    command = Command(tmp_path)
    for said in command.all_refused(("serve",), ("backup", "copy"), ("db", "upgrade")):
        assert "init" in said
    assert not (tmp_path / "var").exists()
    assert not (tmp_path / "copy").exists()
    command.ok("init")
    assert (tmp_path / "var" / "log" / "vkey").read_text(encoding="utf-8").count("+") >= 2
    before = dict(bytes_below(tmp_path / "var"))
    assert "already" in command.refused("init")
    assert dict(bytes_below(tmp_path / "var")) == before


def test_wrong_calls_are_one_sentence_and_exit_2(store: Command) -> None:
    """Errors are on stderr in one or two plain sentences, never a traceback, with exit 2."""
    said = store.all_refused(*(call for call, _ in REFUSED))
    for (call, named), sentence in zip(REFUSED, said, strict=True):
        assert sentence.startswith("muniment: "), call
        assert named in sentence, call


# --- sources and collection ----------------------------------------------------------------------


def test_sources_check_says_of_each_source_whether_it_is_reached(store: Command) -> None:
    """Sources check answers for each configured source; as one cannot be reached, its exit is 1."""
    done = store.run("sources", "check", "--json")
    assert done.returncode == 1, done.stderr
    permitted: dict[str, list[bool]] = {}
    for row in json.loads(done.stdout):
        permitted.setdefault(row["source"], []).append(row["permitted"])
    assert set(permitted) == {"keys", "people", "deletions", "models", "pushed"}
    assert {name for name, each in permitted.items() if not all(each)} == {"models"}


def test_a_failed_collection_is_evidence(judged: tuple[Any, Any, Any]) -> None:
    """Every run ends with an entry of its own, the one that failed too: silence is never a pass."""
    runs = [row["source"] for row in judged[2] if row["kind"].startswith("collection/")]
    assert sorted(runs) == ["deletions", "keys", "models", "people"]


def test_findings_judge_what_was_collected(
    store: Command, keys: dict[str, str], judged: tuple[Any, Any, Any]
) -> None:
    """Findings --json: the key that does not rotate fails, the other passes, each citing the bytes that say so."""
    findings = judged[1]
    for one in findings:
        assert one.keys() >= FINDING
        assert one["outcome"] in {"pass", "fail", "unknown", "excepted"}
        assert (one["outcome"] == "unknown") == (one.get("cause") in CAUSES)
        assert one["reason"]
        assert all(requirement.count(":") >= 1 for requirement in one["requirements"])
    rotation = [one for one in findings if "rotat" in one["check"] and one["resource_id"] in keys.values()]
    assert {one["resource_id"]: one["outcome"] for one in rotation} == {
        keys["rotating"]: "pass",
        keys["still"]: "fail",
    }
    (failed,) = [one for one in rotation if one["outcome"] == "fail"]
    assert failed["source"] == "keys"
    shown = store.all_ok(*(("evidence", "show", name) for name in failed["evidence"][:2]))
    assert any('"KeyRotationEnabled"' in text or keys["still"] in text for text in shown)


def test_status_follows_from_the_findings(judged: tuple[Any, Any, Any]) -> None:
    """Status --json: a control with a failing finding is deficient; nothing is effective that lacks evidence."""
    status, findings, _ = judged
    assert status.keys() >= {"as_of", "library", "log_size", "program", "frameworks", "controls"}
    failing = {one["control"] for one in findings if one["outcome"] == "fail"}
    unknown = {one["control"] for one in findings if one["outcome"] == "unknown"}
    assert failing
    for control in status["controls"]:
        assert control.keys() >= {"id", "status", "since", "failing", "population"}
        assert control["status"] in STATUSES
        assert control["id"] not in failing or control["status"] == "deficient"
        assert control["id"] not in unknown or control["status"] != "effective"
        assert control["status"] != "unknown" or control["cause"] in CAUSES
    of_control = {control["id"]: control["status"] for control in status["controls"]}
    for framework in status["frameworks"].values():
        for requirement in framework["requirements"]:
            assert requirement.keys() >= {"id", "status", "controls"}
            met = {of_control[name] for name in requirement["controls"]}
            assert requirement["status"] != "effective" or met <= {"effective"}
            assert "deficient" not in met or requirement["status"] == "deficient"


def test_a_deletion_log_is_collected_without_its_raw_keys(
    store: Command, judged: tuple[Any, Any, Any]
) -> None:
    """What a deletion log says by raw key is kept by pseudonym: the key lies nowhere in the store."""
    (row,) = [row for row in judged[2] if row["kind"] == "deletion-log/1"]
    shown = store.ok("evidence", "show", f"{row['id']}/0")
    assert known_as(RAW_KEY) in shown
    assert [path for path, content in bytes_below(store.folder / "var") if RAW_KEY.encode() in content] == []


# --- answers of the past -------------------------------------------------------------------------


def test_the_past_is_byte_identical_before_and_after_a_rebuild(
    store: Command, judged: tuple[Any, Any, Any]
) -> None:
    """status, findings and lookup at an instant and a size are the same bytes after later entries and ``rebuild``."""
    status = judged[0]
    pinned = ("--at", status["as_of"], "--log-size", str(status["log_size"]), "--json")
    calls = [
        (*call, *pinned)
        for call in (("status",), ("findings",), ("lookup", "customer", RAW_KEY, "--reason", "x"))
    ]
    before = store.all_ok(*calls)
    assert json.loads(before[0]) == status
    store.ok("rebuild")
    assert store.all_ok(*calls) == before


def test_assess_judges_by_the_library_that_is_named(store: Command, judged: tuple[Any, Any, Any]) -> None:
    """Assess evaluates the checks, at an instant, a size and with the library of a digest."""
    status = judged[0]
    pinned = (
        "--at",
        status["as_of"],
        "--log-size",
        str(status["log_size"]),
        "--library",
        status["library"][:16],
    )
    told = asked(store, "assess", *pinned)
    assert (told["as_of"], told["log_size"], told["library"]) == tuple(
        status[n] for n in ("as_of", "log_size", "library")
    )
    deficient = {one["framework"]: one["deficient"] for one in told["frameworks"]}
    for name, framework in status["frameworks"].items():
        assert deficient[name] == sum(one["status"] == "deficient" for one in framework["requirements"])


def test_a_lookup_reads_its_key_from_standard_input(store: Command) -> None:
    """KEY ``-`` reads the key from standard input; the key is not in the answer, nor in any file of the store."""
    answer = store.ok("lookup", "customer", "-", "--reason", "DSR-4711", "--json", given="C-typed-1234\n")
    assert json.loads(answer)["pseudonym"] == known_as("C-typed-1234")
    assert "C-typed-1234" not in answer
    assert [path for path, content in bytes_below(store.folder / "var") if b"C-typed-1234" in content] == []


# --- library, reports, help ----------------------------------------------------------------------


def test_the_library_is_listed_as_the_contract_says(store: Command) -> None:
    """Controls list and coverage --json have the fields of the contract."""
    listed, coverage = store.all_ok(("controls", "list", "--json"), ("controls", "coverage", "--json"))
    controls = json.loads(listed)
    for control in controls:
        assert control.keys() >= {"id", "title", "family", "requirements", "enforcement_points", "checks"}
        assert all(":" in requirement for requirement in control["requirements"])
    frameworks = {path.stem for path in (ROOT / "controls" / "frameworks").glob("*.yaml")}
    assert {"gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act"} <= frameworks
    for name, row in json.loads(coverage).items():
        assert name in frameworks
        assert row.keys() >= {"assessable", "technical", "automated", "attested", "unanswered"}
        assert all(requirement.startswith(f"{name}:") for requirement in row["unanswered"])


def test_reports_are_written_as_pdf_and_html(store: Command, judged: tuple[Any, Any, Any]) -> None:
    """Report FRAMEWORK writes an audit report over a period as PDF or HTML, by an instant, size and library."""
    status, period = judged[0], ("--from", "2026-01-01", "--to", "2099-06-30")
    pinned = ("--at", status["as_of"], "--log-size", str(status["log_size"]), "--library", status["library"])
    store.all_ok(
        ("report", "gdpr", *period, "--out", "gdpr.pdf"),
        ("report", "soc2", *period, *pinned, "--out", "soc2.html", "--format", "html"),
    )
    assert (store.folder / "gdpr.pdf").read_bytes().startswith(b"%PDF-")
    page = (store.folder / "soc2.html").read_text(encoding="utf-8")
    assert "<html" in page
    assert status["library"] in page


def test_a_call_says_what_it_does_when_asked(store: Command) -> None:
    """``--help`` names the call's arguments and options."""
    text = store.ok("lookup", "--help")
    assert "Usage: muniment lookup" in text
    assert "--reason" in text
