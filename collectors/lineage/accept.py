"""What an OpenLineage event must look like to be taken, and what may be wrong with it. Pure.

Published events often break the schema (openlineage.io/spec 1-x and 2-0-2): what a run, job or
dataset and its time can be read from is taken, and each defect is named (CONTRACT section 3).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal

from collectors.lineage.sql_texts import sql_texts
from collectors.pushed import fields
from collectors.pushed.accepting import DatasetName, Form
from collectors.pushed.spans import Path, pointer
from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused

EventKind = Literal["run", "job", "dataset"]
EVENT_TYPES = ("START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER")
FACETS_NAMED_AT_MOST = 5


def kind_of(event: Json) -> EventKind:
    """Whether it is a RunEvent, JobEvent or DatasetEvent. Raises InputRefused where it is none."""
    schema = event.get("schemaURL")
    stated = schema.rpartition("/")[2] if isinstance(schema, str) else ""
    if stated == "RunEvent" or event.get("run") is not None or event.get("eventType") is not None:
        return "run"
    if stated == "DatasetEvent" or event.get("dataset") is not None:
        return "dataset"
    if event.get("job") is not None:
        return "job"
    raise InputRefused("The event has neither run, job nor dataset.", field="/run")


def check(event: Json) -> tuple[str, ...]:
    """Raises InputRefused without run id, job, dataset or event time; what else is wrong is a defect."""
    kind = kind_of(event)
    if kind == "run":
        fields.text(event, "run", "runId")
    if kind == "dataset":
        fields.dataset(event, "dataset")
    else:
        fields.dataset(event, "job")
    time(event)
    list(_named_in_lists(event))
    holders = list(_facet_holders(event))
    return (*_event_defects(event, kind), *_facet_defects(event, holders))


def time(event: Json) -> datetime | None:
    """The event time, read as UTC where it has no zone."""
    if event.get("eventTime") is None:
        raise InputRefused("/eventTime is missing; expected an RFC 3339 time.", field="/eventTime")
    return parse_time(event["eventTime"], field="/eventTime", assume_utc=True)


def _event_defects(event: Json, kind: EventKind) -> Iterator[str]:
    for name in ("producer", "schemaURL"):
        if not isinstance(event.get(name), str):
            yield f"{name} is missing"
    if not _has_zone(event["eventTime"]):
        yield "eventTime has no zone; it is read as UTC"
    if kind == "run":
        if event.get("eventType") not in EVENT_TYPES:
            yield "eventType is missing or none of " + ", ".join(EVENT_TYPES)
        if not _is_uuid(event["run"]["runId"]):
            yield "run.runId is no UUID"


def _has_zone(text: str) -> bool:
    return datetime.fromisoformat(text.strip().upper()).tzinfo is not None


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


# --- datasets ----------------------------------------------------------------------------------


def _named_in_lists(event: Json) -> Iterator[DatasetName]:
    for side in ("inputs", "outputs"):
        if event.get(side) is None:
            continue
        for number in fields.each(event, fields.mapping, side):
            yield fields.dataset(event, side, number)


def datasets(event: Json) -> Iterator[DatasetName]:
    """Every dataset that the event speaks of: inputs, outputs, and those that its facets name."""
    yield from _named_in_lists(event)
    if event.get("dataset") is not None:
        yield fields.dataset(event, "dataset")
    for path in _facet_holders(event):
        facets = fields.member(event, (*path, "facets"))
        for name in ("columnLineage", "lineage", "symlinks"):
            yield from _named_within(facets.get(name))


def _named_within(value: Json) -> Iterator[DatasetName]:
    """Every pair of namespace and name inside a facet."""
    stack = [value]
    while stack:
        inner = stack.pop()
        if isinstance(inner, Mapping):
            namespace, name = inner.get("namespace"), inner.get("name")
            if isinstance(namespace, str) and isinstance(name, str):
                yield namespace, name
            stack.extend(inner.values())
        elif isinstance(inner, list):
            stack.extend(inner)


# --- facets ------------------------------------------------------------------------------------


def _facet_holders(event: Json) -> Iterator[Path]:
    """Where facets hang: run, job, dataset, each input and output. Raises InputRefused for a wrong shape."""
    places: list[Path] = [(name,) for name in ("run", "job", "dataset") if event.get(name) is not None]
    for side in ("inputs", "outputs"):
        places += [(side, number) for number in range(len(event.get(side) or ()))]
    for place in places:
        holder = fields.mapping(event, *place)
        for name in ("facets", "inputFacets", "outputFacets"):
            if holder.get(name) is not None:
                fields.mapping(event, *place, name)
        if holder.get("facets") is not None:
            yield place


def _facet_defects(event: Json, holders: list[Path]) -> Iterator[str]:
    wrong: dict[str, list[str]] = {}
    for place in holders:
        for name, facet in fields.member(event, (*place, "facets")).items():
            for what in _wrong_with(facet):
                wrong.setdefault(what, []).append(pointer((*place, "facets", name)))
    for what, places in wrong.items():
        named = ", ".join(places[:FACETS_NAMED_AT_MOST])
        more = len(places) - FACETS_NAMED_AT_MOST
        yield f"{named} {what}" if more <= 0 else f"{named} and {more} more facets {what}"


def _wrong_with(facet: Json) -> Iterator[str]:
    if facet is None:
        return
    if not isinstance(facet, Mapping):
        yield "is no object"
        return
    for name in ("_producer", "_schemaURL"):
        if name not in facet:
            yield f"lacks {name}"


FORM = Form(kind="lineage/1", check=check, time=time, sql=sql_texts, datasets=datasets)
