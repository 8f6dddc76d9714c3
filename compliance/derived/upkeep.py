"""Each system with what the log platform and the back-up tool say of it.

Pure. A system without an entry has no logs at the platform, or no back-up, as far as those listings were whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.derived.joining import Looked, derived, look, need, of_facts
from compliance.derived.listed import ABOUT_SYSTEM, about, grouped, hidden_among, systems
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

SYSTEM_LOGGING = FactSchema(
    "system_logging",
    "A system with all its streams of audit logs at the central log platform, taken together.",
    (
        *ABOUT_SYSTEM,
        Field("streams", "int", "Streams that the platform has of it."),
        Field("event_types", "strings", "Kinds of event that arrived in the last day, over all streams, sorted."),
        Field("fields", "strings", "Fields that every event of every stream carried, sorted."),
        Field("last_event_at", "time", "The oldest of the streams' last arrivals; absent if one is silent.", optional=True),
        Field("delay_seconds", "int", "Longest delay between event and arrival.", optional=True),
        Field("clock_offset_ms", "int", "Largest clock difference of its hosts.", optional=True),
        Field("time_named", "bool", "Whether every stream names where its hosts take their time from.", optional=True),
        Field("retention_days", "int", "Shortest retention.", optional=True),
        Field("hot_days", "int", "Shortest time for which logs can be searched at once.", optional=True),
        Field("locked", "bool", "Whether no stream can be changed or deleted before that.", optional=True),
        Field("readers", "int", "Most people who may read one of them.", optional=True),
        Field("detections", "int", "Fewest detection rules that run on one of them.", optional=True),
        Field("last_test_detected_at", "time", "The oldest of the last detections of a planted anomaly.", optional=True),
        Field("personal_in_clear", "bool", "Whether raw identifiers of people were found in one.", optional=True),
    ),
    inputs=("asset", "log_source"),
)  # fmt: skip
SYSTEM_BACKUP = FactSchema(
    "system_backup",
    "A system with what the back-up tool reports of it.",
    (
        *ABOUT_SYSTEM,
        Field("found", "bool", "Whether the back-up tool knows it."),
        Field("last_success", "time", "End of the last good back-up.", optional=True),
        Field("interval_hours", "int", "Hours between two by plan.", optional=True),
        Field("encrypted", "bool", "Whether copies are encrypted.", optional=True),
        Field("immutable", "bool", "Whether copies cannot be changed or deleted before their time.", optional=True),
        Field("offsite", "bool", "Whether a copy lies in another permitted region or site.", optional=True),
        Field("jobs", "int", "Jobs in the last 30 days.", optional=True),
        Field("failures", "int", "Of these, failed.", optional=True),
        Field("restored", "time", "When restoring was last tried.", optional=True),
        Field("restore_passed", "bool", "Whether that gave back whole and readable data.", optional=True),
        Field("erasures_reapplied", "bool", "Whether the deletion log was applied again afterwards.", optional=True),
    ),
    inputs=("asset", "backup"),
)  # fmt: skip
_OF_BACKUP = tuple(field.name for field in SYSTEM_BACKUP.fields[len(ABOUT_SYSTEM) + 1 :])
_OF_STREAMS = tuple(field.name for field in SYSTEM_LOGGING.fields[len(ABOUT_SYSTEM) + 3 :])


def system_loggings(base: FactBase) -> Iterator[Fact]:
    """Every system that is not disposed of."""
    streams = grouped(base.facts("log_source"), "system")
    hidden = hidden_among(base, "log_source", streams)
    for asset in systems(base):
        mine = streams.get(asset.resource, [])
        told = _streams(mine) if hidden is None else _nothing(SYSTEM_LOGGING, hidden)
        yield derived(SYSTEM_LOGGING, asset.resource, about(asset) | told, of_facts(asset, *mine))


def system_backups(base: FactBase) -> Iterator[Fact]:
    """Every system that is not disposed of; of several entries the one that restores least is told."""
    entries = grouped(base.facts("backup"), "system")
    hidden = hidden_among(base, "backup", entries)
    for asset in systems(base):
        mine = entries.get(asset.resource, [])
        told: dict[str, Looked]
        if hidden is not None:
            told = _nothing(SYSTEM_BACKUP, hidden)
        elif not mine:
            told = {"found": False} | dict.fromkeys(_OF_BACKUP)
        else:
            told = {"found": True} | {name: look(_least(mine), name) for name in _OF_BACKUP}
        yield derived(SYSTEM_BACKUP, asset.resource, about(asset) | told, of_facts(asset, *mine))


def _nothing(schema: FactSchema, hidden: Unseen) -> dict[str, Looked]:
    return {field.name: hidden for field in schema.fields[len(ABOUT_SYSTEM) :]}


def _least(entries: Sequence[Fact]) -> Fact:
    """The entry whose last good back-up is the oldest; one without any, or that hides it, comes first."""
    return min(entries, key=lambda entry: (str(entry.value.get("last_success") or ""), entry.resource))


def _streams(mine: Sequence[Fact]) -> dict[str, Looked]:
    told: dict[str, Looked] = {"streams": len(mine)}
    if not mine:
        return told | {"event_types": [], "fields": []} | dict.fromkeys(_OF_STREAMS)
    told["event_types"] = _all(mine, "event_types", set.union)
    told["fields"] = _all(mine, "fields", set.intersection)
    for name in ("last_event_at", "retention_days", "hot_days", "detections", "last_test_detected_at"):
        told[name] = _worst(mine, name, least=True)
    for name in ("delay_seconds", "clock_offset_ms", "readers"):
        told[name] = _worst(mine, name, least=False)
    sources = [look(one, "time_source") for one in mine]
    told["time_named"] = _hidden(sources) or all(sources)
    told["locked"] = _worst(mine, "locked", least=True)
    told["personal_in_clear"] = _worst(mine, "personal_in_clear", least=False)
    return told


def _hidden(looked: Sequence[Looked]) -> Unseen | None:
    return next((one for one in looked if isinstance(one, Unseen)), None)


def _all(mine: Sequence[Fact], name: str, join: object) -> Looked:
    lists = [need(one, name) for one in mine]
    hidden = _hidden(lists)
    if hidden is not None:
        return hidden
    sets = [set(map(str, one)) for one in lists if not isinstance(one, Unseen)]
    return sorted(set.union(*sets) if join is set.union else set.intersection(*sets))


def _worst(mine: Sequence[Fact], name: str, *, least: bool) -> Looked:
    """The least (or greatest) value over the streams; absent as soon as one stream has none."""
    values = [look(one, name) for one in mine]
    hidden = _hidden(values)
    if hidden is not None:
        return hidden
    if any(value is None for value in values):
        return None
    return min(values, key=_order) if least else max(values, key=_order)


def _order(value: Looked) -> tuple[float, str]:
    return (float(value), "") if isinstance(value, (bool, int, float)) else (0.0, str(value))
