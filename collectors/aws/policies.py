"""What an AWS policy document grants: administration, and to whom.

Pure. Deny statements are not weighed against Allow: a policy that grants administration and takes
part of it away elsewhere still counts as granting it. Grammar: IAM User Guide, "IAM JSON policy
elements reference".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

BOUNDING_KEYS = frozenset({
    "aws:principalorgid", "aws:principalaccount", "aws:principalarn", "aws:userid",
    "aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourcevpc", "aws:sourcevpce",
    "kms:calleraccount",
})  # fmt: skip
"""Condition keys (compared without case) that bound who may call, whatever the principal says."""
BOUNDING_OPERATORS = frozenset({
    "stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike",
})  # fmt: skip


ACCOUNT_PART = 4
"""The position of the account in an ARN: ``arn:partition:service:region:account:resource``."""


def document(text: object) -> dict[str, Any]:
    """A policy document, plain or percent-encoded as IAM returns it. Raises InputRefused."""
    if not isinstance(text, str) or not text.strip():
        raise InputRefused("A policy document is missing or no text.", field="PolicyDocument")
    plain = unquote(text) if text.lstrip().startswith("%") else text
    value = strict_json(plain.encode("utf-8", "surrogatepass"), what="policy document")
    if not isinstance(value, dict):
        raise InputRefused(f"A policy document is a {type(value).__name__}; expected an object.")
    return value


def grants_administration(policy: Mapping[str, Any]) -> bool:
    """Whether a statement allows the action ``*`` on the resource ``*``, conditions notwithstanding."""
    return any(
        {"*", "*:*"} & set(_texts(statement.get("Action"))) and "*" in _texts(statement.get("Resource"))
        for statement in _allowing(policy)
    )


def principals(policy: Mapping[str, Any]) -> list[str]:
    """Everyone to whom a statement allows something, as the document names them, sorted."""
    named = {name for statement in _allowing(policy) for name in _principals(statement)}
    return sorted(named)


def allows_anyone(policy: Mapping[str, Any]) -> bool:
    """Whether a statement allows something to every principal there is, unbounded.

    Unbounded: no condition holds the callers to accounts, organisations, principals or networks.
    """
    return any(
        "*" in _principals(statement) and not _bounded(statement.get("Condition"))
        for statement in _allowing(policy)
    )


def _allowing(policy: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    statements = policy.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        if not isinstance(statement, dict):
            raise InputRefused("A policy statement is no object.", field="Statement")
        if statement.get("Effect") == "Allow":
            yield statement


def _texts(value: Json) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def _principals(statement: Mapping[str, Any]) -> list[str]:
    if "NotPrincipal" in statement:
        return ["*"]
    principal = statement.get("Principal")
    if isinstance(principal, dict):
        return [name for names in principal.values() for name in _texts(names)]
    return _texts(principal)


def _bounded(condition: Json) -> bool:
    if not isinstance(condition, dict):
        return False
    return any(
        operator.lower().removeprefix("foranyvalue:") in BOUNDING_OPERATORS and _bounding(keys)
        for operator, keys in condition.items()
    )


def _bounding(keys: Json) -> bool:
    if not isinstance(keys, dict):
        return False
    return any(
        key.lower() in BOUNDING_KEYS and bool(_texts(values)) and all(map(_names_someone, _texts(values)))
        for key, values in keys.items()
    )


def _names_someone(value: str) -> bool:
    """Whether a value is more than wildcards, and an ARN's account is not left open."""
    parts = value.split(":", 5)
    open_account = value.startswith("arn:") and len(parts) > ACCOUNT_PART and "*" in parts[ACCOUNT_PART]
    return not set(value) <= {"*", "?"} and not open_account


def denies_without_tls(policy: Mapping[str, Any]) -> bool:
    """Whether a statement denies everyone every S3 action where ``aws:SecureTransport`` is false."""
    statements = policy.get("Statement", [])
    return any(
        isinstance(statement, dict)
        and statement.get("Effect") == "Deny"
        and "*" in _principals(statement)
        and {"s3:*", "*"} & set(_texts(statement.get("Action")))
        and _only_without_tls(statement.get("Condition"))
        for statement in (statements if isinstance(statements, list) else [statements])
    )


def _only_without_tls(condition: Json) -> bool:
    """Whether the one condition is that the request came without TLS: a further one would narrow the denial."""
    if not isinstance(condition, dict) or len(condition) != 1:
        return False
    ((operator, keys),) = condition.items()
    if operator.lower() not in ("bool", "boolifexists") or not isinstance(keys, dict) or len(keys) != 1:
        return False
    ((key, value),) = keys.items()
    return key.lower() == "aws:securetransport" and {str(v).lower() for v in _listed(value)} == {"false"}


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]
