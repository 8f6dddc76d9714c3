"""A small control library over the product's own facts, and stores that are judged by it: quick to load and to judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from collectors.registry import READERS
from compliance.answers import Answers
from compliance.derived import DERIVATIONS
from compliance.settings import Settings, SourceSettings
from compliance.store import Store
from tests.test_cli import CommandLine
from web.access import create_token
from web.app import create_app

RULES = """\
framework: rules
title: Rules
version: "1"
source: ours
assessability: all that is marked
requirements:
  - {id: "1", parent: null, title: Group, assessable: false}
  - {id: "1.1", parent: "1", title: Purposes are registered, assessable: true, nature: technical}
  - {id: "1.2", parent: "1", title: Somebody looks, assessable: true, nature: organisational}
  - {id: "1.3", parent: "1", title: Nobody answers it, assessable: true, nature: technical}
"""
SOC2 = """\
framework: soc2
title: Criteria
version: "1"
source: ours
assessability: all that is marked
requirements:
  - {id: "CC1.1", parent: null, title: Always, assessable: true, nature: technical}
  - {id: "A1.1", parent: null, title: Where elected, assessable: true, nature: technical}
"""
FAMILY = """\
family: uses
title: Uses of data
controls:
  - id: USE-01
    title: Datasets have a contract
    statement: Every dataset of the pipeline has a contract.
    rationale: A contract says what the data are for.
    owner: data-platform
    enforcement_points: [pipeline.gate]
    evidence_max_age: 24h
    retention: 6y
    mappings:
      - {requirement: "rules:1.1", relationship: superset-of, reason: It is the same.}
      - {requirement: "soc2:CC1.1", relationship: intersects-with, strength: 4, reason: It is a part.}
    checks:
      - id: dataset-has-contract
        title: Datasets have a contract
        over: dataset
        as: dataset
        expect: dataset.has_contract
        severity: high
        why_it_fails: "{resource} has_contract = {has_contract}"
        fix: "Dataset {resource}, data contract: post one."
        examples:
          pass: [{has_contract: true}]
          fail: [{has_contract: false}]
          unknown: [{has_contract: {unseen: missing}}]
  - id: USE-02
    title: Somebody looks
    statement: The owner reviews it.
    rationale: Machines err.
    owner: data-owner
    evidence_max_age: 7d
    retention: 400d
    mappings:
      - {requirement: "rules:1.2", relationship: subset-of, reason: In part.}
    attestations:
      - {id: review-done, title: Reviewed, statement: I reviewed it., owner: data-owner, valid_for: 30d, severity: low}
"""
TINY: Mapping[str, str] = {
    "enforcement.yaml": "points:\n  - {id: pipeline.gate, component: Gate, setting: Contract, what: Lets datasets in}\n",
    "frameworks/rules.yaml": RULES,
    "frameworks/soc2.yaml": SOC2,
    "uses.yaml": FAMILY,
}
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def write_library(folder: Path, files: Mapping[str, str] = TINY) -> Path:
    """The files of a library in a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def command_line(folder: Path, files: Mapping[str, str] = TINY, **environment: str) -> CommandLine:
    """The command on a store that is judged by the small library; not yet initialised."""
    command = CommandLine(folder)
    controls = write_library(folder / "library", files)
    command.environment = {**command.environment, "MUNIMENT_CONTROLS": str(controls), **environment}
    return command


@dataclass
class TinyStore:
    """A store in this process, its clock set by hand, and the application before it."""

    store: Store
    answers: Answers
    client: TestClient
    now: datetime = BEGIN
    tokens: dict[str, str] = field(default_factory=dict)

    def clock(self) -> datetime:
        """The time of day."""
        return self.now

    def as_(self, scope: str) -> dict[str, str]:
        """The header of a token with a scope."""
        if scope not in self.tokens:
            self.tokens[scope] = create_token(
                self.store, scopes=[scope], source=None, created_by="local:t"
            ).token
        return {"Authorization": f"Bearer {self.tokens[scope]}"}

    def post(self, path: str, body: Any, scope: str = "ingest") -> Any:
        """Post something that must be taken."""
        answer = self.client.post(f"/api/v1{path}", json=body, headers=self.as_(scope))
        assert answer.is_success, answer.text
        return answer.json()

    def run_of(self, dataset: str, number: int) -> None:
        """A run that wrote a dataset, ended now."""
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.post("/lineage", {
            "eventType": "COMPLETE", "eventTime": at, "producer": "https://example.org/p",
            "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
            "run": {"runId": f"00000000-0000-4000-8000-{number:012d}"},
            "job": {"namespace": "jobs", "name": "load"}, "inputs": [],
            "outputs": [{"namespace": "lake", "name": dataset}],
        })  # fmt: skip

    def contract_of(self, dataset: str) -> None:
        """A contract for a dataset, in force from now on."""
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.post(
            "/contracts",
            {"namespace": "lake", "name": dataset, "permitted_purposes": ["billing"], "valid_from": at},
        )


@contextmanager
def tiny_store(folder: Path, files: Mapping[str, str] = TINY, **settings: Any) -> Iterator[TinyStore]:
    """A new store that is judged by the small library, opened."""
    made: list[TinyStore] = []
    sources = (SourceSettings(name="pipeline", kind="push"),)
    store = Store.create(
        Settings(home=folder / "var", controls=write_library(folder / "library", files),
                 **{"sources": sources, **settings}),
        readers=READERS, derivations=DERIVATIONS, clock=lambda: made[0].now if made else BEGIN,
    )  # fmt: skip
    answers = Answers(store)
    try:
        made.append(TinyStore(store, answers, TestClient(create_app(store, answers))))
        yield made[0]
    finally:
        store.close()
