"""The least AWS rights that configured sources need, as IAM policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collectors.aws.actions import ACTIONS
from compliance.canonical import Json
from compliance.errors import NotFound
from compliance.settings import SourceSettings

CALLER = "caller"


def policies(sources: Iterable[SourceSettings]) -> dict[str, Json]:
    """Policy documents by principal: ``caller``, and the ARN of each role that a source assumes.

    Raises NotFound where no configured source reads AWS.
    """
    statements: dict[str, list[Json]] = {}
    for source in sources:
        if source.kind in ACTIONS or source.bucket:
            statements.setdefault(source.role_arn or CALLER, []).extend(_reading(source))
    if not statements:
        raise NotFound("No configured source reads AWS; there is no right to grant.")
    roles = sorted(set(statements) - {CALLER})
    if roles:
        assume = {"Sid": "AssumeRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": roles}
        statements.setdefault(CALLER, []).append(assume)
    return {
        name: {"Version": "2012-10-17", "Statement": _united(found)}
        for name, found in sorted(statements.items())
    }


def _reading(source: SourceSettings) -> list[Json]:
    if not source.bucket:
        return [_statement(source.kind, ACTIONS[source.kind], "*")]
    arn = f"arn:aws:s3:::{source.bucket}"
    listing: dict[str, Json] = _statement(f"list-{source.bucket}", ["s3:ListBucket"], arn)
    if source.prefix:
        listing["Condition"] = {"StringLike": {"s3:prefix": [f"{source.prefix}*"]}}
    return [listing, _statement(f"read-{source.bucket}", ["s3:GetObject"], f"{arn}/{source.prefix}*")]


def _statement(name: str, actions: Iterable[str], resource: str) -> dict[str, Json]:
    """A Sid has letters and digits only (IAM User Guide)."""
    sid = "".join(part.capitalize() for part in "".join(c if c.isalnum() else " " for c in name).split())
    return {"Sid": sid, "Effect": "Allow", "Action": sorted(actions), "Resource": resource}


def _united(statements: list[Json]) -> list[Json]:
    """Each statement once: two sources of a kind need the same rights."""
    found: list[Json] = []
    for statement in statements:
        if statement not in found:
            found.append(_renamed(statement, {str(one["Sid"]) for one in found}))
    return found


def _renamed(statement: Mapping[str, Json], taken: set[str]) -> Json:
    sid, number = str(statement["Sid"]), 1
    while (sid if number == 1 else f"{sid}{number}") in taken:
        number += 1
    return {**statement, "Sid": sid if number == 1 else f"{sid}{number}"}
