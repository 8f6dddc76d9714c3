"""Retention: what may go, because the longest duty to keep it has ended, and that it went.

The duty runs from the receipt of an entry, or from the last collection that named it as unchanged. What
the library and the configuration said is never expired: every answer is performed by it. What rides
in an entry stays in the log, which is the proof; its facts go all the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from compliance.bounds import EXPIRED, Bound, Span, spans_of, written
from compliance.canonical import Json, expand_ranges, format_time, from_micros
from compliance.duties import Duty
from compliance.holding import HOLD, Covered, covered, decide, holds_in_force
from compliance.store import Store

KEPT_FOR_GOOD = frozenset({"config/1", "erased/1", EXPIRED, HOLD, "library/1", "scope/1"})
SPANS_IN_ONE = 2000
"""So many spans fit an entry."""


@dataclass(frozen=True)
class Due:
    """Content whose duty has ended: the entry, when its duty ended, and what keeps it all the same."""

    entry: Covered
    ended: datetime
    duty: Duty
    kept_by: str | None = None

    def as_json(self) -> dict[str, Json]:
        """As the command lists it."""
        return {
            "entry": str(self.entry.index), "kind": self.entry.kind, "source": self.entry.source,
            "ended": format_time(self.ended), "duty": self.duty.because, "kept_by": self.kept_by,
        }  # fmt: skip


def due(store: Store) -> list[Due]:
    """Content that may go now, or could but for a hold or a lock, in the order of the log."""
    holds, now, gone = holds_in_force(store), store.clock(), _gone(store)
    named = _last_named(store)
    found = []
    for one, received in _entries(store):
        if one.kind in KEPT_FOR_GOOD or one.index in gone:
            continue
        duty = store.duties().of(one.kind)
        ended = max(received, named.get(one.index, received)) + duty.span
        if ended <= now:
            hold = next((hold for hold in holds if hold.covers(one)), None)
            kept = f"legal hold {hold.id}" if hold else _locked(store, one, now)
            found.append(Due(one, ended, duty, kept))
    return found


def expire(store: Store, *, who: str, reason: str) -> list[int]:
    """Expire what is due; the entries that say so, none where nothing is. Then payloads and keys go."""
    indexes = [one.entry.index for one in due(store) if one.kept_by is None]
    spans = spans_of(indexes)
    said = []
    for start in range(0, len(spans), SPANS_IN_ONE):
        part = spans[start : start + SPANS_IN_ONE]
        detail: dict[str, Json] = {
            "entries": written(part),
            "keys": _outlived(store, indexes) if not start else [],
        }
        said.append(decide(store, EXPIRED, detail, who=who, reason=reason))
    finish_expiry(store)
    return said


def finish_expiry(store: Store) -> int:
    """Remove what the log says has expired and that is still there; how many payloads those were."""
    done, now = 0, store.clock()
    gone = _gone(store)
    kept = {one.digest for one in covered(store) if one.index not in gone}
    for one in covered(store):
        digest = one.digest or ""
        if one.index in gone and digest not in kept and store.log.payloads.size(digest) is not None:
            lock = store.log.payloads.lock(digest)
            if not lock.held and lock.until is not None and lock.until <= now:
                store.log.payloads.remove(digest, now)
                done += 1
    for bound in store.log.bounds():
        if bound.kind == EXPIRED:
            for name, fingerprint in bound.keys:
                store.log.data_keys.destroy(name, fingerprint)
    return done


def _outlived(store: Store, expired: list[int]) -> list[Json]:
    """Data keys of former months under which nothing is sealed but what expires."""
    gone = {*expired, *_gone(store)}
    alive = {one.key for one in covered(store, "sealed_by IS NOT NULL") if one.index not in gone}
    names = {one.key for one in covered(store, "sealed_by IS NOT NULL")} - alive
    month = f"{store.clock():%Y-%m}"
    keys = {
        name: store.log.data_keys.fingerprint(name) for name in names if name and not name.endswith(month)
    }
    return [{"name": name, "fingerprint": mark} for name, mark in sorted(keys.items()) if mark is not None]


def _gone(store: Store) -> frozenset[int]:
    """The entries that an expiry names."""
    bounds: list[Bound] = [bound for bound in store.log.bounds() if bound.kind == EXPIRED]
    spans: list[Span] = [span for bound in bounds for span in bound.spans]
    return frozenset(index for first, last in spans for index in range(first, last + 1))


def _entries(store: Store) -> Iterator[tuple[Covered, datetime]]:
    with store.projections.connect() as connection:
        rows = connection.execute(text("SELECT log_index, received_at FROM entry")).all()
    received = {index: from_micros(at) for index, at in rows}
    for one in covered(store):
        yield one, received[one.index]


def _last_named(store: Store) -> Mapping[int, datetime]:
    """When each entry was last named by a collection as what it still found."""
    found: dict[int, datetime] = {}
    with store.projections.connect() as connection:
        rows = connection.execute(text("SELECT items, max(instant) FROM listing GROUP BY items")).all()
    for items, instant in rows:
        for name in expand_ranges(json.loads(items)):
            index = int(name.partition("/")[0])
            found[index] = max(found.get(index, from_micros(instant)), from_micros(instant))
    return found


def _locked(store: Store, one: Covered, now: datetime) -> str | None:
    """What the payload's own lock says, where it lies outside of its entry."""
    digest = one.digest or ""
    if store.log.payloads.size(digest) is None:
        return None
    until = store.log.payloads.lock(digest).until
    if until is None or until > now:
        return "its lock, which has no date" if until is None else f"its lock until {format_time(until)}"
    return None
