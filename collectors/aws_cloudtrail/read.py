"""Reads entries of CloudTrail collections: one trail from the answers about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from collectors.aws.content import content, problem_of
from collectors.aws_cloudtrail.schemas import TRAIL
from collectors.fields import flag, fragment, hidden, members, text, text_or_none
from collectors.items import SeenItem, items_of
from compliance.canonical import Json, format_time
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading

FACT = "cloudtrail_trail"
EVERY = "*"
Said = Mapping[str, Json]


class CloudTrailReader:
    """Reads ``aws-cloudtrail/1``."""

    kinds: tuple[str, ...] = ("aws-cloudtrail/1",)
    schemas: tuple[FactSchema, ...] = (TRAIL,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        for seen in items_of(opened):
            if seen.operation == "ListTrails":
                yield from _listed(seen)
            elif seen.operation in PARTS:
                yield _about(seen, PARTS[seen.operation])


READER = CloudTrailReader()


def _listed(seen: SeenItem) -> Iterator[Reading]:
    if seen.repeated or problem_of(seen.item.status, seen.body):
        return
    for trail in members(content(seen.body).get("Trails"), "Trails"):
        arn = trail.get("TrailARN")
        if not isinstance(arn, str):
            yield Defect(seen.evidence, f"unreadable: a trail in {seen.action} has no ARN")
            continue
        fields = {
            "name": partial(_of, trail, "Name"),
            "account": partial(_account, arn),
            "home_region": partial(_of, trail, "HomeRegion"),
        }
        yield fragment(seen, FACT, arn, "listed", fields)


def _of(said: Said, name: str) -> str:
    return text(said.get(name))


def _account(arn: str) -> str:
    return arn.split(":")[4]


Readings = Mapping[str, Callable[[Said], Json]]


def _about(seen: SeenItem, readings: Readings) -> Fragment:
    problem = problem_of(seen.item.status, seen.body)
    if problem and problem.code == "InsightNotEnabledException":
        return fragment(seen, FACT, seen.resource, seen.operation, {"insights": lambda: False})
    if problem:
        return hidden(seen, FACT, seen.resource, seen.operation, readings, problem.unseen(seen.action))
    said = content(seen.body)
    return fragment(
        seen,
        FACT,
        seen.resource,
        seen.operation,
        {name: partial(read, said) for name, read in readings.items()},
    )


def _trail(read: Callable[[Json], Json], name: str) -> Callable[[Said], Json]:
    return lambda said: read(said["Trail"].get(name))


def _time(name: str) -> Callable[[Said], Json]:
    """The JSON protocol states times as seconds since 1970."""

    def reading(said: Said) -> Json:
        when = said.get(name)
        return None if when is None else format_time(datetime.fromtimestamp(round(when, 6), UTC))

    return reading


# --- selectors: the basic ones and the advanced ones (CloudTrail API reference, GetEventSelectors) ---


def _management(said: Said) -> str:
    written: set[str] = set()
    for basic in members(said.get("EventSelectors")):
        if basic.get("IncludeManagementEvents", True):
            written |= _read_or_write(basic.get("ReadWriteType", "All"))
    for advanced in members(said.get("AdvancedEventSelectors")):
        fields = _conditions(advanced)
        if fields.get("eventCategory", {}).get("Equals") == ["Management"]:
            only = fields.get("readOnly", {}).get("Equals")
            written |= _read_or_write(
                {"['true']": "ReadOnly", "['false']": "WriteOnly"}.get(str(only), "All")
            )
    _stated(said)
    return "all" if len(written) > 1 else next(iter(written), "none")


def _read_or_write(stated: Json) -> set[str]:
    found = {"All": {"read", "write"}, "ReadOnly": {"read"}, "WriteOnly": {"write"}}.get(str(stated))
    if found is None:
        raise InputRefused(f"ReadWriteType is {stated!r}")
    return found


def _stated(said: Said) -> None:
    if not isinstance(said.get("EventSelectors") or said.get("AdvancedEventSelectors") or [], list):
        raise InputRefused("the selectors are no list")
    if "EventSelectors" not in said and "AdvancedEventSelectors" not in said:
        raise InputRefused("no selectors are stated")


def _conditions(advanced: Said) -> dict[str, dict[str, Json]]:
    return {str(one["Field"]): one for one in members(advanced.get("FieldSelectors"))}


def _data(said: Said) -> set[tuple[str, str]]:
    """Type and ARN prefix of each resource whose data events are recorded."""
    _stated(said)
    found: set[tuple[str, str]] = set()
    for basic in members(said.get("EventSelectors")):
        for resource in members(basic.get("DataResources")):
            found |= {(text(resource["Type"]), prefix) for prefix in resource.get("Values") or ()}
    for advanced in members(said.get("AdvancedEventSelectors")):
        fields = _conditions(advanced)
        if fields.get("eventCategory", {}).get("Equals") == ["Data"]:
            arns = fields.get("resources.ARN", {})
            prefixes = [*(arns.get("StartsWith") or ()), *(arns.get("Equals") or ())] or [EVERY]
            for type_ in fields["resources.type"]["Equals"]:
                found |= {(text(type_), text(prefix)) for prefix in prefixes}
    return found


def _data_resources(said: Said) -> list[str]:
    """``arn:aws:s3`` and ``arn:aws:lambda`` alone stand for every resource of their type."""
    return sorted(
        {
            f"{type_}:{EVERY}" if prefix == EVERY or prefix.strip(":").count(":") < 3 else prefix  # noqa: PLR2004 (no resource in it)
            for type_, prefix in _data(said)
        }
    )


PARTS: Mapping[str, Readings] = {
    "GetTrail": {
        "multi_region": _trail(flag, "IsMultiRegionTrail"),
        "organization": _trail(lambda value: flag(value or False), "IsOrganizationTrail"),
        "global_events": _trail(flag, "IncludeGlobalServiceEvents"),
        "log_file_validation": _trail(flag, "LogFileValidationEnabled"),
        "bucket": _trail(text, "S3BucketName"),
        "kms_key_id": _trail(text_or_none, "KmsKeyId"),
        "cloudwatch_log_group": _trail(text_or_none, "CloudWatchLogsLogGroupArn"),
    },
    "GetTrailStatus": {
        "logging": lambda said: flag(said.get("IsLogging")),
        "latest_delivery_at": _time("LatestDeliveryTime"),
        "latest_delivery_error": lambda said: text_or_none(said.get("LatestDeliveryError")),
        "latest_digest_at": _time("LatestDigestDeliveryTime"),
    },
    "GetEventSelectors": {
        "management_events": _management,
        "data_event_types": lambda said: sorted({type_ for type_, _ in _data(said)}),
        "data_event_resources": _data_resources,
    },
    "GetInsightSelectors": {"insights": lambda said: bool(members(said.get("InsightSelectors")))},
}


def shown_by(action: str) -> tuple[str, ...]:
    """What stays unseen where a call is denied: the fields that it shows, else the fact itself."""
    return tuple(f"{FACT}.{name}" for name in PARTS.get(action.partition(":")[2], ())) or (FACT,)
