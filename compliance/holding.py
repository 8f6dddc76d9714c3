"""Legal holds: what must be kept whatever its retention, and whoever asks for its erasure.

A hold is placed and released by entries (``hold/1``); which are in force is read from the log. What a
hold covers is neither expired nor erased. Payloads that lie in files or objects when a hold is placed
are held there too: in a bucket by S3's own legal hold.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from compliance.canonical import Json, canonical
from compliance.errors import ContentHeld, InputRefused, NotFound, StoreTampered
from compliance.evidence import Observation
from compliance.sealing import subject_key
from compliance.store import ITSELF, Store

HOLD = "hold/1"
CUSTODY = "muniment:custody"
"""The class of key under which the store seals who decided what and why; no source can have its name."""


@dataclass(frozen=True)
class Covered:
    """What is asked about: entries by source, kind and data key."""

    index: int
    source: str
    kind: str
    key: str | None
    digest: str | None


@dataclass(frozen=True)
class Hold:
    """A hold in force. Of each list that is not empty one must apply; all empty: everything."""

    id: str
    index: int
    sources: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    def covers(self, one: Covered) -> bool:
        """Whether an entry is held."""
        return (
            (not self.sources or one.source in self.sources)
            and (not self.kinds or one.kind in self.kinds)
            and (not self.keys or one.key in self.keys)
        )

    def as_json(self) -> dict[str, Json]:
        """As the command lists it."""
        return {
            "id": self.id, "entry": str(self.index), "sources": list(self.sources), "kinds": list(self.kinds),
            "keys": list(self.keys),
        }  # fmt: skip


def holds_in_force(store: Store) -> tuple[Hold, ...]:
    """The holds that were placed and not released, in their order."""
    found: dict[str, Hold] = {}
    for index in entries_of(store, HOLD):
        detail = store.log.entry(index).detail
        if detail["action"] == "released":
            found.pop(detail["hold"], None)
        else:
            lists = {name: tuple(detail.get(name, ())) for name in ("sources", "kinds", "keys")}
            found[detail["hold"]] = Hold(detail["hold"], index, **lists)
    return tuple(found.values())


def place_hold(
    store: Store,
    *,
    who: str,
    reason: str,
    sources: Sequence[str] = (),
    kinds: Sequence[str] = (),
    subjects: Sequence[tuple[str, str]] = (),
) -> Hold:
    """Place a hold on entries of sources and kinds, or on what concerns subjects (key space, pseudonym) alone.

    Raises InputRefused without a reason.
    """
    secret = store.log.dedupe_key
    keys = tuple(subject_key(secret, space, pseudonym) for space, pseudonym in subjects)
    name = secrets.token_hex(4)
    detail: dict[str, Json] = {
        "action": "placed", "hold": name, "sources": list(sources), "kinds": list(kinds), "keys": list(keys),
    }  # fmt: skip
    index = decide(store, HOLD, detail, who=who, reason=reason)
    hold = Hold(name, index, tuple(sources), tuple(kinds), keys)
    _mark(store, hold, (hold,), held=True)
    return hold


def release_hold(store: Store, name: str, *, who: str, reason: str) -> int:
    """Release a hold; the index of the entry that says so. Raises NotFound."""
    holds = {hold.id: hold for hold in holds_in_force(store)}
    if name not in holds:
        known = ", ".join(holds) or "none"
        raise NotFound(f"No hold {name!r} is in force; in force: {known}.", field="hold")
    index = decide(store, HOLD, {"action": "released", "hold": name}, who=who, reason=reason)
    rest = tuple(hold for hold in holds.values() if hold.id != name)
    _mark(store, holds[name], rest, held=False)
    return index


def refuse_held(holds: Sequence[Hold], entries: Sequence[Covered], what: str) -> None:
    """Raise ContentHeld, naming the first hold, where one covers one of the entries."""
    for hold in holds:
        covered = [one for one in entries if hold.covers(one)]
        if covered:
            raise ContentHeld(
                f"{what} is under legal hold {hold.id}, placed by entry {hold.index}, which covers"
                f" {len(covered)} of its entries; `muniment hold release {hold.id}` first.",
                field="hold",
            )


# --- what else decides about content needs -----------------------------------------------------


def decide(store: Store, kind: str, detail: Mapping[str, Json], *, who: str, reason: str) -> int:
    """Append an entry by which somebody decides about content; who and why are sealed."""
    if not reason.strip():
        raise InputRefused("This needs a reason; it is recorded.", field="reason")
    body = canonical({**detail, "who": who, "reason": reason})
    key = f"{CUSTODY}/{store.clock():%Y-%m}"
    observation = Observation(kind, "muniment", ITSELF, body, detail=detail, sealed=True, key=key)
    [index] = store.log.append([observation])
    if index is None:
        raise StoreTampered("An entry without known items was taken for known.")
    return index


def entries_of(store: Store, kind: str) -> list[int]:
    """The indices of all entries of a kind, ascending."""
    store.projections.catch_up()
    with store.projections.connect() as connection:
        rows = connection.execute(
            text("SELECT log_index FROM entry WHERE kind = :kind ORDER BY log_index"), {"kind": kind}
        )
        return [index for (index,) in rows]


def covered(store: Store, where: str = "1 = 1", **values: Json) -> Iterator[Covered]:
    """Entries with content, in order: those that a condition of our own on the table of entries is true of."""
    store.projections.catch_up()
    statement = text(
        "SELECT log_index, source, kind, sealed_by, sha256 FROM entry"  # noqa: S608 (conditions of our own)
        f" WHERE sha256 IS NOT NULL AND ({where}) ORDER BY log_index"
    )
    with store.projections.connect() as connection:
        for row in connection.execute(statement, values).all():
            yield Covered(*row)


def _mark(store: Store, hold: Hold, in_force: Sequence[Hold], *, held: bool) -> None:
    """Hold or release the payloads that lie outside of entries, less those that another hold keeps held."""
    for one in covered(store):
        digest = one.digest or ""
        if not hold.covers(one) or store.log.payloads.size(digest) is None:
            continue
        if held or not any(other.covers(one) for other in in_force):
            store.log.payloads.hold(digest, held=held)
