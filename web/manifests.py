"""``PUT /api/v1/members/{namespace}/{name}/{version}``: the membership manifest of one dataset version."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Depends, Query, Request
from starlette.convertors import PathConvertor, register_url_convertor

from collectors.members.accept import members_of_lines
from collectors.members.difference import MEDIA_TYPE, difference, digest
from collectors.members.parquet import is_parquet, members_of_parquet
from compliance.canonical import Json
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Observation
from web.appending import INTAKE, Arrival, receipt, refuse_namespace
from web.intake import CREATED, REFUSALS, arrives_as, in_intake_threads

PATH = "/members"
SEGMENTS = ("namespace", "name", "version")
LONGEST_NAME = 4096
BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
}


class AnyNames(PathConvertor):
    """The rest of a path; unlike ``path`` also where a name in it holds a line break."""

    regex = r"[\s\S]*"


register_url_convertor("names", AnyNames())
router = APIRouter(prefix="/api/v1", tags=["intake"])


@router.put(PATH + "/{names:names}", status_code=CREATED, responses=REFUSALS, openapi_extra=BODY)
@in_intake_threads
def put_members(
    request: Request,
    arrival: Annotated[Arrival, Depends(arrives_as(PATH, "members"))],
    key_space: Annotated[str, Query(min_length=1)],
    completeness: Literal["full", "partial"] = "full",
    key_id: Annotated[str | None, Query(min_length=1, max_length=64)] = None,
) -> dict[str, Json]:
    """Take the manifest of ``{namespace}/{name}/{version}``, each percent-encoded: whose data that version holds."""
    namespace, name, version = names_in(request.scope)
    refuse_namespace(arrival.bound("members"), (namespace, name))
    named = {
        "namespace": namespace, "name": name, "version": version, "key_space": key_space,
        "completeness": completeness, "key_id": key_id or _current_key_id(arrival, key_space),
    }  # fmt: skip
    members = _members(arrival)
    stated = {**named, "count": len(members), "digest": digest(members)}
    return {**receipt(_append(arrival, stated, members), 1), **stated}


def names_in(scope: Any) -> list[str]:
    """Namespace, name and version of a request, decoded after the path was split at its slashes.

    The decoded path cannot tell a slash in a name from one between names. Raises InputRefused.
    """
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    _, _, rest = raw.partition(f"{router.prefix}{PATH}/".encode())
    parts = rest.split(b"/")
    if len(parts) != len(SEGMENTS) or not all(parts):
        message = f"Expected /members/NAMESPACE/NAME/VERSION, each percent-encoded; found {len(parts)} parts."
        raise InputRefused(message, field="path")
    return [_decoded(part, field) for part, field in zip(parts, SEGMENTS, strict=True)]


def _decoded(part: bytes, field: str) -> str:
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeDecodeError as error:
        raise InputRefused(f"The {field} is not percent-encoded UTF-8.", field=field) from error
    if not text.strip() or len(text) > LONGEST_NAME:
        raise InputRefused(f"The {field} is empty or longer than {LONGEST_NAME} letters.", field=field)
    return text


def _current_key_id(arrival: Arrival, key_space: str) -> str:
    try:
        return arrival.store.key_spaces.current_key_id(key_space)
    except NotFound as error:
        raise InputRefused(f"{error.message} Configure it, or name the key_id.", field="key_space") from error


def _members(arrival: Arrival) -> tuple[str, ...]:
    body = arrival.sent.unpacked()
    if is_parquet(body) or "parquet" in arrival.sent.media_type:
        return members_of_parquet(body, most_bytes=arrival.sent.limit)
    return members_of_lines(body)


def _append(arrival: Arrival, stated: dict[str, Json], members: tuple[str, ...]) -> int | None:
    """Append the manifest as its difference to the newest earlier one, unless it was sent before."""
    base = arrival.store.manifest_base(
        stated["namespace"], stated["name"], stated["key_space"], stated["key_id"]
    )
    kept = difference(members, base)
    detail = {
        "endpoint": arrival.endpoint, "caller": arrival.sender, **stated, "kept_as_difference": True,
    }  # fmt: skip
    return arrival.store.log.append([
        Observation(
            "members/1", arrival.source, INTAKE, kept.to_bytes(), MEDIA_TYPE, detail=detail, sealed=True,
            known=arrival.known([stated]),
        )
    ])[0]  # fmt: skip
