"""Rows of the projections in memory, kept by type; they grow with the log."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.engine import Connection

from compliance.canonical import Json, expand_ranges
from compliance.facts import Unseen


@dataclass(frozen=True)
class SeenFragment:
    """A row of ``fragment``."""

    source: str
    scope: str
    resource: str
    part: str
    instant: int
    index: int
    evidence: str
    value: Mapping[str, Json]
    unseen: Mapping[str, Unseen]
    dated: bool


@dataclass(frozen=True)
class SeenListing:
    """A row of ``listing``."""

    source: str
    scope: str
    instant: int
    index: int
    complete: bool
    items: frozenset[str]
    detail: str


@dataclass(frozen=True)
class SeenRecord:
    """A row of ``received``."""

    source: str
    digest: str
    instant: int
    index: int
    evidence: str
    value: Mapping[str, Json]


@dataclass(frozen=True)
class SeenEntry:
    """A row of ``entry``, as far as sources need it."""

    source: str
    kind: str
    instant: int
    received_at: int
    index: int


class History:
    """All projected rows up to ``log_size``, kept by type."""

    def __init__(self) -> None:
        self.log_size = 0
        self.fragments: dict[str, list[SeenFragment]] = defaultdict(list)
        self.listings: dict[str, list[SeenListing]] = defaultdict(list)
        self.received: dict[str, list[SeenRecord]] = defaultdict(list)
        self.entries: dict[str, list[SeenEntry]] = defaultdict(list)

    def grow(self, connection: Connection, log_size: int) -> None:
        """Read the rows of the entries from ``self.log_size`` up to ``log_size``."""
        span = {"start": self.log_size, "stop": log_size}
        where = "WHERE log_index >= :start AND log_index < :stop ORDER BY log_index"
        self._fragments(connection, where, span)
        self._listings(connection, where, span)
        self._received(connection, where, span)
        for row in connection.execute(
            text(f"SELECT source, kind, instant, received_at, log_index FROM entry {where}"),  # noqa: S608 (constant)
            span,
        ):
            self.entries[row.source].append(SeenEntry(*row))
        self.log_size = log_size

    def _fragments(self, connection: Connection, where: str, span: Mapping[str, int]) -> None:
        columns = "fact, source, scope, resource, part, instant, log_index, evidence, value, unseen, dated"
        for row in connection.execute(text(f"SELECT {columns} FROM fragment {where}"), span):  # noqa: S608 (constant)
            unseen = {path: Unseen(cause, why) for path, (cause, why) in json.loads(row.unseen).items()}
            seen = SeenFragment(
                row.source, row.scope, row.resource, row.part, row.instant, row.log_index,
                row.evidence, json.loads(row.value), unseen, bool(row.dated),
            )  # fmt: skip
            self.fragments[row.fact].append(seen)

    def _listings(self, connection: Connection, where: str, span: Mapping[str, int]) -> None:
        columns = "fact, source, scope, instant, log_index, complete, items, detail"
        for row in connection.execute(text(f"SELECT {columns} FROM listing {where}"), span):  # noqa: S608 (constant)
            seen = SeenListing(
                row.source, row.scope, row.instant, row.log_index, bool(row.complete),
                frozenset(expand_ranges(json.loads(row.items))), row.detail,
            )  # fmt: skip
            self.listings[row.fact].append(seen)

    def _received(self, connection: Connection, where: str, span: Mapping[str, int]) -> None:
        columns = "kind, source, digest, instant, log_index, evidence, value"
        for row in connection.execute(text(f"SELECT {columns} FROM received {where}"), span):  # noqa: S608 (constant)
            self.received[row.kind].append(
                SeenRecord(
                    row.source, row.digest, row.instant, row.log_index, row.evidence, json.loads(row.value)
                )
            )
