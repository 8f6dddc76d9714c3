from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.aws.policies import allows_anyone, document, grants_administration, principals
from compliance.errors import InputRefused

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ANYONE = {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt"}


def policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.mark.parametrize(
    ("statement", "granted"),
    [
        (ALL, True),
        (ALL | {"Action": ["s3:Get*", "*"], "Resource": ["arn:x", "*"]}, True),
        (ALL | {"Action": "*:*"}, True),
        (ALL | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}, True),
        (ALL | {"Effect": "Deny"}, False),
        (ALL | {"Action": "s3:*"}, False),
        (ALL | {"Resource": "arn:aws:s3:::b"}, False),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, False),
    ],
)
def test_administration_is_every_action_on_everything(statement: dict[str, Any], granted: bool) -> None:
    """The action * on the resource *, allowed; conditions do not take it away."""
    assert grants_administration(policy(statement)) is granted
    assert grants_administration({"Statement": statement}) is granted


@pytest.mark.parametrize(
    ("change", "anyone"),
    [
        ({}, True),
        ({"Principal": {"AWS": "*"}}, True),
        ({"Principal": {"AWS": ["arn:aws:iam::1:root", "*"]}}, True),
        ({"Principal": {"Service": "ec2.amazonaws.com"}}, False),
        ({"Effect": "Deny"}, False),
        ({"Principal": None, "NotPrincipal": {"AWS": "arn:aws:iam::1:root"}}, True),
        ({"Condition": {"StringEquals": {"kms:CallerAccount": "123456789012"}}}, False),
        ({"Condition": {"StringEquals": {"KMS:calleraccount": ["1", "2"]}}}, False),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}}}, False),
        ({"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}}}, True),
        ({"Condition": {"StringLike": {"aws:PrincipalOrgID": ["o-1", "*"]}}}, True),
        ({"Condition": {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}}, True),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}, True),
        ({"Condition": {"StringEquals": {"sts:ExternalId": "guess"}}}, True),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": []}}}, True),
        ({"Condition": "nonsense"}, True),
    ],
)
def test_anyone_is_a_principal_that_no_condition_bounds(change: dict[str, Any], anyone: bool) -> None:
    """A condition bounds callers by account, organisation, principal or network, and not by wildcards."""
    statement = {name: value for name, value in (ANYONE | change).items() if value is not None}
    assert allows_anyone(policy(statement)) is anyone


def test_principals_are_named_as_the_policy_names_them() -> None:
    """Every principal of an allowing statement, once, sorted."""
    allow = ANYONE | {"Principal": {"AWS": ["b", "a"], "Service": "c"}}
    deny = ANYONE | {"Effect": "Deny", "Principal": {"AWS": "d"}}
    assert principals(policy(allow, allow, deny)) == ["a", "b", "c"]


@given(
    st.recursive(st.text() | st.booleans() | st.none(), lambda v: st.lists(v) | st.dictionaries(st.text(), v))
)
def test_a_document_is_read_plain_or_percent_encoded(inner: Any) -> None:
    """IAM returns policies percent-encoded; both forms say the same."""
    text = json.dumps({"Statement": [], "x": inner})
    assert document(text) == document(quote(text)) == json.loads(text)


@pytest.mark.parametrize("text", [None, "", "  ", "{", "[]", '{"a": 1, "a": 2}', "%7B", 5])
def test_what_is_no_document_is_refused(text: Any) -> None:
    """Nothing unreadable is a policy that grants nothing."""
    with pytest.raises(InputRefused):
        document(text)


@pytest.mark.parametrize("statements", [["text"], [None], "text"])
def test_what_is_no_statement_is_refused(statements: Any) -> None:
    """Nothing unreadable is a statement that grants nothing."""
    for question in (grants_administration, allows_anyone, principals):
        with pytest.raises(InputRefused):
            question({"Statement": statements})
