"""The evidence: entries of the log, what each holds, and how it is proven."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import Response

from compliance.canonical import Json, evidence_id, parse_evidence_id, strict_json
from compliance.errors import ContentGone, InputRefused, NotFound
from compliance.evidence import Entry, Item
from compliance.facts import Opened
from compliance.store import Store
from web.access import UNSEALING
from web.logapi import item_bytes
from web.pages.frame import Frame
from web.pages.visits import Visit, visiting
from web.problems import described

SHOWN = 50
ITEMS_SHOWN = 100
PRETTY_AT_MOST = 256 * 1024
PREVIEW_AT_MOST = 24_000
"""Letters of a payload that a page shows; all of it can be downloaded."""
OF_OUR_OWN = ("access/1", "check/1", "config/1", "library/1", "lookup/1", "report/1")
"""Kinds of entry that no reader reads."""
OWN_SOURCES = ("api", "muniment")

router = APIRouter(prefix="/evidence", tags=["pages"], include_in_schema=False)
Auditor = Annotated[Visit, Depends(visiting("auditor"))]


@dataclass(frozen=True)
class EntryRow:
    """One entry of the list."""

    index: int
    kind: str
    source: str
    instant: str
    received_at: str
    size: int | None
    sealed: bool


@dataclass(frozen=True)
class EvidenceList:
    """Everything that the list shows, the newest entry first."""

    frame: Frame
    rows: tuple[EntryRow, ...]
    kind: str
    source: str
    kinds: tuple[str, ...]
    sources: tuple[str, ...]
    earlier: int | None
    """The index before which the next page goes on; None where there is none."""


@dataclass(frozen=True)
class ItemRow:
    """One item of an entry."""

    id: str
    scope: str
    asked: str
    status: str
    size: int | None


@dataclass(frozen=True)
class EvidencePage:
    """Everything that the page of an entry, or of one item in it, shows."""

    frame: Frame
    id: str
    index: int
    item: int | None
    entry: Entry
    leaf: str
    """The entry as it is hashed, set out over lines."""
    items: tuple[ItemRow, ...]
    items_in_all: int
    preview: str
    preview_cut: bool
    withheld: str
    """Why there is no preview; empty where there is one."""
    checkpoint: str
    log_size: int


@router.get("", responses=described(401, 403, 422))
def evidence(visit: Auditor, kind: str = "", source: str = "", before: str = "") -> Response:
    """The entries of the log, the newest first."""
    if before and not before.isdecimal():
        raise InputRefused("before is no log index.", field="before")
    stop = min(int(before), visit.basis.log_size) if before else visit.basis.log_size
    found = visit.answers.entries(kind=kind or None, source=source or None, last=SHOWN + 1, before=stop)
    rows = [
        EntryRow(
            int(row["id"]),
            row["kind"],
            row["source"],
            row["instant"],
            row["received_at"],
            row["size"],
            row["sealed"],
        )
        for row in reversed(found)
    ]
    earlier = rows[SHOWN - 1].index if len(rows) > SHOWN else None
    kinds, sources = kinds_of(visit.store), sources_of(visit.store)
    return visit.page(
        "evidence.html", EvidenceList(visit.frame, tuple(rows[:SHOWN]), kind, source, kinds, sources, earlier)
    )


@router.get("/{name:path}", responses=described(401, 403, 404, 422))
def entry(visit: Auditor, name: str) -> Response:
    """One entry, or one item of it."""
    index, item = parse_evidence_id(name)
    if index >= visit.basis.log_size:
        raise NotFound(f"There is no entry {index} among the first {visit.basis.log_size}.", field="id")
    return visit.page("entry.html", evidence_page(visit, index, item))


def kinds_of(store: Store) -> tuple[str, ...]:
    """Every kind of entry that there can be."""
    return tuple(sorted({*OF_OUR_OWN, *(kind for reader in store.readers for kind in reader.kinds)}))


def sources_of(store: Store) -> tuple[str, ...]:
    """Every source that can be stated."""
    return tuple(sorted({*OWN_SOURCES, *(source.name for source in store.settings.sources)}))


def evidence_page(visit: Visit, index: int, item: int | None) -> EvidencePage:
    """The page of an entry, or of one item of it."""
    log = visit.store.log
    held = log.entry(index)
    items = list(_items(index, held))
    if item is not None and item >= len(items):
        raise NotFound(f"The entry {index} has {len(items)} items; there is no item {item}.", field="id")
    content, withheld = _content(visit, index, held, item)
    parts = held.items if item is None else ()
    shown = _one_by_one(index, parts, content) if parts and not withheld else pretty(content)
    return EvidencePage(
        frame=visit.frame, id=evidence_id(index, item), index=index, item=item, entry=held,
        leaf=json.dumps(_short_leaf(strict_json(log.leaf(index), what="entry")), indent=2, ensure_ascii=False),
        items=tuple(items[:ITEMS_SHOWN]) if item is None else tuple(items[item : item + 1]),
        items_in_all=len(items), preview=shown[:PREVIEW_AT_MOST], preview_cut=len(shown) > PREVIEW_AT_MOST,
        withheld=withheld, checkpoint=log.checkpoint(visit.basis.log_size), log_size=visit.basis.log_size,
    )  # fmt: skip


def _short_leaf(leaf: dict[str, object]) -> dict[str, object]:
    """The entry without its list of items, which has a table of its own."""
    items = leaf.get("items")
    return {**leaf, "items": f"{len(items)} items, listed below"} if isinstance(items, list) else leaf


def _items(index: int, held: Entry) -> Iterable[ItemRow]:
    for number, item in enumerate(held.items):
        yield ItemRow(
            evidence_id(index, number), item.scope, _asked(item.request), str(item.status), item.size
        )
    if not held.items:
        for number in range(int(held.detail.get("items", 0))):
            yield ItemRow(evidence_id(index, number), "", "", "", None)


def _asked(request: Mapping[str, Json]) -> str:
    """A request in one line, its operation first."""
    rest = [f"{name} {_flat(value)}" for name, value in request.items() if name != "operation"]
    return "; ".join([str(request["operation"]), *rest] if "operation" in request else rest)


def _flat(value: Json) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={inner}" for name, inner in value.items()) or "none"
    return str(value)


def _content(visit: Visit, index: int, held: Entry, item: int | None) -> tuple[bytes, str]:
    """The bytes to preview, or why there are none."""
    if held.payload is None:
        return b"", "This entry has no payload."
    if held.payload.sealed and not visit.caller.may(*UNSEALING):
        return b"", (
            "This payload is sealed, as it holds pseudonyms or names persons; a data protection officer may open it."
            " The entry and its proof are open to you."
        )
    try:
        body = visit.store.log.body(held, index)
        opened = Opened(index, held, body)
        return (body or b"") if item is None else item_bytes(opened, item), ""
    except ContentGone as gone:
        return b"", f"The content is gone: {gone.message}"


def _one_by_one(index: int, items: Sequence[Item], content: bytes) -> str:
    """Several responses in one payload, each under its evidence id."""
    found, letters = [], 0
    for number, item in enumerate(items):
        text = pretty(content[item.offset : item.offset + item.size])
        found.append(f"{evidence_id(index, number)}\n{text}")
        letters += len(text)
        if letters > PREVIEW_AT_MOST:
            break
    return "\n\n".join(found)


def pretty(content: bytes) -> str:
    """A payload as text: JSON set out over lines, other text as it is, anything else in a sentence."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return f"{len(content):,} bytes that are no text."
    if len(content) <= PRETTY_AT_MOST:
        try:
            return json.dumps(strict_json(content), indent=2, ensure_ascii=False)
        except InputRefused:
            return text
    return text
