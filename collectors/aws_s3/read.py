"""Reads entries of S3 collections: one bucket from the answers about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from collectors.aws.content import problem_of
from collectors.aws.policies import allows_anyone, denies_without_tls, principals
from collectors.aws_s3.content import TEXT, content, every, one
from collectors.aws_s3.schemas import BUCKET
from collectors.fields import Fields, flag, fragment, hidden, text_or_none, time
from collectors.items import SeenItem, items_of
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading, Unseen

FACT = "s3_bucket"
HOME_REGION = "us-east-1"
DAYS_OF_A_YEAR = 365
TAGS = {"data_class": "data-class", "owner": "owner", "environment": "environment", "zone": "zone"}
BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
Said = Mapping[str, Json]


class S3Reader:
    """Reads ``aws-s3/1``."""

    kinds: tuple[str, ...] = ("aws-s3/1",)
    schemas: tuple[FactSchema, ...] = (BUCKET,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says. Where copies go is read beside the rules that send them."""
        items = list(items_of(opened))
        places = [seen for seen in items if seen.item.request.get("moment") == "destination"]
        for seen in items:
            if seen.operation == "ListBuckets":
                yield from _listed(seen)
            elif seen not in places and seen.operation in PARTS:
                yield _about(seen)
            elif seen.operation == "GetBucketReplication":
                yield _replication(seen, [place for place in places if place.resource == seen.resource])


READER = S3Reader()


def location_of(said: Said) -> str:
    """The region that GetBucketLocation states: nothing is us-east-1, EU is eu-west-1 (S3 API reference)."""
    if TEXT not in said:
        raise InputRefused("no LocationConstraint")
    stated = str(one(said, TEXT) or HOME_REGION)
    return "eu-west-1" if stated == "EU" else stated


def _listed(seen: SeenItem) -> Iterator[Reading]:
    if seen.repeated or problem_of(seen.item.status, seen.body, content):
        return
    for bucket in every(one(content(seen.body), "Buckets"), "Bucket"):
        name = one(bucket, "Name")
        if not isinstance(name, str) or not name:
            yield Defect(seen.evidence, f"unreadable: a bucket in {seen.action} has no name")
            continue
        fields: Fields = {
            "name": partial(str, name),
            "account": partial(str, seen.item.scope),
            "created": partial(_created, bucket),
        }
        partition = seen.item.caller.split(":")[1] if seen.item.caller.startswith("arn:") else "aws"
        yield fragment(seen, FACT, f"arn:{partition}:s3:::{name}", "listed", fields)


def _created(bucket: Json) -> Json:
    return time(one(bucket, "CreationDate"))


def _about(seen: SeenItem) -> Fragment:
    absent_code, readings = PARTS[seen.operation]
    problem = problem_of(seen.item.status, seen.body, content)
    if problem and problem.code and problem.code == absent_code:
        said: Said = {}
    elif problem:
        return hidden(seen, FACT, seen.resource, seen.operation, readings, problem.unseen(seen.action))
    else:
        said = content(seen.body)
    return fragment(
        seen, FACT, seen.resource, seen.operation, {n: partial(r, said) for n, r in readings.items()}
    )


# --- the readings: an empty ``said`` is a bucket known to have no such configuration ---------------


def _encryption(*path: str) -> Callable[[Said], Json]:
    default = ("Rule", "ApplyServerSideEncryptionByDefault")
    return lambda said: text_or_none(one(said, *default, *path))


def _lock(said: Said) -> Json:
    return one(said, "ObjectLockEnabled") == "Enabled"


def _lock_days(said: Said) -> Json:
    retention = one(said, "Rule", "DefaultRetention")
    days, years = one(retention, "Days"), one(retention, "Years")
    if days is None and years is None:
        return None
    return int(days or 0) + int(years or 0) * DAYS_OF_A_YEAR


def _blocked(said: Said) -> Json:
    return all(one(said, block) == "true" for block in BLOCKS)


def _versioning(said: Said) -> Json:
    return text_or_none(one(said, "Status")) or "Off"


def _expires(*path: str) -> Callable[[Said], Json]:
    def reading(said: Said) -> Json:
        rules = [rule for rule in every(said, "Rule") if one(rule, "Status") == "Enabled"]
        days = [int(found) for rule in rules if (found := one(rule, *path)) is not None]
        return min(days, default=None)

    return reading


def _tag(key: str) -> Callable[[Said], Json]:
    def reading(said: Said) -> Json:
        tags = every(one(said, "TagSet"), "Tag")
        return next((str(one(tag, "Value")) for tag in tags if one(tag, "Key") == key), None)

    return reading


PARTS: Mapping[str, tuple[str, Mapping[str, Callable[[Said], Json]]]] = {
    "GetBucketLocation": ("", {"region": location_of}),
    "GetBucketEncryption": (
        "ServerSideEncryptionConfigurationNotFoundError",
        {"encryption": _encryption("SSEAlgorithm"), "kms_key_id": _encryption("KMSMasterKeyID")},
    ),
    "GetBucketVersioning": (
        "", {"versioning": _versioning, "mfa_delete": lambda said: one(said, "MfaDelete") == "Enabled"},
    ),
    "GetObjectLockConfiguration": (
        "ObjectLockConfigurationNotFoundError",
        {
            "object_lock": _lock,
            "object_lock_mode": lambda said: text_or_none(one(said, "Rule", "DefaultRetention", "Mode")),
            "object_lock_days": _lock_days,
        },
    ),
    "GetPublicAccessBlock": ("NoSuchPublicAccessBlockConfiguration", {"public_access_blocked": _blocked}),
    "GetBucketPolicyStatus": (
        "NoSuchBucketPolicy", {"policy_public": lambda said: bool(said) and _true(one(said, "IsPublic"))},
    ),
    "GetBucketPolicy": (
        "NoSuchBucketPolicy",
        {"policy_allows_anyone": allows_anyone, "policy_principals": principals, "tls_only": denies_without_tls},
    ),
    "GetBucketLogging": (
        "", {"logging_target": lambda said: text_or_none(one(said, "LoggingEnabled", "TargetBucket"))},
    ),
    "GetBucketLifecycleConfiguration": (
        "NoSuchLifecycleConfiguration",
        {
            "lifecycle_expiry_days": _expires("Expiration", "Days"),
            "lifecycle_abort_days": _expires("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
        },
    ),
    "GetBucketTagging": ("NoSuchTagSet", {name: _tag(key) for name, key in TAGS.items()}),
}  # fmt: skip
"""Each operation, the error code by which S3 says that there is no such configuration, and the fields."""
ASKED_OF_EACH: tuple[str, ...] = (
    *(name for name in PARTS if name != "GetBucketLocation"),
    "GetBucketReplication",
)


def shown_by(action: str) -> tuple[str, ...]:
    """What stays unseen where a call is denied: the fields that it shows, else the fact itself."""
    operation = action.partition(":")[2]
    names = ("replication_destinations", "replication_regions") if operation == "GetBucketReplication" else ()
    return tuple(f"{FACT}.{name}" for name in (*PARTS.get(operation, ("", {}))[1], *names)) or (FACT,)


def _true(value: Json) -> bool:
    if value not in ("true", "false", "TRUE", "FALSE"):
        raise InputRefused(f"{value!r} is neither true nor false")
    return flag(str(value).lower() == "true")


def _replication(seen: SeenItem, places: list[SeenItem]) -> Fragment:
    part, names = "GetBucketReplication", ("replication_destinations", "replication_regions")
    problem = problem_of(seen.item.status, seen.body, content)
    if problem and problem.code == "ReplicationConfigurationNotFoundError":
        return fragment(seen, FACT, seen.resource, part, dict.fromkeys(names, list))
    if problem:
        return hidden(seen, FACT, seen.resource, part, names, problem.unseen(seen.action))
    said = content(seen.body)
    found = {
        str(one(rule, "Destination", "Bucket"))
        for rule in every(said, "Rule")
        if one(rule, "Status") == "Enabled"
    }
    return fragment(
        seen, FACT, seen.resource, part,
        {"replication_destinations": lambda: sorted(found), "replication_regions": lambda: _regions(found, places)},
    )  # fmt: skip


def _regions(destinations: set[str], places: list[SeenItem]) -> Json | Unseen:
    regions: set[str] = set()
    for arn in destinations:
        place = next((p for p in places if p.parameters.get("Bucket") == arn.rsplit(":", 1)[-1]), None)
        if place is None:
            return Unseen("incomplete", f"s3:GetBucketLocation of {arn} was not asked")
        problem = problem_of(place.item.status, place.body, content)
        if problem:
            return problem.unseen(place.action)
        regions.add(location_of(content(place.body)))
    return sorted(regions)
