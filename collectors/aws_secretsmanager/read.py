"""Reads entries of Secrets Manager collections: one secret from the answers about it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from collectors.aws.content import content, problem_of
from collectors.aws.policies import allows_anyone, document, principals
from collectors.aws_secretsmanager.schemas import SECRET
from collectors.fields import fragment, hidden, members, text, text_or_none, whole
from collectors.items import SeenItem, items_of
from compliance.canonical import Json, format_time
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading

FACT = "secret"
Said = Mapping[str, Json]


class SecretsManagerReader:
    """Reads ``aws-secretsmanager/1``."""

    kinds: tuple[str, ...] = ("aws-secretsmanager/1",)
    schemas: tuple[FactSchema, ...] = (SECRET,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says."""
        for seen in items_of(opened):
            if seen.operation == "ListSecrets":
                yield from _listed(seen)
            elif seen.operation in PARTS:
                yield _about(seen, PARTS[seen.operation])


READER = SecretsManagerReader()


def _listed(seen: SeenItem) -> Iterator[Reading]:
    if seen.repeated or problem_of(seen.item.status, seen.body):
        return
    for secret in members(content(seen.body).get("SecretList"), "SecretList"):
        arn = secret.get("ARN")
        if not isinstance(arn, str) or arn.count(":") < 6:  # noqa: PLR2004 (the parts of an ARN)
            yield Defect(seen.evidence, f"unreadable: a secret in {seen.action} has no ARN")
            continue
        _, _, _, region, account, *_ = arn.split(":")
        fields = {
            "region": partial(str, region),
            "account": partial(str, account),
            "name": partial(_name, secret),
        }
        yield fragment(seen, FACT, arn, "listed", fields)


def _name(said: Said) -> str:
    return text(said.get("Name"))


def _about(seen: SeenItem, readings: Mapping[str, Callable[[Said], Json]]) -> Fragment:
    problem = problem_of(seen.item.status, seen.body)
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


def _time(name: str) -> Callable[[Said], Json]:
    """The JSON protocol states times as seconds since 1970."""

    def reading(said: Said) -> Json:
        when = said.get(name)
        return None if when is None else format_time(datetime.fromtimestamp(round(when, 6), UTC))

    return reading


def _created(said: Said) -> Json:
    return format_time(datetime.fromtimestamp(round(said["CreatedDate"], 6), UTC))


def _days(said: Said) -> Json:
    days = (said.get("RotationRules") or {}).get("AutomaticallyAfterDays")
    return None if days is None else whole(days)


def _tag(key: str) -> Callable[[Said], Json]:
    return lambda said: next(
        (text(tag["Value"]) for tag in members(said.get("Tags"), "Tags") if tag["Key"] == key), None
    )


def _policy(read: Callable[[Mapping[str, Json]], Json], without: Json) -> Callable[[Said], Json]:
    """A secret without a policy says nothing of one."""
    return lambda said: read(document(said["ResourcePolicy"])) if said.get("ResourcePolicy") else without


PARTS: Mapping[str, Mapping[str, Callable[[Said], Json]]] = {
    "DescribeSecret": {
        "created": _created,
        "rotation_enabled": lambda said: said.get("RotationEnabled") is True,
        "rotation_days": _days,
        "last_rotated": _time("LastRotatedDate"),
        "next_rotation": _time("NextRotationDate"),
        "last_changed": _time("LastChangedDate"),
        "last_accessed": _time("LastAccessedDate"),
        "kms_key_id": lambda said: text_or_none(said.get("KmsKeyId")),
        "deleted_at": _time("DeletedDate"),
        "replica_regions": lambda said: sorted(
            text(one["Region"]) for one in members(said.get("ReplicationStatus"), "ReplicationStatus")
        ),
        "data_class": _tag("data-class"),
        "owner": _tag("owner"),
    },
    "GetResourcePolicy": {
        "policy_allows_anyone": _policy(allows_anyone, without=False),
        "policy_principals": _policy(principals, without=[]),
    },
}


def shown_by(action: str) -> tuple[str, ...]:
    """What stays unseen where a call is denied: the fields that it shows, else the fact itself."""
    return tuple(f"{FACT}.{name}" for name in PARTS.get(action.partition(":")[2], ())) or (FACT,)
