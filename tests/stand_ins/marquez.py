"""Marquez's API for OpenLineage events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fault_proxy import Asked, Reply
from tests.stand_ins.answering import PAGE, allowed, path_of, query_of, said


def event(number: int, **job_facets: Any) -> dict[str, Any]:
    """A COMPLETE event of a run."""
    return {
        "eventType": "COMPLETE", "eventTime": f"2026-11-22T10:00:{number:02}Z", "producer": "https://example.org/p",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": f"01890b6e-7b1a-7cc1-8000-{number:012}"},
        "job": {"namespace": "shop", "name": "load", "facets": job_facets}, "inputs": [], "outputs": [],
    }  # fmt: skip


@dataclass
class Marquez:
    """The events, the oldest first."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        """Marquez API reference, "List all received OpenLineage events"."""
        if not allowed(asked):
            return said({"code": 401, "message": "Credentials are required"}, 401)
        if path_of(asked) != "/api/v1/events/lineage":
            return said({"code": 404}, 404)
        query = query_of(asked)
        offset, limit = int(query.get("offset", "0")), min(int(query.get("limit", "100")), PAGE)
        return said({"events": self.events[offset : offset + limit], "totalCount": len(self.events)})
