from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.aws.session import Patience
from collectors.aws_kms.collect import KmsCollector
from collectors.aws_kms.read import READER
from compliance.facts import Defect, Unseen
from tests.collecting import Clock, Joined, Ran, facts_of, read, run
from tests.fault_proxy import FaultProxy, Reply
from tests.moto_server import REGION, client, real_denials, use_credentials, user_with

ACCOUNT = "123456789012"
SCOPE = f"{ACCOUNT}/{REGION}"
KIND = "aws-kms/1"
QUICK = Patience(connect=2, read=0.5, attempts=2, pause=lambda _: None)


pytest_plugins = ["tests.aws_fixtures"]


@pytest.fixture
def kms(moto: str) -> Iterator[Any]:
    with client("kms", moto) as made:
        yield made


def collector(url: str, *regions: str, **options: Any) -> KmsCollector:
    return KmsCollector(
        regions=regions or (REGION,), endpoint_url=url, clock=Clock(), patience=QUICK, **options
    )


def keys(ran: Ran) -> dict[str, Joined]:
    return facts_of(read(READER, KIND, ran.responses), "kms_key")


def the_key(ran: Ran) -> Joined:
    (fact,) = keys(ran).values()
    return fact


def error(code: str, status: int = 400) -> Reply:
    return Reply(
        status,
        json.dumps({"__type": code, "message": "no"}).encode(),
        {"Content-Type": "application/x-amz-json-1.1"},
    )


# --- what is denied, late or broken ------------------------------------------------------------


def test_a_denied_listing_is_never_empty(moto: str, monkeypatch: pytest.MonkeyPatch, kms: Any) -> None:
    """Without the right to list, the scope is incomplete; the refusal is evidence."""
    kms.create_key()
    key = user_with(moto, "blind", "sts:GetCallerIdentity")
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        ran = run(collector(moto))
    assert keys(ran) == {}
    assert not ran.coverages[0].complete
    assert ran.coverages[0].denied == ("kms:ListKeys denied (403)",)
    assert ran.responses[0].status == 403


def test_denied_rotation_is_unseen(moto: str, monkeypatch: pytest.MonkeyPatch, kms: Any) -> None:
    """A key whose rotation may not be asked has it unseen, with cause and call; its other fields are seen."""
    kms.create_key()
    key = user_with(
        moto,
        "some",
        "kms:ListKeys",
        "kms:DescribeKey",
        "kms:GetKeyPolicy",
        "kms:ListResourceTags",
        "kms:ListAliases",
    )
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        ran = run(collector(moto))
    fact = the_key(ran)
    why = Unseen("incomplete", "kms:GetKeyRotationStatus denied (403)")
    assert fact.unseen == {"rotation_enabled": why, "rotation_period_days": why}
    assert fact.value["rotation_supported"] is True
    assert ran.coverages[0].complete
    assert ran.coverages[0].denied == ("kms:GetKeyRotationStatus denied (403)",)


def test_every_call_about_a_key_may_be_denied(moto_proxy: FaultProxy, kms: Any) -> None:
    """A key that is listed but says nothing is a key whose fields are unseen, not one with other values."""
    kms.create_key()
    for operation in (
        "DescribeKey",
        "GetKeyRotationStatus",
        "GetKeyPolicy",
        "ListResourceTags",
        "ListAliases",
    ):
        moto_proxy.when(operation, error("AccessDeniedException"))
    fact = the_key(run(collector(moto_proxy.url)))
    assert set(fact.value) == {"key_id", "account", "region"}
    assert {why.cause for why in fact.unseen.values()} == {"incomplete"}
    assert set(fact.value) | set(fact.unseen) == {field.name for field in READER.schemas[0].fields}
    assert fact.unseen["state"].why == "kms:DescribeKey denied (400)"


def test_throttling_that_passes_leaves_no_trace(moto_proxy: FaultProxy, kms: Any) -> None:
    """A call that is throttled once is tried again."""
    kms.create_key()
    moto_proxy.when("GetKeyPolicy", error("ThrottlingException"), times=1)
    ran = run(collector(moto_proxy.url))
    assert ran.coverages[0].throttled == ()
    assert the_key(ran).unseen == {}


def test_throttling_for_good_is_told_of_the_key(moto_proxy: FaultProxy, kms: Any) -> None:
    """The fields that were throttled away are unseen, and the coverage counts them."""
    kms.create_key()
    moto_proxy.when("GetKeyPolicy", error("ThrottlingException"))
    ran = run(collector(moto_proxy.url))
    assert ran.coverages[0].throttled == ("kms:GetKeyPolicy throttled (400)",)
    assert the_key(ran).unseen["policy_allows_anyone"].why == "kms:GetKeyPolicy throttled (400)"
    assert moto_proxy.operations().count("GetKeyPolicy") == QUICK.attempts


def test_a_time_out_is_told_of_the_key(moto_proxy: FaultProxy, kms: Any) -> None:
    """A call without an answer leaves its fields unseen."""
    kms.create_key()
    moto_proxy.when("DescribeKey", Reply(0))
    fact = the_key(run(collector(moto_proxy.url)))
    assert fact.unseen["state"] == Unseen("incomplete", "kms:DescribeKey gave no answer")


def test_a_region_that_stops_answering_is_given_up_alone(moto_proxy: FaultProxy, kms: Any) -> None:
    """Lost answers in a row end their region; the next region is still asked."""
    for _ in range(2):
        kms.create_key()
    for operation in (
        "DescribeKey",
        "GetKeyRotationStatus",
        "GetKeyPolicy",
        "ListResourceTags",
        "ListAliases",
    ):
        moto_proxy.when(operation, error("KMSInternalException", 500))
    first, second = run(collector(moto_proxy.url, REGION, "eu-west-1")).coverages
    assert first.truncated
    assert "the rest was not asked for" in first.detail
    assert second.complete


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b"<html/>", b"{}", b'{"Keys": [], "Keys": [], "Truncated": false}']
)
def test_a_malformed_listing_is_not_an_empty_one(moto_proxy: FaultProxy, kms: Any, body: bytes) -> None:
    """What cannot be read as a listing makes the run incomplete."""
    kms.create_key()
    moto_proxy.when("ListKeys", Reply(200, body))
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert not coverage.complete
    assert "cannot be read" in coverage.detail


@pytest.mark.parametrize(
    ("operation", "body", "hidden"),
    [("DescribeKey", {"KeyMetadata": {"KeyState": 5}}, "state"), ("DescribeKey", {}, "created"),
     ("DescribeKey", {"KeyMetadata": {"CreationDate": 1e300}}, "created"),
     ("GetKeyRotationStatus", {"KeyRotationEnabled": "yes"}, "rotation_enabled"),
     ("GetKeyRotationStatus", {"KeyRotationEnabled": True, "RotationPeriodInDays": "x"}, "rotation_period_days"),
     ("GetKeyPolicy", {"Policy": "{"}, "policy_allows_anyone"), ("GetKeyPolicy", {}, "policy_principals"),
     ("ListResourceTags", {}, "owner"), ("ListAliases", {"Aliases": [{}]}, "aliases")],
)  # fmt: skip
def test_a_field_in_no_readable_form_is_unseen(
    moto_proxy: FaultProxy, kms: Any, operation: str, body: dict[str, Any], hidden: str
) -> None:
    """A value of another form never becomes a value: it is unseen, cause unreadable."""
    kms.create_key()
    moto_proxy.when(operation, Reply(200, json.dumps(body).encode()))
    fact = the_key(run(collector(moto_proxy.url)))
    assert fact.unseen[hidden].cause == "unreadable"
    assert hidden not in fact.value


def test_tags_on_a_further_page_are_not_taken_for_absent(moto_proxy: FaultProxy, kms: Any) -> None:
    """Of a list that was cut short, what is on it is seen, and what is not may still be there."""
    kms.create_key()
    page = {"Tags": [{"TagKey": "owner", "TagValue": "ops"}], "Truncated": True, "NextMarker": "m"}
    moto_proxy.when("ListResourceTags", Reply(200, json.dumps(page).encode()))
    fact = the_key(run(collector(moto_proxy.url)))
    assert fact.value["owner"] == "ops"
    assert fact.unseen["data_class"] == Unseen("incomplete", "kms:ListResourceTags was cut short")


def test_a_listed_key_without_an_arn_is_a_defect(moto_proxy: FaultProxy) -> None:
    """What is listed in another form than a key is named, not dropped."""
    body = json.dumps({"Keys": [{"KeyArn": "nonsense", "KeyId": "k"}], "Truncated": False}).encode()
    moto_proxy.when("ListKeys", Reply(200, body))
    readings = read(READER, KIND, run(collector(moto_proxy.url)).of("ListKeys"))
    assert [type(reading) for reading in readings] == [Defect]
