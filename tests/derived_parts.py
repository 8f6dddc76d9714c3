"""Builders of what derivations join: lineage events, contracts, consents, decisions, erasures, manifests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from compliance.canonical import format_time
from compliance.derived import DERIVATIONS
from compliance.facts import Fact, FactBase, Received, ReceivedKind, ScopeState, SourceState
from tests.fact_base import AT, MemoryFacts

LAKE = "lake"
ANN, BOB, CAM = ("a" * 32, "b" * 32, "c" * 32)
"""Pseudonyms of three people."""
_events = count(1)


def ago(days: float) -> str:
    """A time so many days before the instant judged, as RFC 3339."""
    return format_time(AT - timedelta(days=days))


@dataclass
class Book:
    """What was received, in the order in which it is written down; each record has an entry of its own."""

    records: list[Received] = field(default_factory=list)
    holdings: dict[tuple[str, str], frozenset[str]] = field(default_factory=dict)

    def put(self, kind: ReceivedKind, value: Mapping[str, Any], days: float, source: str = "pipeline") -> str:
        """Write a record down and return its evidence id."""
        evidence = f"{len(self.records) + 10}/0"
        self.records.append(Received(kind, source, value, AT - timedelta(days=days), evidence))
        return evidence

    def run(
        self,
        run_id: str,
        *,
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        days: float = 1,
        state: str = "COMPLETE",
        tags: Mapping[str, str] | None = None,
        columns: bool = False,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """A run of an hour that ended ``days`` before; inputs may name a version, outputs bear the run's id."""
        end = AT - timedelta(days=days)
        for event, time in (("START", end - timedelta(hours=1)), (state, end)):
            inputs = [_dataset(name, _version((versions or {}).get(name))) for name in reads]
            outputs = [_dataset(name, _columns(reads) if columns else {}) for name in writes]
            value = {
                "eventType": event, "eventTime": format_time(time), "producer": "https://example.org/test",
                "run": {"runId": run_id, "facets": _tags(tags or {})},
                "job": {"namespace": "jobs", "name": f"job-{run_id}"},
                "inputs": inputs, "outputs": outputs,
            }  # fmt: skip
            self.put("lineage", value, (AT - time) / timedelta(days=1))

    def contract(self, name: str, purposes: Sequence[str], *, days: float = 100, **more: Any) -> str:
        """A data contract of ``lake/NAME``, valid since so many days before."""
        value = {
            "namespace": LAKE,
            "name": name,
            "permitted_purposes": list(purposes),
            "valid_from": ago(days),
        }
        return self.put("contract", value | more, days)

    def purpose(self, name: str, basis: str = "contract", **more: Any) -> str:
        """An entry of the register of processing, valid since ever."""
        return self.put(
            "purpose", {"id": name, "lawful_basis": basis, "controller": "Example Ltd"} | more, 300
        )

    def consent(self, who: str, purpose: str, action: str, days: float, **more: Any) -> str:
        """A consent event about a customer."""
        value = {
            "key_space": "customer",
            "pseudonym": who,
            "purpose": purpose,
            "action": action,
            "at": ago(days),
        }
        return self.put("consent", value | more, days)

    def decision(self, name: str, who: Sequence[str], *, days: float = 1, **more: Any) -> str:
        """An allowed decision about customers; ``more`` states purpose, dataset and the like."""
        records = [{"key_space": "customer", "pseudonym": one} for one in who]
        value = {"decision_id": name, "timestamp": ago(days), "allowed": True, "records": records}
        return self.put("decision", value | more, days)

    def erasure(
        self,
        request: str,
        who: str,
        names: Sequence[str] | None,
        *,
        asked: float = 20,
        done: float = 10,
        **more: Any,
    ) -> str:
        """An erasure of a customer from ``lake/NAME`` …, or from everything."""
        datasets = "*" if names is None else [{"namespace": LAKE, "name": name} for name in names]
        value = {
            "key_space": "customer", "pseudonym": who, "datasets": datasets, "requested_at": ago(asked),
            "completed_at": ago(done), "method": "delete-and-vacuum", "request_id": request,
        }  # fmt: skip
        return self.put("erasure", value | more, done)

    def manifest(self, name: str, version: str, who: Sequence[str], *, days: float = 1, **more: Any) -> str:
        """A membership manifest of ``lake/NAME@VERSION`` with these customers."""
        value = {
            "namespace": LAKE, "name": name, "version": version, "key_space": "customer", "completeness": "full",
            "digest": f"{next(_events):064x}",
        }  # fmt: skip
        evidence = self.put("manifest", value | more, days)
        for one in who:
            held = self.holdings.get(("customer", one), frozenset())
            self.holdings["customer", one] = held | {evidence}
        return evidence

    def model(self, name: str, version: str, run_ids: Sequence[str], purpose: str | None = None) -> str:
        """A registered model version as the registry's reader yields it beside the fact."""
        return self.put(
            "model_version",
            {"name": name, "version": version, "run_ids": list(run_ids), "purpose": purpose},
            1,
        )

    def base(
        self,
        *,
        facts: Sequence[Fact] = (),
        scopes: Sequence[ScopeState] = (),
        sources: Sequence[SourceState] = (),
        config: Mapping[str, Any] | None = None,
    ) -> MemoryFacts:
        """Everything written down so far, as a fact base."""
        return MemoryFacts(AT, facts, scopes, tuple(self.records), sources, config or {}, self.holdings)


def push(*accepts: str, cause: Any = None, name: str = "pipeline") -> SourceState:
    """A pushed source that has reported, stale where a cause is given."""
    return SourceState(name, "push", AT, cause, "silent for 9 days" if cause else "", tuple(accepts))


EVERYTHING = push("lineage", "decisions", "consents", "erasures", "members", "contracts", "purposes")
"""A source that reports every kind of record and is in time: then absence means something."""


def derive(base: FactBase, name: str) -> dict[str, Fact]:
    """The derived facts of one type, by resource."""
    found = list(DERIVATIONS[name].derive(base))
    by_resource = {fact.resource: fact for fact in found}
    assert len(by_resource) == len(found), "two facts of one type share a resource"
    return by_resource


def _dataset(name: str, facets: Mapping[str, Any]) -> dict[str, Any]:
    return {"namespace": LAKE, "name": name, "facets": dict(facets)}


def _version(version: str | None) -> dict[str, Any]:
    return {} if version is None else {"version": {"datasetVersion": version}}


def _columns(reads: Sequence[str]) -> dict[str, Any]:
    sources = [{"namespace": LAKE, "name": name, "field": "email"} for name in reads]
    return {
        "columnLineage": {"fields": {"email": {"inputFields": sources}}},
        "schema": {"fields": [{"name": "email", "type": "string"}]},
    }


def _tags(tags: Mapping[str, str]) -> dict[str, Any]:
    return {"tags": {"tags": [{"key": key, "value": value} for key, value in tags.items()]}} if tags else {}
