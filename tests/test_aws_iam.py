from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from collectors.aws.session import Patience
from collectors.aws_iam.collect import IamCollector
from collectors.aws_iam.read import READER
from compliance.errors import SourceFailed
from compliance.evidence import Response
from compliance.facts import Defect, Unseen
from tests.collecting import NOON, Clock, Joined, Ran, facts_of, read, run
from tests.fault_proxy import Asked, FaultProxy, Forward, Reply, fault_proxy
from tests.moto_server import REGION, client, moto_server, real_denials, reset, use_credentials, user_with

ACCOUNT = "123456789012"
KIND = "aws-iam/1"
QUICK = Patience(connect=2, read=0.5, attempts=2, pause=lambda _: None)
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
SOMETHING = {"Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"]}
EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def moto(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    use_credentials(monkeypatch)
    reset(server)
    return server


@pytest.fixture
def proxy(moto: str) -> Iterator[FaultProxy]:
    with fault_proxy(moto) as made:
        yield made


@pytest.fixture
def iam(moto: str) -> Iterator[Any]:
    with client("iam", moto) as made:
        yield made


def collector(url: str, **options: Any) -> IamCollector:
    return IamCollector(region=REGION, endpoint_url=url, clock=Clock(), patience=QUICK, **options)


def users(ran: Ran) -> dict[str, Joined]:
    return {name.rpartition("/")[2]: fact for name, fact in facts_of(read(READER, KIND, ran.responses), "iam_user").items()}


def roles(ran: Ran) -> dict[str, Joined]:
    return {name.rpartition("/")[2]: fact for name, fact in facts_of(read(READER, KIND, ran.responses), "iam_role").items()}


def account(ran: Ran) -> Joined:
    (fact,) = facts_of(read(READER, KIND, ran.responses), "iam_account").values()
    return fact


def error(code: str, status: int) -> Reply:
    body = f"<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    return Reply(status, body.encode(), {"Content-Type": "text/xml"})


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
    assert (etl.value["max_session_seconds"], etl.value["purpose"], etl.value["owner"]) == (7200, "billing", None)
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
def test_administrators_are_found_wherever_the_grant_stands(moto: str, iam: Any, grant: Any, admin: bool) -> None:
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
    return text.replace("<IsTruncated>false</IsTruncated>", more if marker else "<IsTruncated>false</IsTruncated>").encode()


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


def test_what_stands_on_another_page_is_joined(proxy: FaultProxy, iam: Any) -> None:
    """A user on the first page is an administrator by a group on the second."""
    iam.create_user(UserName="ada")
    _by_group(iam)
    iam.create_role(RoleName="etl", AssumeRolePolicyDocument=policy(EC2))
    proxy.when("GetAccountAuthorizationDetails", _fill_empty_lists)
    ran = run(collector(proxy.url))
    pages = ran.of("GetAccountAuthorizationDetails")
    assert len(pages) == 2
    assert {page.joined for page in pages} == {"authorization-details"}
    assert pages[1].request["parameters"] == {"MaxItems": 200, "Marker": "page-2"}
    assert ran.coverages[0].complete
    assert users(ran)["ada"].value["admin"] is True
    assert set(roles(ran)) == {"etl"}


def test_without_the_other_page_administration_is_unseen(proxy: FaultProxy, iam: Any) -> None:
    """A group that was not seen never makes its user no administrator."""
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="ops")
    iam.add_user_to_group(UserName="ada", GroupName="ops")
    proxy.when("GetAccountAuthorizationDetails", _fill_empty_lists)
    ran = run(collector(proxy.url))
    alone = facts_of(read(READER, KIND, ran.of("GetAccountAuthorizationDetails")[:1]), "iam_user")
    assert alone[f"arn:aws:iam::{ACCOUNT}:user/ada"].unseen["admin"] == Unseen(
        "incomplete", "the group ops is not in the authorization details that were seen"
    )


def test_a_marker_that_comes_twice_ends_the_listing(proxy: FaultProxy, iam: Any) -> None:
    """A listing that never comes to an end is truncated, and the scope not seen whole."""
    iam.create_user(UserName="ada")

    def endless(asked: Asked, forward: Forward) -> Reply:
        came = forward(replace(asked, body=asked.body.replace(b"&Marker=again", b"")))
        more = b"<IsTruncated>true</IsTruncated><Marker>again</Marker>"
        return replace(came, body=came.body.replace(b"<IsTruncated>false</IsTruncated>", more))

    proxy.when("ListRoles", endless)
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.truncated
    assert not coverage.complete
    assert "iam:ListRoles never came to a last page" in coverage.detail


# --- what is denied, late or broken ------------------------------------------------------------


def test_denied_is_never_empty(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused calls are evidence, the scope is incomplete and says what was denied; nothing looks absent."""
    key = user_with(moto, "blind", "sts:GetCallerIdentity")
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        ran = run(collector(moto))
    (coverage,) = ran.coverages
    assert not coverage.complete
    assert "iam:GetAccountAuthorizationDetails denied (403)" in coverage.denied
    assert (users(ran), roles(ran)) == ({}, {})
    assert all(r.status == 403 and b"AccessDenied" in r.body for r in ran.responses)
    seen = account(ran)
    assert seen.unseen["root_mfa"] == Unseen("incomplete", "iam:GetAccountSummary denied (403)")
    assert seen.unseen["password_min_length"].cause == "incomplete"
    assert seen.value == {"account": ACCOUNT}


def test_a_denied_report_hides_only_what_it_would_have_shown(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the credential report users are known, their sign-in fields are not."""
    key = user_with(
        moto, "reader", "iam:GetAccountSummary", "iam:GetAccountAuthorizationDetails", "iam:ListRoles",
        "iam:ListUserTags", "iam:GetAccountPasswordPolicy",
    )  # fmt: skip
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        ran = run(collector(moto))
    (coverage,) = ran.coverages
    assert not coverage.complete
    assert "iam:GetCredentialReport denied (403)" in coverage.denied
    reader = users(ran)["reader"]
    assert reader.value["policies"] == ["granted"]
    assert not {"mfa_active", "console_access", "access_keys"} & set(reader.value)


def test_denied_tags_hide_the_owner_of_that_user(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field whose call was denied is unseen with its cause, and the listing stays whole."""
    key = user_with(
        moto, "reader", "iam:GetAccountSummary", "iam:GetAccountAuthorizationDetails", "iam:ListRoles",
        "iam:GenerateCredentialReport", "iam:GetCredentialReport", "iam:GetAccountPasswordPolicy",
    )  # fmt: skip
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        ran = run(collector(moto))
    assert ran.coverages[0].complete
    assert ran.coverages[0].denied == ("iam:ListUserTags denied (403)",)
    assert users(ran)["reader"].unseen["owner"] == Unseen("incomplete", "iam:ListUserTags denied (403)")


def test_throttling_that_passes_leaves_no_trace(proxy: FaultProxy, iam: Any) -> None:
    """A call that is throttled once is tried again, and the run is complete."""
    iam.create_user(UserName="ada")
    proxy.when("GetAccountAuthorizationDetails", error("Throttling", 400), times=1)
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.complete
    assert coverage.throttled == ()
    assert proxy.operations().count("GetAccountAuthorizationDetails") == 2


def test_throttling_for_good_ends_as_throttled(proxy: FaultProxy, iam: Any) -> None:
    """After few attempts the run goes on without the answer and says so."""
    iam.create_user(UserName="ada")
    proxy.when("GetAccountAuthorizationDetails", error("Throttling", 400))
    (coverage,) = run(collector(proxy.url)).coverages
    assert not coverage.complete
    assert coverage.throttled == ("iam:GetAccountAuthorizationDetails throttled (400)",)
    assert proxy.operations().count("GetAccountAuthorizationDetails") == QUICK.attempts


def test_a_source_that_stops_answering_is_given_up(proxy: FaultProxy, iam: Any) -> None:
    """After five lost answers in a row the rest is not asked for; the run ends and says why."""
    iam.create_user(UserName="ada")
    for operation in ("Summary", "Details", "ListRoles", "Tags", "Report", "Policy"):
        proxy.when(operation, error("ServiceUnavailable", 503))
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.truncated
    assert "the rest was not asked for" in coverage.detail


def test_a_time_out_is_an_answer_that_never_came(proxy: FaultProxy, iam: Any) -> None:
    """A call without an answer is evidence of status 0 without bytes, and the scope is incomplete."""
    iam.create_user(UserName="ada")
    proxy.when("ListRoles", Reply(0))
    ran = run(collector(proxy.url))
    (silent,) = ran.of("ListRoles")
    assert (silent.status, silent.body) == (0, b"")
    assert not ran.coverages[0].complete
    assert "iam:ListRoles gave no answer" in ran.coverages[0].detail


@pytest.mark.parametrize(
    "body",
    [b"<html>signed out</html>", b"", b"<GetAccountAuthorizationDetailsResponse><User", b"\xff\xfe",
     b'<!DOCTYPE x [<!ENTITY a "b">]><GetAccountAuthorizationDetailsResponse/>',
     b"<GetAccountAuthorizationDetailsResponse/>"],
)  # fmt: skip
def test_a_malformed_answer_is_not_an_empty_one(proxy: FaultProxy, iam: Any, body: bytes) -> None:
    """What cannot be read as the answer is kept as received, and makes the run incomplete."""
    iam.create_user(UserName="ada")
    proxy.when("GetAccountAuthorizationDetails", Reply(200, body, {"Content-Type": "text/xml"}))
    ran = run(collector(proxy.url))
    (kept,) = ran.of("GetAccountAuthorizationDetails")
    assert kept.body == body
    assert not ran.coverages[0].complete
    assert "cannot be read" in ran.coverages[0].detail


def test_a_user_who_comes_meanwhile_makes_the_run_incomplete(proxy: FaultProxy, iam: Any) -> None:
    """The account summary is asked before and after; what was listed must equal both."""
    iam.create_user(UserName="ada")

    def slipping_in(asked: Asked, forward: Forward) -> Reply:
        came = forward(asked)
        iam.create_user(UserName="eve")
        return came

    proxy.when("ListRoles", slipping_in)
    (coverage,) = run(collector(proxy.url)).coverages
    assert not coverage.complete
    assert (coverage.total_before, coverage.total_after, coverage.got) == (1, 2, 1)
    assert "counted 1 users and roles before and 2 after, 1 were listed" in coverage.detail


def test_an_account_that_cannot_be_named_fails(proxy: FaultProxy) -> None:
    """Without an answer to who is calling there is no scope: the source failed, and why is said."""
    proxy.when("GetCallerIdentity", error("InvalidClientTokenId", 403))
    with pytest.raises(SourceFailed, match=r"InvalidClientTokenId \(403\); check the credentials"):
        run(collector(proxy.url))


def test_no_credentials_fail_without_naming_any(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without credentials is told so."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceFailed, match="no credentials were found"):
        run(collector(moto))


def test_a_role_is_assumed_for_reading(moto: str, iam: Any) -> None:
    """With a role, the evidence names the assumed role as who asked."""
    trust = policy({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"})
    arn = iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    ran = run(collector(moto, role_arn=arn))
    assert ran.responses[0].caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/muniment"


# --- password policy ---------------------------------------------------------------------------


def test_the_password_policy_is_read(moto: str, iam: Any) -> None:
    """Its numbers are facts; what it does not set is absent."""
    iam.update_account_password_policy(MinimumPasswordLength=14, PasswordReusePrevention=24)
    seen = account(run(collector(moto)))
    assert (seen.value["password_min_length"], seen.value["password_reuse_prevention"]) == (14, 24)
    assert seen.value["password_max_age_days"] is None


# --- the credential report, by itself ----------------------------------------------------------

HEAD = (
    "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active,"
    "access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date"
)
ADA = f"arn:aws:iam::{ACCOUNT}:user/ada"


def report(*rows: str) -> Response:
    content = base64.b64encode("\n".join((HEAD, *rows)).encode()).decode()
    body = (
        "<GetCredentialReportResponse><GetCredentialReportResult>"
        f"<Content>{content}</Content><GeneratedTime>2026-11-23T08:00:00Z</GeneratedTime>"
        "</GetCredentialReportResult></GetCredentialReportResponse>"
    )
    request = {"service": "iam", "operation": "GetCredentialReport", "parameters": {}, "region": REGION}
    return Response(ACCOUNT, request, 200, body.encode(), "arn", NOON, source_time=NOON)


def test_the_root_user_is_no_iam_user() -> None:
    """The root row, whose password flag is not_supported, makes no user."""
    row = f"<root_account>,arn:aws:iam::{ACCOUNT}:root,2020-01-01T00:00:00+00:00,not_supported,N/A,true,false,N/A,N/A,false,N/A,N/A"
    assert read(READER, KIND, [report(row)]) == []


def test_keys_and_last_uses_are_read() -> None:
    """A key slot with a time of creation is a key, active or not; no_information is a known absence."""
    row = (
        f"ada,{ADA},2020-01-01T00:00:00+00:00,true,2026-11-01T10:00:00+00:00,true,"
        "true,2026-01-01T00:00:00+00:00,2026-11-20T00:00:00+00:00,false,2025-01-01T00:00:00+00:00,N/A"
    )
    fact = facts_of(read(READER, KIND, [report(row)]), "iam_user")[ADA]
    assert fact.value["password_last_used"] == "2026-11-01T10:00:00Z"
    assert fact.value["access_keys"] == [
        {"active": True, "created": "2026-01-01T00:00:00Z", "last_used": "2026-11-20T00:00:00Z"},
        {"active": False, "created": "2025-01-01T00:00:00Z", "last_used": None},
    ]


@pytest.mark.parametrize("flag", ["", "maybe", "not_supported"])
def test_a_flag_that_is_neither_true_nor_false_is_unseen(flag: str) -> None:
    """An unreadable flag is unseen, cause unreadable; it never becomes false."""
    row = f"ada,{ADA},2020-01-01T00:00:00+00:00,true,N/A,{flag},false,N/A,N/A,false,N/A,N/A"
    fact = facts_of(read(READER, KIND, [report(row)]), "iam_user")[ADA]
    assert fact.unseen["mfa_active"].cause == "unreadable"
    assert "mfa_active" not in fact.value


def test_a_report_that_is_no_table_is_a_defect() -> None:
    """A report whose content cannot be read says nothing about any user."""
    broken = replace(report(), body=report().body.replace(b"<Content>", b"<Content>!!"))
    assert [type(reading) for reading in read(READER, KIND, [broken])] == [Defect]
    assert [type(reading) for reading in read(READER, KIND, [report("ada")])] == [Defect]


def test_a_report_that_is_being_made_is_waited_for(proxy: FaultProxy, iam: Any) -> None:
    """The report is asked for again until it is there; only what came at last is evidence."""
    iam.create_user(UserName="ada")
    proxy.when("GetCredentialReport", error("ReportInProgress", 404), times=3)
    ran = run(collector(proxy.url))
    assert [r.status for r in ran.of("GetCredentialReport")] == [200]
    assert ran.coverages[0].complete


# --- rights ------------------------------------------------------------------------------------


def test_check_names_each_right_and_what_is_unknown_without_it(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
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
