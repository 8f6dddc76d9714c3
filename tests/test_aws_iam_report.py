from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from collectors.aws_iam.read import READER
from compliance.evidence import Response
from compliance.facts import Defect
from tests.collecting import NOON, facts_of, read
from tests.iam_account import (
    ACCOUNT,
    KIND,
)
from tests.moto_server import REGION

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
