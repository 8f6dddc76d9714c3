"""The sample organisation: what its dashboard is promised to show."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from compliance.answers import Basis
from compliance.canonical import Json, parse_time
from compliance.cli.composition import collect, create_store, opened
from compliance.cli.serving import Served
from compliance.errors import InputRefused
from compliance.sample import Program, Sample, build_sample
from compliance.sample.clock import DAYS
from compliance.sample.estate import AWS_VARIABLES
from compliance.sample.people import FORGOTTEN, IN_ORDER, WITHDRAWN
from compliance.sample.sending import listening
from compliance.verify import verify_store

PROGRAM = Program(create_store, collect, Served)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sample]:
    """The sample organisation, built once."""
    before = {name: os.environ.get(name) for name in AWS_VARIABLES}
    built = build_sample(tmp_path_factory.mktemp("sample"), started_at=datetime.now(UTC), program=PROGRAM)
    yield built
    built.close()
    assert {name: os.environ.get(name) for name in before} == before, "the environment is as it was found"


@pytest.fixture(scope="module")
def now(sample: Sample) -> Basis:
    """The basis of every answer here."""
    return sample.served.answers.basis()


@pytest.fixture(scope="module")
def findings(sample: Sample, now: Basis) -> list[dict[str, Json]]:
    """Every finding."""
    return sample.served.answers.findings(now)


def _of(findings: list[dict[str, Json]], check: str) -> dict[str, str]:
    """Resource → outcome of what a check did not pass."""
    return {
        f["resource_id"]: f["outcome"] for f in findings if f["check"] == check and f["outcome"] != "pass"
    }


def _awaits(finding: dict[str, Json]) -> bool:
    """Whether the bank has no source of what the check judges."""
    return bool(finding["outcome"] == "unknown" and finding["cause"] == "missing")


FAULTS = {
    "kms-rotation-on": ("key/", "fail"),
    "kms-policy-names-no-wildcard": ("key/", "fail"),
    "iam-console-user-has-mfa": ("t.varga", "fail"),
    "iam-user-not-administrator": ("t.varga", "fail"),
    "iam-access-keys-young": ("svc-card-export", "fail"),
    "iam-role-trust-is-closed": ("partner-analytics", "fail"),
    "training-purpose-permitted": ("churn-propensity/5", "fail"),
    "model-in-use-is-approved": ("fraud-detector/13", "fail"),
    "run-reads-no-withdrawn-record": ("", "fail"),
    "run-purpose-permitted": ("", "fail"),
    "run-declares-purpose": ("lineage_run", "fail"),
    "erased-record-stays-away": ("ER-2112", "fail"),
    "erasure-within-30-days": ("ER-2098", "fail"),
    "dataset-has-contract": ("dataset", "fail"),
    "personal-dataset-has-manifest": ("dataset", "unknown"),
    "evidence-source-in-time": ("card-bureau", "fail"),
    "iam-password-length": ("", "unknown"),
    "access-recertified": ("access-recertified", "unknown"),
    "iam-user-not-dormant": ("break-glass", "excepted"),
    # People sign in to the account with passwords and programs with lasting keys, rather than by federation.
    "iam-user-without-password": ("a.duarte", "fail"),
    "iam-machine-user-has-no-key": ("svc-airflow", "fail"),
    # The extract that nobody described has neither purposes nor columns in any contract.
    "personal-dataset-has-listed-columns": ("campaign_extract", "fail"),
    "personal-dataset-has-registered-purposes": ("campaign_extract", "fail"),
    # The training for marketing on card features is a use beyond what their contract permits.
    "health-data-read-for-permitted-purpose": ("", "fail"),
    "purpose-is-in-record-of-processing": ("marketing", "fail"),
    "training-dataset-is-rightful": ("cards/fraud_features", "fail"),
    # Nobody owns that extract either, nor is it a product with a service level.
    "written-dataset-is-governed": ("campaign_extract", "fail"),
    "dataset-is-a-product": ("published_dataset", "fail"),
    # The version that skipped the release process has no model card.
    "model-has-current-card": ("fraud-detector/13", "fail"),
    # A letter sent to the wrong branch reached the authority a day late; the bureau's agreement ran out.
    "authority-told-in-72-hours": ("INC-0431", "fail"),
    "processor-agreement-has-its-terms": ("card-bureau", "fail"),
    # The alarm for changes of policies went with an old stack.
    "alarms-are-set": ("log-alarms", "fail"),
    # Whether a model followed every erasure rests on the manifests of the source that fell silent.
    "model-followed-erasure": ("fraud-detector", "unknown"),
}


@pytest.mark.parametrize("check", FAULTS)
def test_each_fault_is_shown(findings: list[dict[str, Json]], check: str) -> None:
    """Each fault of the story is a finding of the check that is meant to find it."""
    resource, outcome = FAULTS[check]
    found = _of(findings, check)
    assert any(resource in name and said == outcome for name, said in found.items()), found


def test_nothing_else_is_wrong(findings: list[dict[str, Json]]) -> None:
    """Checks that no fault is meant for pass, or await evidence; two share a fault with another check."""
    sharing = {"training-read-no-withdrawn-record", "iam-password-history"}
    others = {f["check"] for f in findings if f["outcome"] != "pass" and not _awaits(f)} - FAULTS.keys()
    assert others == sharing


def test_most_checks_are_in_order(findings: list[dict[str, Json]]) -> None:
    """More than three quarters of all checks have nothing to show but passes."""
    checks = {f["check"] for f in findings}
    wrong = {f["check"] for f in findings if f["outcome"] != "pass"}
    assert len(wrong) < len(checks) / 4


def test_faults_begin_on_different_days(sample: Sample, now: Basis) -> None:
    """At the end of the first day only passwords and lasting keys are wrong; the faults begin over the month."""
    answers = sample.served.answers
    broken = []
    for day in (1, 11, 22, DAYS):
        then = Basis(now.at - timedelta(days=DAYS - day), now.log_size, now.library)
        controls = answers.assessment(then).controls
        broken.append({name for name, one in controls.items() if one.status == "deficient"})
    assert broken[0] == {"IDN-01", "IDN-05"}
    counts = [len(one) for one in broken]
    assert counts == sorted(set(counts))


def _asked(sample: Sample, basis: Basis, key: str) -> dict[str, Json]:
    return sample.served.answers.lookup(basis, key_space="customer", key=key, reason="test", who="local:test")


def _codes(answer: dict[str, Json]) -> set[str]:
    return {
        violation["code"]
        for part in ("uses", "datasets")
        for one in answer[part]
        for violation in one["violations"]
    }


def test_a_record_in_order(sample: Sample, now: Basis) -> None:
    """Before the source fell silent the answer about a customer in order is complete, and free of violations."""
    answer = _asked(sample, Basis(now.at - timedelta(days=7), now.log_size, now.library), IN_ORDER)
    assert answer["complete"]
    assert answer["uses"]
    assert not _codes(answer)


def test_a_record_used_after_withdrawal(sample: Sample, now: Basis) -> None:
    """The withdrawn record shows the fraud model in order, marketing after withdrawal, and a gap of a failed run."""
    answer = _asked(sample, now, WITHDRAWN)
    assert _codes(answer) == {"consent-withdrawn"}
    consumers = {
        (c["name"], c["version"]) for use in answer["uses"] for c in use["consumers"] if c["kind"] == "model"
    }
    assert ("fraud-detector", "12") in consumers
    assert ("churn-propensity", "5") in consumers
    assert any("FAIL" in gap["why"] for gap in answer["gaps"])
    assert not answer["complete"]


def test_a_record_that_came_back(sample: Sample, now: Basis) -> None:
    """The erased record shows where it reappeared, its use after erasure, and the model that had learned of it."""
    assert _codes(_asked(sample, now, FORGOTTEN)) == {
        "reappeared-after-erasure",
        "used-after-erasure",
        "model-trained-on-erased",
    }


def test_all_five_frameworks_are_shown(sample: Sample, now: Basis) -> None:
    """Each framework in scope has assessable requirements, some effective and some not."""
    frameworks = sample.served.answers.assessment(now).frameworks
    for name in ("gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act"):
        statuses = {one.status for one in frameworks[name].requirements}
        assert {"effective", "deficient", "unknown"} <= statuses, name


def test_receipts_keep_the_order_of_the_log(sample: Sample) -> None:
    """Entries are received over thirty simulated days, none before the one ahead of it, none in the future."""
    received = [entry.received_at for _, entry in sample.store.log.entries(0)]
    assert received == sorted(received)
    assert received[-1] <= datetime.now(UTC)
    assert received[-1] - received[0] > timedelta(days=DAYS - 1)


def test_it_is_marked_as_sample_data(sample: Sample) -> None:
    """The origin of its log ends in /sample, and the store says so."""
    assert sample.store.log.origin.endswith("/sample")
    assert sample.store.sample


def test_the_log_verifies(sample: Sample) -> None:
    """The whole store verifies from its bytes."""
    assert verify_store(sample.home).problems == ()


def test_no_raw_key_is_kept(sample: Sample) -> None:
    """No customer's number stands in any byte of log, payloads or databases."""
    for path in sorted(sample.home.rglob("*")):
        if path.is_file() and "bank" not in path.relative_to(sample.home).parts:
            assert WITHDRAWN.encode() not in path.read_bytes(), path


def test_the_command_line_answers_in_its_folder(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the sample's folder the settings beside it open the store, with its key spaces, while it is in use."""
    monkeypatch.chdir(sample.home)
    with opened() as (store, answers):
        answer = answers.lookup(
            answers.basis(), key_space="customer", key=FORGOTTEN, reason="test", who="local:test"
        )
        assert store.sample
    assert "reappeared-after-erasure" in _codes(answer)


def test_collectors_go_on(sample: Sample) -> None:
    """After the story its collectors still read the systems around it."""
    size = sample.store.log.size
    for name in ("aws-kms", "mlflow", "deletion-log", "registers", "prowler"):
        collect(sample.store, name)
    assert sample.store.log.size >= size + 5


def test_each_role_gets_a_link_that_signs_in(sample: Sample) -> None:
    """The welcome names one sign-in link for each role, and each opens a session."""
    with listening(sample.served.app) as url:
        lines = [line.split() for line in sample.welcome(url).splitlines() if "/sign-in?link=" in line]
        assert [role for role, _ in lines] == ["auditor", "dpo", "engineer", "admin"]
        for _, link in lines:
            assert httpx.get(link).status_code in (200, 303)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    """A folder that holds no sample organisation is refused, and nothing in it is removed."""
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputRefused, match="left alone"):
        build_sample(tmp_path, started_at=parse_time("2026-11-23T12:00:00Z"), program=PROGRAM)
    assert (tmp_path / "mine.txt").read_text() == "mine"
