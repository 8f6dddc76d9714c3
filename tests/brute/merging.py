"""Merging what several events say: objects by key, lists united, of two scalars the later one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from compliance.canonical import Json, content_bytes, parse_time

Said = tuple[datetime, Json]
"""A value and the time of the event that said it."""


def time_of(event: Mapping[str, Json]) -> datetime:
    """When an event happened; a time without a zone is read as UTC."""
    return parse_time(event["eventTime"], assume_utc=True)


def is_deleted(value: Json) -> bool:
    """Whether an object bears ``_deleted``; such an object says nothing and takes nothing away."""
    return isinstance(value, dict) and value.get("_deleted") is True


def _kind(value: Json) -> str:
    return "object" if isinstance(value, dict) else "list" if isinstance(value, list) else "scalar"


def _strength(said: Said) -> tuple[datetime, bytes]:
    """The later value is the stronger; at equal times the greater as canonical JSON."""
    return said[0], content_bytes(said[1])


def merge(sayings: Iterable[Said]) -> Json:
    """What several sayings about one thing amount to; None if none of them says anything."""
    telling = [said for said in sayings if said[1] is not None and not is_deleted(said[1])]
    if not telling:
        return None
    strongest = max(telling, key=_strength)
    alike = [said for said in telling if _kind(said[1]) == _kind(strongest[1])]
    match strongest[1]:
        case dict():
            return _merge_objects(alike)
        case list():
            return unite(item for _, value in alike for item in value)
        case scalar:
            return scalar


def _merge_objects(sayings: list[Said]) -> dict[str, Json]:
    merged: dict[str, Json] = {}
    for key in sorted({key for _, value in sayings for key in value}):
        value = merge((at, said[key]) for at, said in sayings if key in said)
        if value is not None:
            merged[key] = value
    return merged


def unite(items: Iterable[Json]) -> list[Json]:
    """Every different item once, in the order of canonical JSON."""
    return [item for _, item in sorted({content_bytes(item): item for item in items}.items())]


def objects(value: Json) -> list[dict[str, Json]]:
    """The objects in a list; whatever is not a list of objects has none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inside(value: Json, *path: str) -> Json:
    """What lies under a path of keys, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value
