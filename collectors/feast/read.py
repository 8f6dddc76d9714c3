"""Reads entries of Feast registry dumps: feature views, which record usage knows too, and services. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from collectors.feast.dump import VIEWS, dump_of
from collectors.feast.schemas import SERVICE, VIEW
from collectors.fields import UNREADABLE, Fields, fragment, members, text, text_or_none, time, time_or_none
from collectors.items import SeenItem, items_of
from compliance.canonical import Json
from compliance.facts import Defect, FactSchema, Opened, Reading, Received

Said = Mapping[str, Json]
DUMMY_ENTITY = "__dummy"
"""Feast's own entity of a view that has none."""


class FeastReader:
    """Reads ``feast/1``. An item is a dump."""

    kinds: tuple[str, ...] = ("feast/1",)
    schemas: tuple[FactSchema, ...] = (SERVICE, VIEW)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact and a record for each feature view, and a fact for each service."""
        for seen in items_of(opened):
            try:
                yield from _dump(opened.entry.source, seen)
            except UNREADABLE as error:
                yield Defect(seen.evidence, f"unreadable: {seen.item.request['file']}: {error}")


READER = FeastReader()


def _dump(source: str, seen: SeenItem) -> Iterator[Reading]:
    said = dump_of(seen.body)
    project: str = said["project"]
    for list_name, kind in VIEWS.items():
        for one in members(said.get(list_name), list_name):
            yield from _view(source, seen, project, kind, one)
    for one in members(said.get("featureServices"), "featureServices"):
        spec = _part(one, "spec")
        if isinstance(spec.get("name"), str):
            yield fragment(
                seen,
                "feature_service",
                f"{project}/{spec['name']}",
                "service",
                _service(project, spec, _part(one, "meta")),
            )
        else:
            yield Defect(seen.evidence, "unreadable: a feature service has no name")


def _part(one: Said, name: str) -> Said:
    found: Any = one.get(name)
    return found if isinstance(found, dict) else {}


def _view(source: str, seen: SeenItem, project: str, kind: str, one: Said) -> Iterator[Reading]:
    spec, meta = _part(one, "spec"), _part(one, "meta")
    if not isinstance(spec.get("name"), str):
        yield Defect(seen.evidence, "unreadable: a feature view has no name")
        return
    name = spec["name"]
    intervals = members(meta.get("materializationIntervals"), "materializationIntervals")
    fields: Fields = {
        **_shared(project, spec, meta),
        "kind": lambda: kind,
        "entities": lambda: sorted(text(e) for e in spec.get("entities") or () if e != DUMMY_ENTITY),
        "features": partial(_features, spec),
        "sources": partial(_sources, spec),
        "online": lambda: spec.get("online") is True or kind == "on-demand",
        "ttl_seconds": partial(_seconds, spec.get("ttl")),
        "materialisations": lambda: len(intervals),
        "materialised_to": lambda: max((time(i.get("endTime")) for i in intervals), default=None),
        "data_class": partial(_tag, spec, "data_class"),
        "key_space": partial(_tag, spec, "key_space"),
    }
    yield fragment(seen, "feature_view", f"{project}/{name}", "view", fields)
    record = {"namespace": project, "name": name, "features": _features(spec)}
    yield Received("feature_view", source, record, seen.instant, seen.evidence)


def _shared(project: str, spec: Said, meta: Said) -> Fields:
    return {
        "project": lambda: project,
        "name": lambda: text(spec.get("name")),
        "created": lambda: time_or_none(meta.get("createdTimestamp")),
        "updated": lambda: time_or_none(meta.get("lastUpdatedTimestamp")),
        "owner": lambda: text_or_none(spec.get("owner")) or _tag(spec, "owner"),
        "purpose": partial(_tag, spec, "purpose"),
    }


def _features(spec: Said) -> list[str]:
    return sorted(text(one.get("name")) for one in members(spec.get("features"), "features"))


def _tag(spec: Said, name: str) -> str | None:
    return text_or_none(_part(spec, "tags").get(name))


def _sources(spec: Said) -> list[str]:
    """The batch and stream source; of a view on demand, the views and requests that it is worked out from."""
    found = {str(_part(spec, name).get("name") or "") for name in ("batchSource", "streamSource")}
    for name, source in _part(spec, "sources").items():
        projection = _part(source, "featureViewProjection") if isinstance(source, dict) else {}
        found.add(str(projection.get("featureViewName") or name))
    return sorted(found - {""})


def _seconds(ttl: Json) -> int | None:
    """A protobuf duration: ``86400s``. None and 0 are no limit."""
    if ttl is None:
        return None
    return int(float(text(ttl).removesuffix("s"))) or None


def _service(project: str, spec: Said, meta: Said) -> Fields:
    projections = members(spec.get("features"), "features")
    return {
        **_shared(project, spec, meta),
        "feature_views": lambda: sorted({text(one.get("featureViewName")) for one in projections}),
        "features": lambda: sorted(
            f"{one['featureViewName']}:{column['name']}"
            for one in projections
            for column in members(one.get("featureColumns"))
        ),
        "logged": lambda: bool(spec.get("loggingConfig")),
        "model": partial(_tag, spec, "model"),
    }
