"""A small organisation in a real store: keys and people in moto, a pipeline, registers, and a few faults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fastapi import FastAPI
from fastapi.testclient import TestClient

from collectors.aws_iam.collect import IamCollector
from collectors.aws_kms.collect import KmsCollector
from collectors.deletion_log.collect import DeletionLogCollector
from collectors.registry import READERS
from compliance.answers import Answers
from compliance.canonical import format_time, pseudonym
from compliance.collecting import collect_once
from compliance.derived import DERIVATIONS
from compliance.evidence import Collector
from compliance.settings import (
    EvidenceSettings,
    ExclusionSettings,
    KeySpaceSettings,
    ScopeSettings,
    Settings,
    SourceSettings,
)
from compliance.store import Store
from tests.moto_server import client as moto_client
from web.access import create_sign_in_link, create_token
from web.app import create_app
from web.pages.remembered import remembered_by

END = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAYS = 10
BEGIN = END - timedelta(days=DAYS)
SECRET = "00112233445566778899aabbccddeeff"
ANN, BOB, EVE = "C-100042", "C-100001", "C-100077"
"""Used after withdrawal; in order; erased and back again."""


def known_as(key: str) -> str:
    """The pseudonym of a customer's key."""
    return pseudonym(bytes.fromhex(SECRET), key)


@dataclass
class Clock:
    """A clock that stands where it was put."""

    now: datetime = BEGIN

    def __call__(self) -> datetime:
        """The time of day."""
        return self.now


@dataclass
class Organisation:
    """The store behind its application, with the day that it is."""

    store: Store
    answers: Answers
    app: FastAPI
    clock: Clock
    home: Path
    sender: TestClient
    tokens: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def visiting(self, role: str | None = None, *, person: str = "Ada <b>Byron</b>") -> Iterator[TestClient]:
        """A browser: signed in with a role, or not at all."""
        headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
        with TestClient(self.app, follow_redirects=False, headers=headers) as browser:
            if role is not None:
                browser.get(f"/sign-in?link={self.link(role, person=person)}")
            yield browser

    def link(self, role: str, *, person: str = "Ada <b>Byron</b>") -> str:
        """The secret of a sign-in link."""
        return create_sign_in_link(self.store, person=person, role=role, created_by="local:test")

    def post(self, path: str, body: Any, *, source: str | None = None, scope: str = "ingest") -> None:
        """Send something, as the source or as nobody."""
        if f"{scope}{source}" not in self.tokens:
            made = create_token(self.store, scopes=[scope], source=source, created_by="local:test")
            self.tokens[f"{scope}{source}"] = made.token
        headers = {"Authorization": f"Bearer {self.tokens[f'{scope}{source}']}"}
        if isinstance(body, list | dict):
            answer = self.sender.post(f"/api/v1{path}", json=body, headers=headers)
        else:
            answer = self.sender.put(f"/api/v1{path}", content=body, headers=headers)
        assert answer.is_success, answer.text


@contextmanager
def small_organisation(
    home: Path, moto: str | None = None, *, origin: str = "small.example/sample"
) -> Iterator[Organisation]:
    """Ten days of it, ending at ``END``. Without moto nothing was ever collected from AWS."""
    clock = Clock()
    deletions = home / "deletions"
    deletions.mkdir(parents=True)
    settings = Settings(
        home=home / "store", key_spaces={"customer": KeySpaceSettings(secret=SECRET)},
        sources=_sources(moto, deletions), evidence=EvidenceSettings(origin=origin),
        scope=ScopeSettings(
            frameworks=("gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act"), roles=("deployer",),
            exclusions=(ExclusionSettings(requirement="hipaa:164.308(a)(4)(ii)(A)", reason="No clearinghouse", approver="CISO"),),
        ),
    )  # fmt: skip
    store = Store.create(settings, readers=READERS, derivations=DERIVATIONS, clock=clock)
    answers = Answers(store)
    app = create_app(store, answers)
    try:
        if moto is not None:
            _estate(moto)
        with TestClient(app) as sender:
            made = Organisation(store, answers, app, clock, home, sender)
            for day in range(DAYS + 1):
                clock.now = BEGIN + timedelta(days=day)
                _day(made, day, moto)
            yield made
    finally:
        # Time lines that are being worked out in the background still read the store.
        remembered_by(app.state).finish()
        store.close()


def _sources(moto: str | None, deletions: Path) -> tuple[SourceSettings, ...]:
    return (
        SourceSettings(
            name="aws-kms", kind="aws-kms", schedule="1d", regions=("us-east-1",), endpoint_url=moto
        ),
        SourceSettings(name="aws-iam", kind="aws-iam", schedule="1d", endpoint_url=moto),
        SourceSettings(name="models", kind="mlflow", schedule="1d", url="http://127.0.0.1:9"),
        SourceSettings(name="deletions", kind="deletion-log", schedule="1d", path=deletions),
        SourceSettings(name="pipelines", kind="push", accepts=("lineage", "members"), expect_every="25h"),
        SourceSettings(name="assistant", kind="push", accepts=("decisions",), expect_every="24h"),
        SourceSettings(name="registers", kind="push", accepts=("consents", "contracts", "purposes")),
    )


def _estate(moto: str) -> None:
    with moto_client("kms", moto) as kms:
        for number in range(3):
            key = kms.create_key(
                Description=f"key {number}", Tags=[{"TagKey": "owner", "TagValue": "platform"}]
            )
            if number:
                kms.enable_key_rotation(KeyId=key["KeyMetadata"]["KeyId"])
    with moto_client("iam", moto) as iam:
        for name in ("ada", "grace"):
            iam.create_user(UserName=name)
        iam.create_login_profile(UserName="grace", Password="Correct-Horse-9")


# --- the days ------------------------------------------------------------------------------------


def _day(made: Organisation, day: int, moto: str | None) -> None:
    if day == 0:
        _declare(made)
    _pipeline(made, day)
    if day == 4:
        made.post("/consents", [_consent(ANN, "withdrawn", made.clock.now)], source="registers")
    if day == 5:
        _erase(made)
    if day <= 7:
        made.post("/opa/logs", [_decision(day, made.clock.now)], source="assistant")
    for name, collector in _collectors(made, moto):
        collect_once(
            collector, source=name, log=made.store.log, former=made.store.former_items, clock=made.clock,
            sealed=name == "deletions",
        )  # fmt: skip


def _collectors(made: Organisation, moto: str | None) -> Iterator[tuple[str, Collector]]:
    yield (
        "deletions",
        DeletionLogCollector(
            path=made.home / "deletions", pseudonymise=made.store.key_spaces.pseudonym, clock=made.clock
        ),
    )
    if moto is not None:
        yield "aws-kms", KmsCollector(regions=("us-east-1",), endpoint_url=moto, clock=made.clock)
        yield "aws-iam", IamCollector(region="us-east-1", endpoint_url=moto, clock=made.clock)


def _declare(made: Organisation) -> None:
    made.post("/purposes", [
        {"id": "fraud-detection", "lawful_basis": "legal-obligation", "controller": "Small Bank", "retention_days": 400},
        {"id": "marketing", "lawful_basis": "consent", "controller": "Small Bank"},
        {"id": "service", "lawful_basis": "contract", "controller": "Small Bank"},
    ], source="registers")  # fmt: skip
    made.post("/contracts", [
        {"namespace": "lake", "name": name, "permitted_purposes": ["fraud-detection", "service", *more],
         "valid_from": format_time(BEGIN), "retention_days": 365, "residency": ["eu-central-1"],
         "key_spaces": ["customer"], "fields": [{"name": "customer_id", "sensitivity": "personal", "key_space": "customer"}]}
        for name, more in (("customers", []), ("customer_daily", ["marketing"]))
    ], source="registers")  # fmt: skip
    made.post("/consents", [_consent(key, "granted", BEGIN) for key in (ANN, BOB)], source="registers")
    made.post("/attestations", {
        "attestation": "access-recertified", "control": "IDN-09", "signed_by": "Head of data",
        "statement": made.answers.library(made.answers.basis()).attestations["access-recertified"].statement,
        "signed_at": format_time(BEGIN),
    }, scope="attest")  # fmt: skip
    made.post("/exceptions", {
        "id": "EX-1", "check": "iam-password-length", "reason": "Replaced by single sign-on in January",
        "compensating": "Console access is limited to the office network", "approver": "CISO",
        "valid_from": format_time(BEGIN), "expires_at": format_time(END + timedelta(days=30)),
    }, scope="admin")  # fmt: skip


def _pipeline(made: Organisation, day: int) -> None:
    raw, daily = f"v{day}", f"d{day}"
    present = [ANN, BOB, *([EVE] if day < 5 or day > 7 else [])]
    for name, version in (("customers", raw), ("customer_daily", daily)):
        members = "".join(f'"{known_as(key)}"\n' for key in present)
        made.post(f"/members/lake/{name}/{version}?key_space=customer", members, source="pipelines")
    events = [
        *_run("clean", day, 1, [("raw", "landing", None)], [("lake", "customers", raw)], purpose="service"),
        *_run(
            "features",
            day,
            2,
            [("lake", "customers", raw)],
            [("lake", "customer_daily", daily)],
            purpose="service",
        ),
        *_run(
            "train_fraud",
            day,
            3,
            [("lake", "customer_daily", daily)],
            [],
            purpose="fraud-detection",
            model=f"fraud@{day}",
        ),
    ]
    if day in {2, 6}:
        events += _run(
            "train_churn",
            day,
            4,
            [("lake", "customer_daily", daily)],
            [],
            purpose="marketing",
            model=f"churn@{day}",
        )
    if day == 9:
        events += _run("notebook", day, 5, [("lake", "customers", raw), ("lake", "claims_sample", "1")], [])
    made.post("/lineage/batch", events, source="pipelines")


def _run(
    job: str, day: int, hour: int, reads: Sequence[tuple[str, str, str | None]],
    writes: Sequence[tuple[str, str, str | None]], **tags: str,
) -> Any:  # fmt: skip
    """START and COMPLETE of a run on the day before, in the small hours."""
    began = BEGIN + timedelta(days=day - 1, hours=12 + hour)
    stated = [{"key": key, "value": value, "source": "test"} for key, value in tags.items()]
    run = {
        "runId": str(uuid5(NAMESPACE_URL, f"{job}/{day}")),
        "facets": {"tags": {"tags": stated}} if stated else {},
    }
    base = {
        "run": run, "job": {"namespace": "jobs", "name": job}, "producer": "https://example.test/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "inputs": [_dataset(*one) for one in reads], "outputs": [_dataset(*one) for one in writes],
    }  # fmt: skip
    return [
        {**base, "eventType": kind, "eventTime": format_time(began + timedelta(minutes=minutes))}
        for kind, minutes in (("START", 0), ("COMPLETE", 40))
    ]


def _dataset(namespace: str, name: str, version: str | None) -> Mapping[str, Any]:
    facets = {} if version is None else {"version": {"datasetVersion": version}}
    return {"namespace": namespace, "name": name, "facets": facets}


def _consent(key: str, action: str, at: datetime) -> Mapping[str, Any]:
    return {
        "key_space": "customer",
        "key": key,
        "purpose": "marketing",
        "action": action,
        "at": format_time(at),
    }


def _decision(day: int, at: datetime) -> Mapping[str, Any]:
    return {
        "decision_id": str(uuid5(NAMESPACE_URL, f"decision/{day}")), "timestamp": format_time(at), "result": True,
        "input": {
            "purpose": "service", "principal": "assistant", "dataset": {"namespace": "lake", "name": "customers"},
            "records": [{"key_space": "customer", "key": BOB}],
        },
    }  # fmt: skip


def _erase(made: Organisation) -> None:
    at = made.clock.now
    line = (
        f'{{"key_space":"customer","key":"{EVE}","datasets":"*","requested_at":"{format_time(at - timedelta(days=3))}",'
        f'"completed_at":"{format_time(at - timedelta(hours=14))}","method":"delete","request_id":"DSR-7"}}\n'
    )
    (made.home / "deletions" / "2026-11.jsonl").write_text(line)
