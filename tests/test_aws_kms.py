from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from collectors.aws.session import Patience
from collectors.aws_kms.collect import KmsCollector
from collectors.aws_kms.read import READER
from collectors.aws_kms.rotation import rotates
from tests.collecting import Clock, Joined, Ran, facts_of, read, run
from tests.fault_proxy import Asked, FaultProxy, Forward, Reply
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


# --- the whole region --------------------------------------------------------------------------


def test_a_key_is_seen_whole(moto_proxy: FaultProxy, kms: Any) -> None:
    """What KMS says about a key becomes a fact with every field of its schema seen."""
    tags = [{"TagKey": "data-class", "TagValue": "pii"}, {"TagKey": "owner", "TagValue": "platform"}]
    made = kms.create_key(KeyUsage="ENCRYPT_DECRYPT", Tags=tags)["KeyMetadata"]
    kms.enable_key_rotation(KeyId=made["KeyId"], RotationPeriodInDays=180)
    kms.create_alias(AliasName="alias/orders", TargetKeyId=made["KeyId"])
    # moto states no period, as KMS did before periods could be chosen.
    status = {"KeyRotationEnabled": True, "KeyId": made["KeyId"], "RotationPeriodInDays": 180}
    moto_proxy.when("GetKeyRotationStatus", Reply(200, json.dumps(status).encode()))
    ran = run(collector(moto_proxy.url))
    fact = keys(ran)[made["Arn"]]
    created = datetime.fromisoformat(fact.value.pop("created"))
    assert abs((created - made["CreationDate"]).total_seconds()) < 0.001
    assert fact.value == {
        "key_id": made["KeyId"], "account": ACCOUNT, "region": REGION, "aliases": ["alias/orders"],
        "manager": "CUSTOMER", "state": "Enabled", "usage": "ENCRYPT_DECRYPT", "spec": "SYMMETRIC_DEFAULT",
        "origin": "AWS_KMS", "deletion_date": None, "rotation_supported": True, "rotation_enabled": True,
        "rotation_period_days": 180, "policy_allows_anyone": False,
        "policy_principals": [f"arn:aws:iam::{ACCOUNT}:root"], "data_class": "pii", "owner": "platform",
    }  # fmt: skip
    assert set(fact.value) | {"created"} == {field.name for field in READER.schemas[0].fields}
    (coverage,) = ran.coverages
    assert (coverage.scope, coverage.complete, coverage.got, coverage.expected) == (SCOPE, True, 1, 1)


def test_evidence_is_the_bytes_as_received(moto: str, kms: Any) -> None:
    """A response holds the answer's own bytes, who asked, what was asked and about which key."""
    made = kms.create_key()["KeyMetadata"]
    (described,) = run(collector(moto)).of("DescribeKey")
    assert json.loads(described.body)["KeyMetadata"]["Arn"] == made["Arn"]
    assert described.caller.startswith(f"arn:aws:sts::{ACCOUNT}:")
    assert described.request == {
        "service": "kms", "operation": "DescribeKey", "parameters": {"KeyId": made["KeyId"]},
        "region": REGION, "resource": made["Arn"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "usage"),
    [("RSA_2048", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC"), ("ECC_NIST_P256", "SIGN_VERIFY")],
)
def test_rotation_does_not_apply_to_every_key(moto: str, kms: Any, spec: str, usage: str) -> None:
    """Asymmetric and HMAC keys cannot rotate: that is known, not unseen, and is not asked for."""
    kms.create_key(KeySpec=spec, KeyUsage=usage)
    ran = run(collector(moto))
    fact = the_key(ran)
    assert fact.value["rotation_supported"] is False
    assert fact.value["rotation_enabled"] is None
    assert fact.value["rotation_period_days"] is None
    assert fact.unseen == {}
    assert ran.of("GetKeyRotationStatus") == []


def test_unsupported_is_not_denied(moto_proxy: FaultProxy, kms: Any) -> None:
    """A key whose rotation AWS calls unsupported does not rotate, and nothing about it is unseen."""
    kms.create_key()
    moto_proxy.when("GetKeyRotationStatus", error("UnsupportedOperationException"))
    ran = run(collector(moto_proxy.url))
    assert the_key(ran).value["rotation_supported"] is False
    assert the_key(ran).unseen == {}
    assert ran.coverages[0].complete
    assert ran.coverages[0].denied == ()


@pytest.mark.parametrize(
    ("metadata", "known"),
    [({"KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_KMS"}, True),
     ({"KeySpec": "SYMMETRIC_DEFAULT", "Origin": "EXTERNAL"}, False),
     ({"KeySpec": "SYMMETRIC_DEFAULT", "Origin": "AWS_CLOUDHSM"}, False),
     ({"KeySpec": "RSA_4096", "Origin": "AWS_KMS"}, False),
     ({"KeySpec": "SYMMETRIC_DEFAULT"}, None), ({}, None)],
)  # fmt: skip
def test_imported_and_foreign_material_does_not_rotate(metadata: dict[str, str], known: bool | None) -> None:
    """Only symmetric keys with KMS's own material rotate; what is not described is not guessed."""
    assert rotates({"KeyMetadata": metadata}) is known


def test_a_key_that_does_not_rotate_is_seen_so(moto: str, kms: Any) -> None:
    """Rotation that is off is a value; there is then no period. One that is on may state none."""
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    fact = the_key(run(collector(moto)))
    assert (fact.value["rotation_enabled"], fact.value["rotation_period_days"]) == (False, None)
    kms.enable_key_rotation(KeyId=key_id)
    fact = the_key(run(collector(moto)))
    assert (fact.value["rotation_enabled"], fact.value["rotation_period_days"]) == (True, None)


def test_a_key_that_will_be_deleted_says_when(moto: str, kms: Any) -> None:
    """The date of deletion is a fact while the key still exists."""
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
    fact = the_key(run(collector(moto)))
    assert fact.value["state"] == "PendingDeletion"
    assert fact.value["deletion_date"] > fact.value["created"]


@pytest.mark.parametrize(
    ("condition", "anyone"),
    [(None, True), ({"StringEquals": {"kms:CallerAccount": ACCOUNT}}, False),
     ({"StringLike": {"aws:PrincipalArn": "*"}}, True), ({"Bool": {"aws:SecureTransport": "true"}}, True)],
)  # fmt: skip
def test_a_policy_for_anyone_is_told(
    moto: str, kms: Any, condition: dict[str, Any] | None, anyone: bool
) -> None:
    """The principal * is anyone unless a condition bounds who calls; encryption in transit bounds nobody."""
    statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:Decrypt", "Resource": "*"}
    statement |= {"Condition": condition} if condition else {}
    kms.create_key(Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    fact = the_key(run(collector(moto)))
    assert fact.value["policy_allows_anyone"] is anyone
    assert fact.value["policy_principals"] == ["*"]


def test_each_region_is_a_scope(moto: str, kms: Any) -> None:
    """Regions are listed and accounted for apart."""
    kms.create_key()
    ran = run(collector(moto, REGION, "eu-west-1"))
    assert [(c.scope, c.got, c.complete) for c in ran.coverages] == [
        (SCOPE, 1, True), (f"{ACCOUNT}/eu-west-1", 0, True),
    ]  # fmt: skip


def test_an_empty_region_is_known_to_be_empty(moto: str) -> None:
    """No key, listed twice without one: complete, and nothing found."""
    ran = run(collector(moto))
    assert (ran.coverages[0].complete, ran.coverages[0].got, keys(ran)) == (True, 0, {})


def test_an_unchanged_answer_has_the_same_fingerprint(moto: str, kms: Any) -> None:
    """Only what changed has another fingerprint in the next run."""
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    first = run(collector(moto))
    kms.enable_key_rotation(KeyId=key_id)
    second = run(collector(moto))
    marks = [{json.dumps(r.request): r.unchanged_as() for r in ran.responses} for ran in (first, second)]
    changed = [request for request in marks[0] if marks[0][request] != marks[1][request]]
    assert [json.loads(request)["operation"] for request in changed] == ["GetKeyRotationStatus"]


# --- paging ------------------------------------------------------------------------------------


def _one_by_one(asked: Asked, forward: Forward) -> Reply:
    """Pages of one key each, however many were asked for."""
    said = json.loads(asked.body or b"{}")
    came = forward(replace(asked, body=b"{}"))
    listed = json.loads(came.body)["Keys"]
    position = int(said.get("Marker", "0"))
    more = position + 1 < len(listed)
    page = {"Keys": listed[position : position + 1], "Truncated": more} | (
        {"NextMarker": str(position + 1)} if more else {}
    )
    return replace(came, body=json.dumps(page).encode())


def test_short_pages_are_followed_to_the_last(moto_proxy: FaultProxy, kms: Any) -> None:
    """However short the pages are, every key is found and the listing is complete."""
    made = {kms.create_key()["KeyMetadata"]["Arn"] for _ in range(3)}
    moto_proxy.when("ListKeys", _one_by_one)
    ran = run(collector(moto_proxy.url))
    assert set(keys(ran)) == made
    assert (ran.coverages[0].complete, ran.coverages[0].pages) == (True, 6)


def test_a_key_that_comes_while_listing_is_listed_again(moto_proxy: FaultProxy, kms: Any) -> None:
    """The listing is made again at the end; where the two differ, what came is asked about too."""
    kms.create_key()

    def slipping_in(asked: Asked, forward: Forward) -> Reply:
        came = forward(asked)
        kms.create_key()
        return came

    moto_proxy.when("ListKeys", slipping_in, times=1)
    (coverage,) = run(collector(moto_proxy.url)).coverages
    assert coverage.complete
    assert (coverage.got, coverage.total_before, coverage.total_after) == (2, 2, 2)


def test_a_page_that_fails_leaves_the_listing_incomplete(moto_proxy: FaultProxy, kms: Any) -> None:
    """The keys of the pages that came are kept; the scope is truncated."""
    for _ in range(2):
        kms.create_key()

    def second_page_denied(asked: Asked, forward: Forward) -> Reply:
        return error("AccessDeniedException") if b"Marker" in asked.body else _one_by_one(asked, forward)

    moto_proxy.when("ListKeys", second_page_denied)
    ran = run(collector(moto_proxy.url))
    assert len(keys(ran)) == 1
    assert ran.coverages[0].truncated
    assert not ran.coverages[0].complete


# --- rights ------------------------------------------------------------------------------------


def test_check_names_each_right_per_region(moto: str, monkeypatch: pytest.MonkeyPatch, kms: Any) -> None:
    """Each call is tried on the first key; where there is none, that there is none was no refusal."""
    kms.create_key()
    key = user_with(moto, "some", "kms:ListKeys", "kms:DescribeKey")
    use_credentials(monkeypatch, key)
    with real_denials(moto):
        rights = {access.request: access.permitted for access in collector(moto).check()}
    assert rights == {
        "kms:ListKeys": True, "kms:DescribeKey": True, "kms:GetKeyRotationStatus": False,
        "kms:GetKeyPolicy": False, "kms:ListResourceTags": False, "kms:ListAliases": False,
    }  # fmt: skip
    use_credentials(monkeypatch)
    assert all(access.permitted for access in collector(moto, "eu-west-1").check())
