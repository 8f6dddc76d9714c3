"""Users and roles from the pages of GetAccountAuthorizationDetails, read side by side.

Pure. What a principal may do stands in its own policies, in those of its groups and in managed
policies, which may be on other pages of the same document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from collectors.aws.content import listed
from collectors.aws.policies import allows_anyone, document, grants_administration, principals
from collectors.items import SeenItem
from compliance.canonical import Json, format_time, parse_time
from compliance.errors import InputRefused
from compliance.facts import Fragment, Unseen

PART = "details"
ADMINISTRATOR = ":iam::aws:policy/AdministratorAccess"
"""How the ARN of AWS's own administrator policy ends, in every partition."""


@dataclass(frozen=True)
class Page:
    """One page of the document with the item that it came in."""

    seen: SeenItem
    said: Mapping[str, Json]

    def members(self, list_name: str) -> Iterator[Mapping[str, Json]]:
        """The members of one of its lists that can be told apart."""
        for member in listed(self.said.get(list_name), list_name):
            if isinstance(member, dict) and isinstance(member.get("Arn"), str):
                yield member


def read_details(pages: Sequence[Page]) -> Iterator[Fragment]:
    """A fragment for each user and role of the pages."""
    grants = _Grants.of(pages)
    for page in pages:
        for user in page.members("UserDetailList"):
            yield _fragment("iam_user", page.seen, user, _user(user, grants))
        for role in page.members("RoleDetailList"):
            yield _fragment("iam_role", page.seen, role, _role(role, grants))


Fields = Mapping[str, Callable[[], Json | Unseen]]


def _fragment(fact: str, seen: SeenItem, resource: Mapping[str, Json], fields: Fields) -> Fragment:
    value: dict[str, Json] = {}
    unseen: dict[str, Unseen] = {}
    for name, reading in fields.items():
        try:
            found = reading()
        except (InputRefused, AttributeError, KeyError, TypeError, ValueError) as error:
            found = Unseen(
                "unreadable", f"{seen.action} states {name} in a form that cannot be read: {error}"
            )
        if isinstance(found, Unseen):
            unseen[name] = found
        else:
            value[name] = found
    return Fragment(
        fact, str(resource["Arn"]), seen.item.scope, PART, value, seen.instant, seen.evidence, unseen
    )


def _user(user: Mapping[str, Json], grants: _Grants) -> Fields:
    fields: dict[str, Callable[[], Json | Unseen]] = {
        "name": lambda: str(user["UserName"]),
        "account": lambda: account_of(user["Arn"]),
        "created": lambda: time_text(user["CreateDate"]),
        "groups": lambda: sorted(str(name) for name in listed(user.get("GroupList"))),
        "policies": lambda: _policies(user, "UserPolicyList"),
        "admin": lambda: grants.admin(user, "UserPolicyList"),
    }
    if "Tags" in user:
        fields["owner"] = lambda: tag(user["Tags"], "owner")
    return fields


def _role(role: Mapping[str, Json], grants: _Grants) -> Fields:
    fields: dict[str, Callable[[], Json | Unseen]] = {
        "name": lambda: str(role["RoleName"]),
        "account": lambda: account_of(role["Arn"]),
        "created": lambda: time_text(role["CreateDate"]),
        "trusted_principals": lambda: principals(document(role["AssumeRolePolicyDocument"])),
        "trusts_anyone": lambda: allows_anyone(document(role["AssumeRolePolicyDocument"])),
        "policies": lambda: _policies(role, "RolePolicyList"),
        "admin": lambda: grants.admin(role, "RolePolicyList"),
        "last_used": lambda: _last_used(role["RoleLastUsed"]),
    }
    if "Tags" in role:
        fields["owner"] = lambda: tag(role["Tags"], "owner")
        fields["purpose"] = lambda: tag(role["Tags"], "purpose")
    return fields


def account_of(arn: Json) -> str:
    """The account id in an ARN. Raises InputRefused where it has none."""
    parts = str(arn).split(":", 5)
    if len(parts) != 6 or not parts[4].isdigit():  # noqa: PLR2004 (arn:partition:service:region:account:resource)
        raise InputRefused(f"{arn!r} is no ARN with an account.", field="Arn")
    return parts[4]


def time_text(text: Json) -> str:
    """A time as facts carry it: RFC 3339 in UTC. Raises InputRefused."""
    return format_time(parse_time(text))


def tag(tags: Json, key: str) -> str | None:
    """The value of one tag in an IAM list of tags; None where it is known to have none."""
    found = [member["Value"] for member in listed(tags, "Tags") if member["Key"] == key]
    return str(found[0]) if found else None


def _last_used(said: Json) -> str | None:
    when = said.get("LastUsedDate") if isinstance(said, dict) else None
    return None if when is None else time_text(when)


def _policies(principal: Mapping[str, Json], inline: str) -> list[str]:
    attached = [str(policy["PolicyArn"]) for policy in listed(principal.get("AttachedManagedPolicies"))]
    return sorted(attached + [str(policy["PolicyName"]) for policy in listed(principal.get(inline))])


@dataclass
class _Grants:
    """The groups and managed policies of the document, and which of them grant administration."""

    groups: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    managed: dict[str, Mapping[str, Json]] = field(default_factory=dict)
    _known: dict[str, bool | Unseen] = field(default_factory=dict)

    @classmethod
    def of(cls, pages: Sequence[Page]) -> _Grants:
        grants = cls()
        for page in pages:
            grants.groups |= {str(g.get("GroupName")): g for g in page.members("GroupDetailList")}
            grants.managed |= {str(p["Arn"]): p for p in page.members("Policies")}
        return grants

    def admin(self, principal: Mapping[str, Json], inline: str) -> bool | Unseen:
        """True if any policy grants administration, False only if every one was read."""
        answers = list(self._answers(principal, inline))
        for name in listed(principal.get("GroupList")):
            group = self.groups.get(str(name))
            if group is None:
                answers.append(_not_beside(f"the group {name}"))
            else:
                answers += self._answers(group, "GroupPolicyList")
        if True in answers:
            return True
        return next((answer for answer in answers if isinstance(answer, Unseen)), False)

    def _answers(self, principal: Mapping[str, Json], inline: str) -> Iterator[bool | Unseen]:
        for policy in listed(principal.get("AttachedManagedPolicies")):
            yield self._managed(str(policy["PolicyArn"]))
        for policy in listed(principal.get(inline)):
            yield _grants(policy.get("PolicyDocument"), f"the inline policy {policy.get('PolicyName')}")

    def _managed(self, arn: str) -> bool | Unseen:
        if arn not in self._known:
            self._known[arn] = self._look(arn)
        return self._known[arn]

    def _look(self, arn: str) -> bool | Unseen:
        if arn.endswith(ADMINISTRATOR):
            return True
        policy = self.managed.get(arn)
        if policy is None:
            return _not_beside(f"the policy {arn}")
        versions = [
            version
            for version in listed(policy.get("PolicyVersionList"))
            if version.get("IsDefaultVersion") == "true"
            or version.get("VersionId") == policy.get("DefaultVersionId")
        ]
        return _grants(versions[0].get("Document") if versions else None, f"the policy {arn}")


def _grants(text: Json, what: str) -> bool | Unseen:
    try:
        return grants_administration(document(text))
    except InputRefused as error:
        return Unseen("unreadable", f"{what} cannot be read: {error.message}")


def _not_beside(what: str) -> Unseen:
    return Unseen("incomplete", f"{what} is not in the authorization details that were seen")
