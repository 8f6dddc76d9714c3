"""Engagements: what an auditor who was hired for one task may read, and no more.

A token bound to an engagement reads checkpoint, hash tiles, and the entries of its scope with their
proofs (CONTRACT section 5). It reads no entry bundle, which holds other entries too, and nothing else
of the application.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from compliance.canonical import Json, format_time, parse_time
from compliance.errors import Forbidden, InputRefused
from compliance.evidence import Entry
from web.ports import StorePort

SCOPE = "engagement"
"""The one scope of such a token: no route but those of the log and of evidence names it."""
LISTED_AT_ONCE = 1000
LOOKED_AT = 20_000


@dataclass(frozen=True)
class Engagement:
    """A task with the entries that it is about. Of each list that is not empty one must apply."""

    name: str
    sources: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    from_: datetime | None = None
    to: datetime | None = None
    """Entries received from the one instant until before the other."""

    def __post_init__(self) -> None:
        """Raises InputRefused without a name, or where the period is empty."""
        if not self.name.strip():
            raise InputRefused("An engagement needs a name.", field="engagement")
        if self.from_ is not None and self.to is not None and self.from_ >= self.to:
            raise InputRefused("The engagement's period ends before it begins.", field="to")

    def covers(self, entry: Entry) -> bool:
        """Whether an entry is of its scope."""
        return (
            (not self.sources or entry.source in self.sources)
            and (not self.kinds or entry.kind in self.kinds)
            and (self.from_ is None or self.from_ <= entry.received_at)
            and (self.to is None or entry.received_at < self.to)
        )

    def refuse_outside(self, index: int, entry: Entry) -> None:
        """Raise Forbidden for an entry outside of its scope."""
        if not self.covers(entry):
            raise Forbidden(
                f"The entry {index} is outside the scope of the engagement {self.name}.", field="id"
            )

    def as_json(self) -> dict[str, Json]:
        """As it is stored, and as the entry of its token states it."""
        return {
            "name": self.name, "sources": list(self.sources), "kinds": list(self.kinds),
            "from": self.from_ and format_time(self.from_), "to": self.to and format_time(self.to),
        }  # fmt: skip

    @classmethod
    def from_text(cls, text: str | None) -> Engagement | None:
        """Read what was stored; None for a token that is bound to none."""
        if text is None:
            return None
        value: Mapping[str, Json] = json.loads(text)
        times = (value["from"] and parse_time(value["from"]), value["to"] and parse_time(value["to"]))
        return cls(value["name"], tuple(value["sources"]), tuple(value["kinds"]), *times)

    def entries(self, store: StorePort, start: int) -> Iterator[int]:
        """The indices of its entries from one on, among so many as are looked at once."""
        for index, entry in store.log.entries(start, start + LOOKED_AT):
            if self.covers(entry):
                yield index


def listed(request: Request, engagement: Engagement, start: int) -> dict[str, Json]:
    """Its entries from an index on, and where to go on; ``next`` is null at the end of the log."""
    store: StorePort = request.app.state.store
    found, size = list(engagement.entries(store, start))[: LISTED_AT_ONCE + 1], store.log.size
    onward = found[LISTED_AT_ONCE] if len(found) > LISTED_AT_ONCE else start + LOOKED_AT
    return {
        "engagement": engagement.as_json(), "entries": [str(index) for index in found[:LISTED_AT_ONCE]],
        "log_size": size, "next": onward if onward < size else None,
    }  # fmt: skip
