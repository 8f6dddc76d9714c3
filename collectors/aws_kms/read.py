"""Reads entries of KMS collections: one key from the answers about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime

from collectors.aws.content import content, listed, problem_of
from collectors.aws.policies import allows_anyone, document, principals
from collectors.aws_kms.rotation import SYMMETRIC, rotates
from collectors.aws_kms.schemas import KEY
from collectors.items import SeenItem, items_of
from compliance.canonical import Json, format_time
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading, Unseen

Fields = Mapping[str, Callable[[Mapping[str, Json]], Json]]
TAGS = {"data_class": "data-class", "owner": "owner"}
METADATA_TEXTS = {"manager": "KeyManager", "state": "KeyState", "spec": "KeySpec", "origin": "Origin"}
NO_ROTATION: Mapping[str, Json] = {
    "rotation_supported": False, "rotation_enabled": None, "rotation_period_days": None,
}  # fmt: skip
"""What is known of a key to which automatic rotation does not apply."""


class KmsReader:
    """Reads ``aws-kms/1``."""

    kinds: tuple[str, ...] = ("aws-kms/1",)
    schemas: tuple[FactSchema, ...] = (KEY,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        for seen in items_of(opened):
            if not seen.repeated:
                yield from _item(seen)


READER = KmsReader()


def _item(seen: SeenItem) -> Iterator[Reading]:
    match seen.operation:
        case "ListKeys":
            yield from _listed(seen)
        case "DescribeKey":
            yield _described(seen)
        case "GetKeyRotationStatus":
            yield _rotation(seen)
        case "GetKeyPolicy":
            yield _read(seen, "policy", POLICY)
        case "ListResourceTags":
            yield _tags(seen)
        case "ListAliases":
            yield _read(seen, "aliases", {"aliases": _aliases})
        case _:
            pass


def _fragment(seen: SeenItem, part: str, value: Mapping[str, Json], unseen: Mapping[str, Unseen]) -> Fragment:
    return Fragment(
        "kms_key", seen.resource, seen.item.scope, part, value, seen.instant, seen.evidence, unseen
    )


def _read(seen: SeenItem, part: str, fields: Fields) -> Fragment:
    """A fragment of one answer about one key: every field of it is either seen or unseen."""
    problem = problem_of(seen.item.status, seen.body)
    if problem:
        return _fragment(seen, part, {}, dict.fromkeys(fields, problem.unseen(seen.action)))
    said, value, unseen = content(seen.body), {}, {}
    for name, reading in fields.items():
        try:
            value[name] = reading(said)
        except (InputRefused, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            unseen[name] = Unseen(
                "unreadable", f"{seen.action} states {name} in a form that cannot be read: {error}"
            )
    return _fragment(seen, part, value, unseen)


def _listed(seen: SeenItem) -> Iterator[Reading]:
    if problem_of(seen.item.status, seen.body):
        return
    for key in listed(content(seen.body).get("Keys"), "Keys"):
        try:
            arn, key_id = str(key["KeyArn"]), str(key["KeyId"])
            _, _, _, region, account, _ = arn.split(":", 5)
        except (KeyError, TypeError, ValueError):
            yield Defect(seen.evidence, f"unreadable: a key in {seen.action} has no id or no ARN")
            continue
        value = {"key_id": key_id, "account": account, "region": region}
        yield Fragment("kms_key", arn, seen.item.scope, "listed", value, seen.instant, seen.evidence)


# --- the description ---------------------------------------------------------------------------


def _described(seen: SeenItem) -> Fragment:
    fragment = _read(seen, "described", DESCRIBED)
    if fragment.value.get("rotation_supported") is False:
        return _fragment(seen, "described", {**fragment.value, **NO_ROTATION}, fragment.unseen)
    return fragment


def _metadata_text(key: str) -> Callable[[Mapping[str, Json]], Json]:
    def reading(said: Mapping[str, Json]) -> Json:
        text = said["KeyMetadata"][key]
        if not isinstance(text, str):
            raise InputRefused(f"{key} is {text!r}")
        return text

    return reading


def _usage(said: Mapping[str, Json]) -> Json:
    """The usage; a symmetric encryption key has only one, should it not be stated (API reference, KeyUsage)."""
    if said["KeyMetadata"].get("KeyUsage") is None and said["KeyMetadata"]["KeySpec"] == SYMMETRIC:
        return "ENCRYPT_DECRYPT"
    return _metadata_text("KeyUsage")(said)


def _seconds(number: float) -> str:
    """The JSON protocol states times as seconds since 1970; microseconds are kept."""
    return format_time(datetime.fromtimestamp(round(number, 6), UTC))


def _deletion(said: Mapping[str, Json]) -> Json:
    when = said["KeyMetadata"].get("DeletionDate")
    return None if when is None else _seconds(when)


def _rotation_supported(said: Mapping[str, Json]) -> Json:
    found = rotates(said)
    if found is None:
        raise InputRefused("KeySpec or Origin is missing")
    return found


DESCRIBED: Fields = {
    **{name: _metadata_text(key) for name, key in METADATA_TEXTS.items()},
    "usage": _usage,
    "created": lambda said: _seconds(said["KeyMetadata"]["CreationDate"]),
    "deletion_date": _deletion,
    "rotation_supported": _rotation_supported,
}


# --- rotation, policy, tags, aliases -----------------------------------------------------------


def _rotation(seen: SeenItem) -> Fragment:
    problem = problem_of(seen.item.status, seen.body)
    if problem and problem.kind == "unsupported":
        return _fragment(seen, "rotation", NO_ROTATION, {})
    return _read(seen, "rotation", ROTATION)


def _rotation_enabled(said: Mapping[str, Json]) -> Json:
    if not isinstance(said["KeyRotationEnabled"], bool):
        raise InputRefused("KeyRotationEnabled is neither true nor false")
    return said["KeyRotationEnabled"]


def _rotation_period(said: Mapping[str, Json]) -> Json:
    """The period that is stated. KMS states none where there is no rotation, or only its yearly default."""
    days = said.get("RotationPeriodInDays")
    return int(days) if said["KeyRotationEnabled"] is True and days is not None else None


ROTATION: Fields = {"rotation_enabled": _rotation_enabled, "rotation_period_days": _rotation_period}
POLICY: Fields = {
    "policy_allows_anyone": lambda said: allows_anyone(document(said["Policy"])),
    "policy_principals": lambda said: principals(document(said["Policy"])),
}


def _tags(seen: SeenItem) -> Fragment:
    """The tags that facts carry. On one page of several, a tag that is not there may be on another."""
    fragment = _read(seen, "tags", {name: _tag(key) for name, key in TAGS.items()})
    if fragment.unseen or not content(seen.body).get("Truncated"):
        return fragment
    missing = Unseen("incomplete", f"{seen.action} was cut short")
    value = {name: found for name, found in fragment.value.items() if found is not None}
    return _fragment(seen, "tags", value, {name: missing for name in TAGS if name not in value})


def _tag(key: str) -> Callable[[Mapping[str, Json]], Json]:
    def reading(said: Mapping[str, Json]) -> Json:
        found = [tag["TagValue"] for tag in listed(said["Tags"], "Tags") if tag["TagKey"] == key]
        return str(found[0]) if found else None

    return reading


def _aliases(said: Mapping[str, Json]) -> Json:
    if said.get("Truncated"):
        raise InputRefused("the list was cut short")
    return sorted(str(alias["AliasName"]) for alias in listed(said["Aliases"], "Aliases"))
