"""What evidence is, before anything stores it: responses, observations and log entries.

Pure. Collectors yield responses and coverage; the composition root packs them into observations;
the log seals and stores those as entries, whose canonical JSON is the leaf that is proven.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, cast

from compliance.canonical import (
    Json,
    canonical,
    format_time,
    instant_of,
    parse_time,
    sha256_hex,
    strict_json,
)
from compliance.errors import InputRefused, TooLarge

Cause = Literal["missing", "stale", "incomplete", "unreadable"]
"""Why something is unknown (never collected, too old, denied or cut short, not readable)."""

MAX_ENTRY_BYTES = 65_535
"""A tlog-tiles entry bundle gives each entry a 16-bit length."""
MAX_SEGMENT_BYTES = 8 * 1024 * 1024
"""An observation holds at most this much raw material."""


@dataclass(frozen=True)
class CollectorName:
    """Which program observed: its name and version, as an entry states them."""

    name: str
    version: str


# --- what collectors yield ---------------------------------------------------------------------


@dataclass(frozen=True)
class Response:
    """One answer of a source to one request, exactly as received.

    ``fingerprint`` is what must be equal for the answer to count as unchanged: the body's SHA-256
    unless the protocol puts request ids into bodies. ``source_time`` is the source's own time of
    the content, where it states one.
    """

    scope: str
    request: Mapping[str, Json]
    status: int
    body: bytes
    caller: str
    received_at: datetime
    source_time: datetime | None = None
    media_type: str = "application/json"
    fingerprint: str = ""
    redactions: tuple[str, ...] = ()
    joined: str = ""
    """Consecutive answers of the same non-empty name are kept in one entry, changed or unchanged
    together, because their reader must see them side by side (the pages of one document)."""

    def unchanged_as(self) -> str:
        """The value that equals that of an earlier answer exactly if nothing changed."""
        return self.fingerprint or sha256_hex(self.body)


@dataclass(frozen=True)
class Coverage:
    """How completely one run saw one scope (an account, a region, a registry, a folder).

    ``facts`` names the fact types whose population the scope's listing is. ``complete`` is true
    only if every page arrived, nothing was denied or throttled away, and the control total, where
    the source offers one, agreed before and after.
    """

    scope: str
    facts: tuple[str, ...]
    complete: bool
    got: int
    expected: int | None = None
    denied: tuple[str, ...] = ()
    throttled: tuple[str, ...] = ()
    truncated: bool = False
    pages: int = 0
    total_before: int | None = None
    total_after: int | None = None
    detail: str = ""

    def as_json(self) -> dict[str, Json]:
        """The form in which a ``collection`` entry states it."""
        return {
            "scope": self.scope, "facts": list(self.facts), "complete": self.complete, "got": self.got,
            "expected": self.expected, "denied": list(self.denied), "throttled": list(self.throttled),
            "truncated": self.truncated, "pages": self.pages, "total_before": self.total_before,
            "total_after": self.total_after, "detail": self.detail,
        }  # fmt: skip


class Collector(Protocol):
    """A source that is pulled. It fetches and yields; it never stores, configures or judges.

    ``collect`` yields every response as it arrives, denied ones included, and for each scope one
    Coverage after the scope's last response. It raises nothing but SourceFailed, and that only
    where not even a scope can be named.
    """

    kind: str
    """The kind of its entries, with version: ``aws-kms/1``."""
    name: CollectorName

    def collect(self) -> Iterator[Response | Coverage]:
        """Fetch everything once."""
        ...

    def check(self) -> Sequence[Access]:
        """Try each right that the collector needs, reading as little as possible."""
        ...


@dataclass(frozen=True)
class Access:
    """Whether one request that a collector needs is permitted, and what is unknown without it."""

    request: str
    permitted: bool
    detail: str = ""
    facts: tuple[str, ...] = ()


# --- observations and entries ------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """One raw response inside an observation: where it lies in the payload, and how it came.

    ``sha256`` is empty in a sealed observation: a digest of what is sealed would confirm a guess,
    and the payload's own digest is of the sealed bytes. ``fingerprint`` is stated where another
    value than ``sha256`` tells whether the answer changed.
    """

    scope: str
    request: Mapping[str, Json]
    status: int
    caller: str
    observed_at: datetime
    offset: int
    size: int
    sha256: str
    redactions: tuple[str, ...] = ()
    fingerprint: str = ""
    received_at: datetime | None = None

    def as_json(self) -> dict[str, Json]:
        """The form in which an entry's index states it."""
        value: dict[str, Json] = {
            "scope": self.scope, "request": dict(self.request), "status": self.status,
            "caller": self.caller, "observed_at": format_time(self.observed_at),
            "offset": self.offset, "size": self.size, "sha256": self.sha256,
        }  # fmt: skip
        if self.redactions:
            value["redactions"] = list(self.redactions)
        if self.fingerprint:
            value["fingerprint"] = self.fingerprint
        if self.received_at is not None:
            value["received_at"] = format_time(self.received_at)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Json]) -> Item:
        """Read what ``as_json`` wrote."""
        return cls(
            scope=value["scope"], request=value["request"], status=value["status"],
            caller=value["caller"], observed_at=parse_time(value["observed_at"]),
            offset=value["offset"], size=value["size"], sha256=value["sha256"],
            redactions=tuple(value.get("redactions", ())), fingerprint=value.get("fingerprint", ""),
            received_at=parse_time(value["received_at"]) if "received_at" in value else None,
        )  # fmt: skip


@dataclass(frozen=True)
class Observation:
    """What is handed to the log: one body, chunk or run segment, not yet sealed or stored.

    ``detail`` holds further fields of the entry (counts, redactions, endpoint); it never holds a
    pseudonym or free text about a person. ``sealed`` asks for encryption of the body. ``known``
    are the digests by which an equal item is recognised when it is sent again.
    """

    kind: str
    source: str
    collector: CollectorName
    body: bytes | None
    media_type: str = "application/json"
    observed_at: datetime | None = None
    """The source's own time; None means that it states none, and the receipt counts."""
    items: tuple[Item, ...] = ()
    detail: Mapping[str, Json] = field(default_factory=dict)
    sealed: bool = False
    known: tuple[bytes, ...] = ()
    key: str | None = None
    """The data key to seal under, where it is not that of source and month: one subject's own."""


@dataclass(frozen=True)
class Payload:
    """Where an entry's bytes are: their digest as stored, and the bytes themselves if they ride inline."""

    sha256: str
    size: int
    media_type: str
    inline: bytes | None = None
    sealed: str | None = None
    """The name of the data key under which the bytes are encrypted, or None."""

    def as_json(self) -> dict[str, Json]:
        """The ``payload`` member of an entry (CONTRACT section 5)."""
        value: dict[str, Json] = {"sha256": self.sha256, "size": self.size, "media_type": self.media_type}
        if self.inline is not None:
            value["inline"] = base64.b64encode(self.inline).decode()
        if self.sealed is not None:
            value["sealed"] = self.sealed
        return value


@dataclass(frozen=True)
class Entry:
    """One record of the evidence log. Its canonical JSON is the leaf that is hashed and proven."""

    kind: str
    source: str
    collector: CollectorName
    observed_at: datetime
    received_at: datetime
    payload: Payload | None = None
    items: tuple[Item, ...] = ()
    detail: Mapping[str, Json] = field(default_factory=dict)

    @property
    def instant(self) -> datetime:
        """The time from which the entry counts (DESIGN section 1, *true at*)."""
        return instant_of(self.observed_at, self.received_at)

    def to_bytes(self) -> bytes:
        """The leaf: RFC 8785 JSON. Raises TooLarge above 65,535 bytes."""
        value: dict[str, Json] = {
            "kind": self.kind, "source": self.source,
            "collector": {"name": self.collector.name, "version": self.collector.version},
            "observed_at": format_time(self.observed_at), "received_at": format_time(self.received_at),
            "payload": None if self.payload is None else self.payload.as_json(),
        }  # fmt: skip
        if self.items:
            value["items"] = [item.as_json() for item in self.items]
        if self.detail:
            value["detail"] = dict(self.detail)
        leaf = canonical(value)
        if len(leaf) > MAX_ENTRY_BYTES:
            message = f"The entry has {len(leaf)} bytes; at most {MAX_ENTRY_BYTES} fit one entry."
            raise TooLarge(message)
        return leaf

    @classmethod
    def from_bytes(cls, leaf: bytes) -> Entry:
        """Read a leaf. Raises InputRefused where it is no entry."""
        value = strict_json(leaf, what="entry")
        try:
            payload = value["payload"]
            return cls(
                kind=value["kind"], source=value["source"],
                collector=CollectorName(value["collector"]["name"], value["collector"]["version"]),
                observed_at=parse_time(value["observed_at"]), received_at=parse_time(value["received_at"]),
                payload=None if payload is None else _payload(payload),
                items=tuple(Item.from_json(item) for item in value.get("items", ())),
                detail=value.get("detail", {}),
            )  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputRefused(f"The entry lacks a field or has one of the wrong type: {error}.") from error


def _payload(value: Mapping[str, Json]) -> Payload:
    inline = value.get("inline")
    return Payload(
        sha256=value["sha256"], size=value["size"], media_type=value["media_type"],
        inline=None if inline is None else base64.b64decode(cast("str", inline), validate=True),
        sealed=value.get("sealed"),
    )  # fmt: skip
