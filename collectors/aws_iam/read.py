"""Reads entries of IAM collections: accounts, users and roles. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from collectors.aws.content import content, listed, problem_of
from collectors.aws_iam.details import Page, read_details, tag
from collectors.aws_iam.report import read_report
from collectors.aws_iam.schemas import ACCOUNT, ROLE, USER
from collectors.items import SeenItem, items_of
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading, Unseen

SUMMARY_FIELDS = {
    "users": "Users",
    "root_access_keys": "AccountAccessKeysPresent",
    "root_mfa": "AccountMFAEnabled",
}
PASSWORD_FIELDS = {
    "password_min_length": "MinimumPasswordLength",
    "password_reuse_prevention": "PasswordReusePrevention",
    "password_max_age_days": "MaxPasswordAge",
}
DETAIL_LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


class IamReader:
    """Reads ``aws-iam/1``."""

    kinds: tuple[str, ...] = ("aws-iam/1",)
    schemas: tuple[FactSchema, ...] = (ACCOUNT, ROLE, USER)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Everything that the entry says. The pages of the details are read side by side."""
        pages: list[Page] = []
        for seen in items_of(opened):
            if seen.operation == "GetAccountAuthorizationDetails":
                for read in _page(seen):
                    if isinstance(read, Page):
                        pages.append(read)
                    else:
                        yield read
            else:
                yield from _item(seen)
        yield from read_details(pages)


READER = IamReader()


def _page(seen: SeenItem) -> Iterator[Page | Defect]:
    if problem_of(seen.item.status, seen.body):
        return
    said = content(seen.body)
    try:
        for name in DETAIL_LISTS:
            listed(said.get(name), name)
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: {seen.action}: {error.message}")
    else:
        yield Page(seen, said)


def _item(seen: SeenItem) -> Iterator[Reading]:
    if seen.repeated:
        return
    match seen.operation:
        case "GetAccountSummary":
            yield _summary(seen)
        case "GetAccountPasswordPolicy":
            yield _password_policy(seen)
        case "ListRoles":
            yield from _roles(seen)
        case "ListUserTags":
            yield _user_tags(seen)
        case "GetCredentialReport":
            if problem_of(seen.item.status, seen.body) is None:
                yield from read_report(seen)
        case _:
            pass


def _account(
    seen: SeenItem, part: str, value: Mapping[str, Json], unseen: Mapping[str, Unseen] | None = None
) -> Fragment:
    scope = seen.item.scope
    return Fragment("iam_account", scope, scope, part, value, seen.instant, seen.evidence, unseen or {})


def _summary(seen: SeenItem) -> Fragment:
    value: dict[str, Json] = {"account": seen.item.scope}
    problem = problem_of(seen.item.status, seen.body)
    if problem:
        hidden = problem.unseen(seen.action)
        return _account(seen, "summary", value, dict.fromkeys(SUMMARY_FIELDS, hidden))
    numbers = content(seen.body).get("SummaryMap", {})
    unseen = {}
    for name, key in SUMMARY_FIELDS.items():
        try:
            value[name] = int(numbers[key])
        except (KeyError, TypeError, ValueError):
            unseen[name] = Unseen("unreadable", f"{seen.action} states no number {key}")
    if "root_mfa" in value:
        value["root_mfa"] = value["root_mfa"] > 0
    return _account(seen, "summary", value, unseen)


def _password_policy(seen: SeenItem) -> Fragment:
    """The account's password policy. To have none is known: every field is then absent, as is one of 0."""
    part = "password-policy"
    problem = problem_of(seen.item.status, seen.body)
    if problem and problem.code == "NoSuchEntity":
        return _account(seen, part, dict.fromkeys(PASSWORD_FIELDS))
    if problem:
        return _account(seen, part, {}, dict.fromkeys(PASSWORD_FIELDS, problem.unseen(seen.action)))
    said = content(seen.body).get("PasswordPolicy", "")
    value: dict[str, Json] = {}
    unseen = {}
    for name, key in PASSWORD_FIELDS.items():
        try:
            value[name] = (int(said[key]) or None) if said.get(key) else None
        except (AttributeError, TypeError, ValueError):
            unseen[name] = Unseen("unreadable", f"{seen.action} states {key} in a form that cannot be read")
    return _account(seen, part, value, unseen)


def _roles(seen: SeenItem) -> Iterator[Reading]:
    if problem_of(seen.item.status, seen.body):
        return
    try:
        roles = listed(content(seen.body).get("Roles"), "Roles")
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: {seen.action}: {error.message}")
        return
    for role in roles:
        try:
            arn, seconds = str(role["Arn"]), int(role["MaxSessionDuration"])
        except (KeyError, TypeError, ValueError) as error:
            yield Defect(seen.evidence, f"unreadable: a role in {seen.action} lacks {error}")
            continue
        value = {"max_session_seconds": seconds}
        yield Fragment("iam_role", arn, seen.item.scope, "roles", value, seen.instant, seen.evidence)


def _user_tags(seen: SeenItem) -> Fragment:
    value: dict[str, Json] = {}
    unseen: dict[str, Unseen] = {}
    problem = problem_of(seen.item.status, seen.body)
    if problem:
        unseen["owner"] = problem.unseen(seen.action)
    else:
        try:
            value["owner"] = tag(content(seen.body).get("Tags"), "owner")
        except (InputRefused, KeyError, TypeError) as error:
            unseen["owner"] = Unseen("unreadable", f"{seen.action} states tags unreadably: {error}")
    return Fragment(
        "iam_user", seen.resource, seen.item.scope, "tags", value, seen.instant, seen.evidence, unseen
    )
