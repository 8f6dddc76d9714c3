from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from compliance.errors import SourceFailed
from compliance.facts import Unseen
from tests.collecting import run
from tests.fault_proxy import Asked, FaultProxy, Forward, Reply
from tests.iam_account import (
    ACCOUNT,
    QUICK,
    account,
    collector,
    error,
    policy,
    roles,
    users,
)
from tests.moto_server import client, real_denials, use_credentials, user_with

pytest_plugins = ["tests.aws_fixtures"]


@pytest.fixture
def iam(moto: str) -> Iterator[Any]:
    with client("iam", moto) as made:
        yield made


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


def test_a_denied_report_hides_only_what_it_would_have_shown(
    moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_throttling_that_passes_leaves_no_trace(moto_proxy: FaultProxy, iam: Any) -> None:
    """A call that is throttled once is tried again, and the run is complete."""
    iam.create_user(UserName="ada")
    moto_proxy.when("GetAccountAuthorizationDetails", error("Throttling", 400), times=1)
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert coverage.complete
    assert coverage.throttled == ()
    assert moto_proxy.operations().count("GetAccountAuthorizationDetails") == 2


def test_throttling_for_good_ends_as_throttled(moto_proxy: FaultProxy, iam: Any) -> None:
    """After few attempts the run goes on without the answer and says so."""
    iam.create_user(UserName="ada")
    moto_proxy.when("GetAccountAuthorizationDetails", error("Throttling", 400))
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert not coverage.complete
    assert coverage.throttled == ("iam:GetAccountAuthorizationDetails throttled (400)",)
    assert moto_proxy.operations().count("GetAccountAuthorizationDetails") == QUICK.attempts


def test_a_source_that_stops_answering_is_given_up(moto_proxy: FaultProxy, iam: Any) -> None:
    """After five lost answers in a row the rest is not asked for; the run ends and says why."""
    iam.create_user(UserName="ada")
    for operation in ("Summary", "Details", "ListRoles", "Tags", "Report", "Policy"):
        moto_proxy.when(operation, error("ServiceUnavailable", 503))
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert coverage.truncated
    assert "the rest was not asked for" in coverage.detail


def test_a_time_out_is_an_answer_that_never_came(moto_proxy: FaultProxy, iam: Any) -> None:
    """A call without an answer is evidence of status 0 without bytes, and the scope is incomplete."""
    iam.create_user(UserName="ada")
    moto_proxy.when("ListRoles", Reply(0))
    ran = run(collector(moto_proxy.url))
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
def test_a_malformed_answer_is_not_an_empty_one(moto_proxy: FaultProxy, iam: Any, body: bytes) -> None:
    """What cannot be read as the answer is kept as received, and makes the run incomplete."""
    iam.create_user(UserName="ada")
    moto_proxy.when("GetAccountAuthorizationDetails", Reply(200, body, {"Content-Type": "text/xml"}))
    ran = run(collector(moto_proxy.url))
    (kept,) = ran.of("GetAccountAuthorizationDetails")
    assert kept.body == body
    assert not ran.coverages[0].complete
    assert "cannot be read" in ran.coverages[0].detail


def test_a_user_who_comes_meanwhile_makes_the_run_incomplete(moto_proxy: FaultProxy, iam: Any) -> None:
    """The account summary is asked before and after; what was listed must equal both."""
    iam.create_user(UserName="ada")

    def slipping_in(asked: Asked, forward: Forward) -> Reply:
        came = forward(asked)
        iam.create_user(UserName="eve")
        return came

    moto_proxy.when("ListRoles", slipping_in)
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert not coverage.complete
    assert (coverage.total_before, coverage.total_after, coverage.got) == (1, 2, 1)
    assert "counted 1 users and roles before and 2 after, 1 were listed" in coverage.detail


def test_an_account_that_cannot_be_named_fails(moto_proxy: FaultProxy) -> None:
    """Without an answer to who is calling there is no scope: the source failed, and why is said."""
    moto_proxy.when("GetCallerIdentity", error("InvalidClientTokenId", 403))
    with pytest.raises(SourceFailed, match=r"InvalidClientTokenId \(403\); check the credentials"):
        run(collector(moto_proxy.url))


def test_no_credentials_fail_without_naming_any(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without credentials is told so."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SourceFailed, match="no credentials were found"):
        run(collector(moto))


def test_a_role_is_assumed_for_reading(moto: str, iam: Any) -> None:
    """With a role, the evidence names the assumed role as who asked."""
    trust = policy(
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    )
    arn = iam.create_role(RoleName="auditor", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    ran = run(collector(moto, role_arn=arn))
    assert ran.responses[0].caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/auditor/muniment"


def test_a_report_that_is_being_made_is_waited_for(moto_proxy: FaultProxy, iam: Any) -> None:
    """The report is asked for again until it is there; only what came at last is evidence."""
    iam.create_user(UserName="ada")
    moto_proxy.when("GetCredentialReport", error("ReportInProgress", 404), times=3)
    ran = run(collector(moto_proxy.url))
    assert [r.status for r in ran.of("GetCredentialReport")] == [200]
    assert ran.coverages[0].complete
