from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from collectors.aws_iam.read import READER
from compliance.facts import Defect, Unseen
from tests.collecting import NOON, facts_of, read, run
from tests.fault_proxy import Asked, FaultProxy, Forward, Reply
from tests.iam_account import (
    ACCOUNT,
    EC2,
    EVERYTHING,
    KIND,
    SOMETHING,
    account,
    collector,
    policy,
    roles,
    users,
)
from tests.moto_server import REGION, client, real_denials, use_credentials, user_with

pytest_plugins = ["tests.aws_fixtures"]


@pytest.fixture
def iam(moto: str) -> Iterator[Any]:
    with client("iam", moto) as made:
        yield made


# --- the whole account -------------------------------------------------------------------------


def test_an_account_is_seen_whole(moto: str, iam: Any) -> None:
    """Users, roles and the account become facts with every field of their schema seen."""
    iam.create_user(UserName="ada", Tags=[{"Key": "owner", "Value": "risk"}])
    iam.create_login_profile(UserName="ada", Password="Correct-horse-1")
    iam.create_access_key(UserName="ada")
    iam.create_role(
        RoleName="etl", AssumeRolePolicyDocument=policy(EC2), MaxSessionDuration=7200,
        Tags=[{"Key": "purpose", "Value": "billing"}],
    )  # fmt: skip
    ran = run(collector(moto))
    (coverage,) = ran.coverages
    assert (coverage.scope, coverage.complete, coverage.got, coverage.expected) == (ACCOUNT, True, 2, 2)
    assert coverage.facts == ("iam_account", "iam_role", "iam_user")
    ada, etl = users(ran)["ada"], roles(ran)["etl"]
    assert set(ada.value) == {field.name for field in READER.schemas[2].fields}
    assert set(etl.value) == {field.name for field in READER.schemas[1].fields}
    assert (ada.value["owner"], ada.value["console_access"], ada.value["mfa_active"]) == ("risk", True, False)
    assert [(key["active"], key["last_used"]) for key in ada.value["access_keys"]] == [(True, None)]
    assert (etl.value["max_session_seconds"], etl.value["purpose"], etl.value["owner"]) == (
        7200,
        "billing",
        None,
    )
    assert etl.value["trusted_principals"] == ["ec2.amazonaws.com"]
    assert etl.value["trusts_anyone"] is False
    assert account(ran).value == {
        "account": ACCOUNT, "users": 1, "root_mfa": False, "root_access_keys": 0,
        "password_min_length": None, "password_reuse_prevention": None, "password_max_age_days": None,
    }  # fmt: skip


def test_evidence_is_the_bytes_as_received(moto: str, iam: Any) -> None:
    """A response holds the answer's own bytes, who asked, and what was asked."""
    iam.create_user(UserName="ada")
    (details,) = run(collector(moto)).of("GetAccountAuthorizationDetails")
    assert details.body.startswith(b"<GetAccountAuthorizationDetailsResponse")
    assert b"<RequestId>" in details.body
    assert (details.status, details.scope) == (200, ACCOUNT)
    assert details.caller == f"arn:aws:sts::{ACCOUNT}:user/moto"
    assert details.request == {
        "service": "iam", "operation": "GetAccountAuthorizationDetails", "parameters": {"MaxItems": 200},
        "region": REGION,
    }  # fmt: skip


def test_an_unchanged_answer_has_the_same_fingerprint(moto: str, iam: Any) -> None:
    """Request ids do not make an answer new; a change of what it says does."""
    iam.create_user(UserName="ada")
    first, second = run(collector(moto)), run(collector(moto))
    iam.tag_user(UserName="ada", Tags=[{"Key": "owner", "Value": "risk"}])
    third = run(collector(moto))
    marks = [{str(r.request): r.unchanged_as() for r in ran.responses} for ran in (first, second, third)]
    assert first.responses[0].body != second.responses[0].body
    assert marks[0] == marks[1]
    assert marks[1] != marks[2]


def test_an_empty_account_is_known_to_be_empty(moto: str) -> None:
    """No user and no role, listed whole and reconciled: complete, and nothing found."""
    ran = run(collector(moto))
    assert ran.coverages[0].complete
    assert (ran.coverages[0].got, users(ran), roles(ran)) == (0, {}, {})


def test_the_credential_report_bears_its_own_time(moto: str, iam: Any) -> None:
    """What the report says counts from when AWS generated it, and its fragments say that it is dated."""
    iam.create_user(UserName="ada")
    (response,) = run(collector(moto)).of("GetCredentialReport")
    assert response.source_time is not None
    assert response.source_time < NOON
    (fragment,) = [r for r in read(READER, KIND, [response]) if not isinstance(r, Defect)]
    assert getattr(fragment, "dated", False)
    assert getattr(fragment, "instant", None) == response.source_time


# --- who is an administrator -------------------------------------------------------------------


def _by_group(iam: Any) -> None:
    iam.create_group(GroupName="ops")
    iam.put_group_policy(GroupName="ops", PolicyName="all", PolicyDocument=policy(EVERYTHING))
    iam.add_user_to_group(UserName="ada", GroupName="ops")


def _by_group_attachment(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="all", PolicyDocument=policy(EVERYTHING))["Policy"]["Arn"]
    iam.create_group(GroupName="ops")
    iam.attach_group_policy(GroupName="ops", PolicyArn=arn)
    iam.add_user_to_group(UserName="ada", GroupName="ops")


def _by_attachment(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="all", PolicyDocument=policy(SOMETHING, EVERYTHING))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)


def _inline(iam: Any) -> None:
    iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=policy(EVERYTHING))


def _by_an_older_version(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="all", PolicyDocument=policy(EVERYTHING))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(SOMETHING), SetAsDefault=True)
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)


def _not(iam: Any) -> None:
    iam.put_user_policy(UserName="ada", PolicyName="some", PolicyDocument=policy(SOMETHING))


@pytest.mark.parametrize(
    ("grant", "admin"),
    [(_by_group, True), (_by_group_attachment, True), (_by_attachment, True), (_inline, True),
     (_by_an_older_version, False), (_not, False)],
)  # fmt: skip
def test_administrators_are_found_wherever_the_grant_stands(
    moto: str, iam: Any, grant: Any, admin: bool
) -> None:
    """Inline, attached, by a group, or by a policy attached to a group; only the default version counts."""
    iam.create_user(UserName="ada")
    grant(iam)
    ada = users(run(collector(moto)))["ada"]
    assert ada.value["admin"] is admin


def test_a_role_that_anyone_may_assume_is_told(moto: str, iam: Any) -> None:
    """The principal * trusts anyone unless a condition bounds the callers."""
    anyone = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    bound = anyone | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}
    iam.create_role(RoleName="open", AssumeRolePolicyDocument=policy(anyone))
    iam.create_role(RoleName="bound", AssumeRolePolicyDocument=policy(bound))
    seen = roles(run(collector(moto)))
    assert seen["open"].value["trusts_anyone"] is True
    assert seen["bound"].value["trusts_anyone"] is False
    assert seen["open"].value["trusted_principals"] == ["*"]


# --- paging ------------------------------------------------------------------------------------

LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")


def _only(body: bytes, wanted: tuple[str, ...], marker: str) -> bytes:
    """A page of the details with some of the lists, and what comes after it."""
    text = body.decode()
    for name in set(LISTS) - set(wanted):
        start, end = text.index(f"<{name}>"), text.index(f"</{name}>") + len(f"</{name}>")
        text = text[:start] + text[end:]
    more = f"<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"
    return text.replace(
        "<IsTruncated>false</IsTruncated>", more if marker else "<IsTruncated>false</IsTruncated>"
    ).encode()


def _paged(asked: Asked, forward: Forward) -> Reply:
    came = forward(asked)
    first = b"Marker=" not in asked.body
    body = _only(came.body, LISTS[:1] if first else LISTS[1:], "page-2" if first else "")
    return replace(came, body=body)


def _fill_empty_lists(asked: Asked, forward: Forward) -> Reply:
    came = forward(asked)
    for name in LISTS:
        came = replace(came, body=came.body.replace(f"<{name}/>".encode(), f"<{name}></{name}>".encode()))
    return _paged(asked, lambda _: came)


def test_what_stands_on_another_page_is_joined(moto_proxy: FaultProxy, iam: Any) -> None:
    """A user on the first page is an administrator by a group on the second."""
    iam.create_user(UserName="ada")
    _by_group(iam)
    iam.create_role(RoleName="etl", AssumeRolePolicyDocument=policy(EC2))
    moto_proxy.when("GetAccountAuthorizationDetails", _fill_empty_lists)
    ran = run(collector(moto_proxy.url))
    pages = ran.of("GetAccountAuthorizationDetails")
    assert len(pages) == 2
    assert {page.joined for page in pages} == {"authorization-details"}
    assert pages[1].request["parameters"] == {"MaxItems": 200, "Marker": "page-2"}
    assert ran.coverages[0].complete
    assert users(ran)["ada"].value["admin"] is True
    assert set(roles(ran)) == {"etl"}


def test_without_the_other_page_administration_is_unseen(moto_proxy: FaultProxy, iam: Any) -> None:
    """A group that was not seen never makes its user no administrator."""
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="ops")
    iam.add_user_to_group(UserName="ada", GroupName="ops")
    moto_proxy.when("GetAccountAuthorizationDetails", _fill_empty_lists)
    ran = run(collector(moto_proxy.url))
    alone = facts_of(read(READER, KIND, ran.of("GetAccountAuthorizationDetails")[:1]), "iam_user")
    assert alone[f"arn:aws:iam::{ACCOUNT}:user/ada"].unseen["admin"] == Unseen(
        "incomplete", "the group ops is not in the authorization details that were seen"
    )


def test_a_marker_that_comes_twice_ends_the_listing(moto_proxy: FaultProxy, iam: Any) -> None:
    """A listing that never comes to an end is truncated, and the scope not seen whole."""
    iam.create_user(UserName="ada")

    def endless(asked: Asked, forward: Forward) -> Reply:
        came = forward(replace(asked, body=asked.body.replace(b"&Marker=again", b"")))
        more = b"<IsTruncated>true</IsTruncated><Marker>again</Marker>"
        return replace(came, body=came.body.replace(b"<IsTruncated>false</IsTruncated>", more))

    moto_proxy.when("ListRoles", endless)
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert coverage.truncated
    assert not coverage.complete
    assert "iam:ListRoles never came to a last page" in coverage.detail


# --- password policy ---------------------------------------------------------------------------


def test_the_password_policy_is_read(moto: str, iam: Any) -> None:
    """Its numbers are facts; what it does not set is absent."""
    iam.update_account_password_policy(MinimumPasswordLength=14, PasswordReusePrevention=24)
    seen = account(run(collector(moto)))
    assert (seen.value["password_min_length"], seen.value["password_reuse_prevention"]) == (14, 24)
    assert seen.value["password_max_age_days"] is None


# --- rights ------------------------------------------------------------------------------------


def test_check_names_each_right_and_what_is_unknown_without_it(
    moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call is listed as permitted or not; one that found nothing was permitted."""
    key = user_with(moto, "reader", "iam:GetAccountSummary", "iam:GetAccountPasswordPolicy")
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        rights = {access.request: access for access in collector(moto).check()}
    assert rights["iam:GetAccountSummary"].permitted
    assert rights["iam:GetAccountPasswordPolicy"].permitted
    assert not rights["iam:ListRoles"].permitted
    assert rights["iam:ListRoles"].facts == ("iam_role",)
    assert rights["iam:ListRoles"].detail == "iam:ListRoles denied (403)"
