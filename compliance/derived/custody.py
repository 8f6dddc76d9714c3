"""Who is named in a key's policy, joined with what IAM says of those identities.

Pure. Separation of duties (NIST SP 800-57 part 1, section 5.3.5; AWS KMS key policies): whoever
administers the account should not also be named as a user of a key that protects data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from compliance.derived.joining import Looked, derived, first_unseen, look, need, of_facts, ordered
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

KEY_CUSTODY = FactSchema(
    "key_custody",
    "A KMS key with the IAM identities that its policy names: administrators, unknown ones, outsiders.",
    (
        Field("key_id", "string", "Id of the key."),
        Field("account", "string", "AWS account that holds the key."),
        Field("manager", "string", "AWS or CUSTOMER."),
        Field("state", "string", "State of the key, such as Enabled or PendingDeletion."),
        Field("data_class", "string", "The key's tag data-class.", optional=True),
        Field("delegates_to_account", "bool", "Whether the policy names the account itself (its root)."),
        Field(
            "administrators",
            "strings",
            "Identities that the policy names and that hold administrator rights.",
        ),
        Field(
            "unknown_principals",
            "strings",
            "Identities of the key's account that its IAM listing does not have.",
        ),
        Field("outsiders", "strings", "Principals of other accounts."),
    ),
    inputs=("kms_key", "iam_user", "iam_role"),
)

_ARN = re.compile(r"arn:[^:]+:(?:iam|sts)::(?P<account>\d{12}):(?P<kind>[^/:]+)(?:/(?P<path>.+))?")
_ACCOUNT = re.compile(r"\d{12}")
_DELETED = re.compile(r"A(IDA|ROA)[A-Z0-9]{12,}")
"""What KMS shows in place of a user or role that was deleted since."""


def key_custodies(base: FactBase) -> Iterator[Fact]:
    """Every KMS key, joined with the users and roles of its account."""
    identities = {fact.resource: fact for type_ in ("iam_user", "iam_role") for fact in base.facts(type_)}
    identities |= {_without_path(arn): fact for arn, fact in identities.items() if ":role/" in arn}
    listed = all(base.scopes(type_) and all(s.cause is None for s in base.scopes(type_))
                 for type_ in ("iam_user", "iam_role"))  # fmt: skip
    for key in base.facts("kms_key"):
        yield _custody(key, identities, listed=listed)


def _custody(key: Fact, identities: Mapping[str, Fact], *, listed: bool) -> Fact:
    principals, account = need(key, "policy_principals"), need(key, "account")
    looked: dict[str, Looked] = {name: need(key, name) for name in ("key_id", "account", "manager", "state")}
    looked["data_class"] = look(key, "data_class")
    if isinstance(principals, Unseen) or isinstance(account, Unseen):
        hidden = first_unseen(principals, account)
        split = ("delegates_to_account", "administrators", "unknown_principals", "outsiders")
        return derived(KEY_CUSTODY, key.resource, looked | dict.fromkeys(split, hidden), of_facts(key))
    named = _named(principals, account)
    found = [identities[arn] for arn in named if arn in identities]
    strangers = sorted(arn for arn in named if arn not in identities)
    looked |= {
        "delegates_to_account": any(_is_account(one, account) for one in principals),
        "administrators": _administrators(found, strangers, listed=listed),
        "unknown_principals": strangers if listed or not strangers else _not_listed(strangers),
        "outsiders": sorted(one for one in principals if _account_of(one) not in {account, None}),
    }
    origin = of_facts(key, *found)
    return derived(KEY_CUSTODY, key.resource, looked, origin.citing(ordered(origin.evidence)))


def _administrators(found: Sequence[Fact], strangers: Sequence[str], *, listed: bool) -> Looked:
    """One administrator that was seen is enough to name; none is only said where all were seen."""
    rights = {fact.resource: need(fact, "admin") for fact in found}
    seen = sorted(arn for arn, admin in rights.items() if admin is True)
    hidden = first_unseen(*rights.values())
    if strangers and not listed:
        hidden = hidden or _not_listed(strangers)
    return seen if seen or hidden is None else hidden


def _not_listed(strangers: Sequence[str]) -> Unseen:
    return Unseen(
        "incomplete", f"{strangers[0]} is named, and the users and roles of the account were not listed whole"
    )


def _named(principals: Sequence[str], account: str) -> list[str]:
    """The users and roles of the account; a session stands for the role that was assumed."""
    named = set()
    for one in principals:
        match = _ARN.fullmatch(one)
        if _DELETED.fullmatch(one):
            named.add(one)
        if match is None or match["account"] != account or match["path"] is None:
            continue
        role = match["path"].split("/")[0]
        session = match["kind"] == "assumed-role"
        named.add(f"arn:aws:iam::{account}:role/{role}" if session else one)
    return sorted(named)


def _without_path(arn: str) -> str:
    """The form in which a session names its role: without the path that stands before the role's name."""
    head, _, path = arn.partition(":role/")
    return f"{head}:role/{path.split('/')[-1]}"


def _account_of(principal: str) -> str | None:
    """The account of a principal; None for a service, a federated provider, ``*`` or a deleted identity."""
    match = _ARN.fullmatch(principal)
    if match is not None:
        return match["account"]
    return principal if _ACCOUNT.fullmatch(principal) else None


def _is_account(principal: str, account: str) -> bool:
    match = _ARN.fullmatch(principal)
    return principal == account or (
        match is not None and match["account"] == account and match["kind"] == "root"
    )
