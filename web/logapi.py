"""The log as C2SP tools read it, and each piece of evidence with its bytes and its proof."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import PlainTextResponse, Response

from collectors.pushed.bodies import take_apart
from compliance.canonical import Json, evidence_id, parse_evidence_id, sha256_hex, strict_json
from compliance.durable import listed
from compliance.errors import ContentGone, Forbidden, NotFound
from compliance.evidence import Entry
from compliance.facts import Opened
from compliance.timestamps import STAMPED
from compliance.witnessing import cosigned_sizes, known_witnesses
from web.access import UNSEALING, Caller, needs
from web.engagements import SCOPE as ENGAGED
from web.engagements import listed as listed_entries
from web.ports import StorePort
from web.problems import described

Auditor = Annotated[Caller, Depends(needs("auditor"))]
Reader = Annotated[Caller, Depends(needs("auditor", ENGAGED))]
"""Who may read the log: an auditor, or the token of an engagement, within its scope."""
IMMUTABLE = "private, max-age=31536000, immutable"
_TILE = re.compile(r"tile/(?:entries|\d{1,2})/(?:x\d{3}/)*\d{3}(?P<partial>\.p/\d{1,3})?")
_VOUCHED = re.compile(
    r"witnesses|vkeys|(?:cosigned|rotated)/\d{1,19}|stamped/(?:\d{1,19}\.note|\d{1,19}\.[0-9a-f]{16}\.tsr|[0-9a-f]{16}\.pem)"
)

router = APIRouter(tags=["evidence"])


# --- the log -----------------------------------------------------------------------------------


@router.get("/log/checkpoint", response_class=PlainTextResponse, responses=described(401, 403))
def checkpoint(request: Request, _caller: Reader) -> Response:
    """The signed checkpoint (C2SP tlog-checkpoint) of the published size."""
    return PlainTextResponse(_store(request).log.checkpoint(), headers={"Cache-Control": "no-cache"})


@router.get("/log/vkey", response_class=PlainTextResponse, responses=described(401, 403))
def vkey(request: Request, _caller: Reader) -> Response:
    """The verifier key of the log (C2SP signed-note), ``name+hash+base64``."""
    return PlainTextResponse(_store(request).log.vkey + "\n", headers={"Cache-Control": "no-cache"})


@router.get("/log/vouched", responses=described(401, 403))
def vouched(request: Request, _caller: Reader) -> dict[str, Json]:
    """The sizes whose checkpoints others vouch for: at ``/log/cosigned/N`` and ``/log/stamped/``."""
    folder = _store(request).settings.home / "log"
    return {
        "cosigned": cosigned_sizes(folder), "witnesses": [str(one) for one in known_witnesses(folder)],
        "stamped": sorted(path.name for path in listed(folder / STAMPED)),
    }  # fmt: skip


@router.get("/log/{path:path}", responses=described(401, 403, 404))
def tile(request: Request, path: str, caller: Reader) -> Response:
    """A tile or entry bundle (C2SP tlog-tiles): ``tile/<L>/<N>[.p/<W>]``, ``tile/entries/<N>[.p/<W>]``."""
    if caller.engagement is not None and path.startswith("tile/entries"):
        raise Forbidden("Entry bundles hold other entries too; an engagement reads its own, one by one.")
    if _VOUCHED.fullmatch(path):
        return _vouched(_store(request).settings.home / "log" / path, path)
    match = _TILE.fullmatch(path)
    if match is None:
        raise NotFound(f"There is no {path[:100]} in the log; there are checkpoint, vkey and tile/….")
    content = _store(request).log.published(path)
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": IMMUTABLE})


def _vouched(file: Path, path: str) -> Response:
    """A cosigned checkpoint, a time-stamp, or the keys that these are verified by."""
    try:
        content = file.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"There is no {path} in the log; /log/vouched lists what there is.") from error
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": "no-cache"})


# --- evidence ----------------------------------------------------------------------------------


@router.get("/api/v1/evidence/{name:path}/payload", responses=described(401, 403, 404, 422))
def payload(request: Request, name: str, caller: Reader) -> Response:
    """The bytes of a piece of evidence as they were taken in, unsealed for who may read them."""
    index, item = parse_evidence_id(name)
    store = _store(request)
    entry = _entry(store, index, caller)
    _refuse_sealed(entry, caller)
    body = store.log.body(entry, index)
    if body is None or entry.payload is None:
        raise NotFound(f"The entry {index} has no payload.", field="id")
    opened = Opened(index, entry, body)
    content = body if item is None else item_bytes(opened, item)
    return _download(content, entry.payload.media_type if item is None else "application/json", name)


@router.get(
    "/api/v1/evidence/{name:path}/proof",
    response_class=PlainTextResponse,
    responses=described(401, 403, 404, 422),
)
def proof(request: Request, name: str, caller: Reader, log_size: int | None = None) -> Response:
    """The C2SP tlog-proof of the entry, against the checkpoint of a size (default: the published one)."""
    index, _ = parse_evidence_id(name)
    log = _store(request).log
    _entry(_store(request), index, caller)
    return PlainTextResponse(log.prove(index, log_size), headers={"Cache-Control": "no-store"})


@router.get("/api/v1/evidence/{name:path}", responses=described(401, 403, 404, 422))
def evidence(request: Request, name: str, caller: Reader) -> dict[str, Json]:
    """The entry, as it is proven; for ``INDEX/ITEM`` also what the entry says of that item."""
    index, item = parse_evidence_id(name)
    log = _store(request).log
    entry = _entry(_store(request), index, caller)
    leaf = log.leaf(index)
    value: dict[str, Json] = {
        "id": evidence_id(index, item), "index": index, "entry": strict_json(leaf, what="entry"),
        "leaf": base64.b64encode(leaf).decode(), "sealed": entry.payload is not None and bool(entry.payload.sealed),
    }  # fmt: skip
    if item is None:
        return value
    return {**value, "item": item, **_said_of_item(entry, index, item)}


@router.get("/api/v1/engagement", responses=described(401, 403))
def engagement(
    request: Request,
    caller: Annotated[Caller, Depends(needs(ENGAGED))],
    start: Annotated[int, Query(ge=0)] = 0,
) -> dict[str, Json]:
    """The engagement that the token is bound to, and the entries of its scope from an index on."""
    if caller.engagement is None:
        raise Forbidden("This token is bound to no engagement.")
    return listed_entries(request, caller.engagement, start)


def _entry(store: StorePort, index: int, caller: Caller) -> Entry:
    """An entry, if the caller may read it. Raises NotFound, Forbidden."""
    entry = store.log.entry(index)
    if caller.engagement is not None:
        caller.engagement.refuse_outside(index, entry)
    return entry


def _said_of_item(entry: Entry, index: int, item: int) -> dict[str, Json]:
    """What the entry's index says of a collected item; of a pushed one, that there is such an item."""
    count = len(entry.items) if entry.items else entry.detail.get("items", 0)
    if item >= count:
        raise NotFound(f"The entry {index} has {count} items; there is no item {item}.", field="id")
    return {"about": entry.items[item].as_json()} if entry.items else {}


def item_bytes(opened: Opened, item: int) -> bytes:
    """The bytes of one item: of a collected response, or of one document of a pushed body.

    Raises NotFound, ContentGone where there is no body any more.
    """
    if opened.entry.items:
        if item >= len(opened.entry.items):
            raise NotFound(f"The entry {opened.index} has {len(opened.entry.items)} items.", field="id")
        return opened.item_body(item)
    if opened.body is None or opened.entry.payload is None:
        raise ContentGone(f"The entry {opened.index} has no content.")
    if "items" not in opened.entry.detail:
        raise NotFound(f"The entry {opened.index} has no items.", field="id")
    parts = take_apart(opened.body, media_type=opened.entry.payload.media_type)
    if item >= len(parts.values):
        raise NotFound(f"The entry {opened.index} has {len(parts.values)} items.", field="id")
    return parts.item_text(item).encode()


def _refuse_sealed(entry: Entry, caller: Caller) -> None:
    if entry.payload is not None and entry.payload.sealed and not caller.may(*UNSEALING):
        message = (
            "This payload is sealed, as it holds pseudonyms or names persons; unsealing it needs the scope"
            " dpo besides. The entry and its proof are open to you."
        )
        raise Forbidden(message)


def _download(content: bytes, media_type: str, name: str) -> Response:
    """Bytes of others, never shown as a page of ours."""
    headers = {
        "Content-Disposition": f'attachment; filename="evidence-{name.replace("/", "-")}"',
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "no-store",
        "X-Content-SHA256": sha256_hex(content),
    }
    return Response(content, media_type=media_type, headers=headers)


def _store(request: Request) -> StorePort:
    store: StorePort = request.app.state.store
    return store
