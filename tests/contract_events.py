"""What an outsider sends: OpenLineage events, registers and pseudonyms, made from the contract's text alone."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.served import SECRET

Json = dict[str, Any]
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
DIGITS = 32


def clock(minute: float) -> str:
    """The RFC 3339 time so many minutes after midnight of the second of March 2026."""
    return (MIDNIGHT + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def known_as(key: str, secret: str = SECRET) -> str:
    """Section 3: the first 16 bytes of HMAC-SHA256 over the NFC-normalised key, as 32 hex digits."""
    normal = unicodedata.normalize("NFC", key).encode()
    return hmac.new(bytes.fromhex(secret), normal, hashlib.sha256).hexdigest()[:DIGITS]


def run_id(name: str) -> str:
    """The UUID under which a run of that name goes."""
    return str(uuid5(NAMESPACE_URL, name))


def dataset(name: str, version: Any = None, *, namespace: Any = "lake", **facets: Any) -> Json:
    """A dataset of an event; keyword arguments are its facets."""
    stated = {} if version is None else {"version": facet(datasetVersion=version)}
    return {"namespace": namespace, "name": name, "facets": {**stated, **facets}}


def facet(**content: Any) -> Json:
    """A facet with what the specification wants in each."""
    return {
        "_producer": "https://example.test/producer", "_schemaURL": "https://example.test/facet.json", **content,
    }  # fmt: skip


def tags(**values: str) -> Json:
    """A tags facet."""
    return facet(tags=[{"key": key, "value": value} for key, value in values.items()])


def event(
    kind: str, run: str, minute: float, *, job: str = "job", reads: Iterable[Json] = (), writes: Iterable[Json] = (),
    tagged: Mapping[str, str] | None = None,
) -> Json:  # fmt: skip
    """A RunEvent of OpenLineage 2-0-2."""
    facets = {"tags": tags(**tagged)} if tagged else {}
    return {
        "eventType": kind, "eventTime": clock(minute), "run": {"runId": run_id(run), "facets": facets},
        "job": {"namespace": "jobs", "name": job, "facets": {}}, "inputs": list(reads), "outputs": list(writes),
        "producer": "https://example.test/producer",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }  # fmt: skip


def run(name: str, start: float, end: float, *, ends: str = "COMPLETE", **stated: Any) -> list[Json]:
    """START and the last event of a run, which bears the run's name as its job's unless ``job`` says otherwise."""
    stated = {"job": name, **stated}
    return [event("START", name, start, **stated), event(ends, name, end, **stated)]


def manifest(*keys: str) -> bytes:
    """A membership manifest in NDJSON."""
    return "".join(f'"{known_as(key)}"\n' for key in keys).encode()


def consent(key: str, action: str, minute: float, purpose: str = "marketing") -> Json:
    """A consent event that names its record by pseudonym."""
    return {
        "key_space": "customer", "pseudonym": known_as(key), "purpose": purpose, "action": action, "at": clock(minute),
    }  # fmt: skip


def erasure(key: str, completed: float, datasets: str | Sequence[str] = "*") -> Json:
    """A deletion-log entry that names its record by pseudonym; datasets are of the namespace ``lake``."""
    covered = (
        datasets if isinstance(datasets, str) else [{"namespace": "lake", "name": name} for name in datasets]
    )
    return {
        "key_space": "customer", "pseudonym": known_as(key), "datasets": covered, "requested_at": clock(completed - 60),
        "completed_at": clock(completed), "method": "delete", "request_id": f"DSR-{key}-{completed}",
    }  # fmt: skip


def contract(name: str, purposes: Sequence[str], since: float = -100_000, **more: Any) -> Json:
    """A data contract of a dataset in the namespace ``lake``."""
    return {
        "namespace": "lake", "name": name, "permitted_purposes": list(purposes), "valid_from": clock(since), **more,
    }  # fmt: skip


def decision(name: str, minute: float, *, allowed: Any = True, **input_: Any) -> Json:
    """An entry of an OPA decision log."""
    return {
        "decision_id": run_id(name), "timestamp": clock(minute), "result": allowed, "path": "records/allow",
        "labels": {"id": "opa"}, "input": input_,
    }  # fmt: skip
