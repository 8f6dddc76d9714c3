"""Keys joined with the identities that their policies name, and with the contracts that name them."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.facts import Fact, Unseen
from tests.derived_parts import EVERYTHING, Book, derive
from tests.fact_base import MemoryFacts, memory_facts, seen, whole

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/k1"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/ops/admin"
LOADER = f"arn:aws:iam::{ACCOUNT}:role/loader"
WHOLE = [whole(type_) for type_ in ("kms_key", "iam_user", "iam_role")]


def key(unseen: dict[str, Unseen] | None = None, **changes: Any) -> Fact:
    """A customer-managed key whose policy names the account's root."""
    value: dict[str, Any] = {
        "key_id": "k1", "account": ACCOUNT, "region": "eu-central-1", "aliases": ["alias/lake"], "manager": "CUSTOMER",
        "state": "Enabled", "data_class": None, "policy_principals": [f"arn:aws:iam::{ACCOUNT}:root"],
    } | changes  # fmt: skip
    shown = {k: v for k, v in value.items() if k not in (unseen or {})}
    return seen("kms_key", KEY, shown, unseen=unseen, evidence=["1/0"])


def role(arn: str, *, admin: bool, unseen: dict[str, Unseen] | None = None) -> Fact:
    """An IAM role."""
    return seen("iam_role", arn, {} if unseen else {"admin": admin}, unseen=unseen, evidence=["2/0"])


def custody(*facts: Fact, listed: bool = True) -> Fact:
    """The custody of the one key among these facts."""
    base = memory_facts(facts=facts, scopes=WHOLE if listed else [])
    return derive(base, "key_custody")[KEY]


def test_an_administrator_in_a_key_policy_is_named() -> None:
    """An identity that the policy names and that IAM shows as administrator is listed, with both evidences."""
    fact = custody(key(policy_principals=[ADMIN, LOADER]), role(ADMIN, admin=True), role(LOADER, admin=False))
    assert fact.value["administrators"] == [ADMIN]
    assert fact.evidence == ("1/0", "2/0")


def test_a_session_stands_for_its_role() -> None:
    """A session's ARN leaves out the role's path; it is the same identity."""
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/run-7"
    fact = custody(key(policy_principals=[session]), role(ADMIN, admin=True))
    assert fact.value["administrators"] == [ADMIN]
    assert fact.value["unknown_principals"] == []


def test_the_account_itself_is_a_delegation_and_no_identity() -> None:
    """Naming the root of the key's own account hands the decision to IAM policies."""
    fact = custody(key())
    assert fact.value["delegates_to_account"] is True
    assert fact.value["outsiders"] == []
    assert fact.value["administrators"] == []


def test_other_accounts_and_deleted_identities_are_told_apart() -> None:
    """Another account is an outsider; what KMS shows of a deleted role is an unknown principal; services are neither."""
    principals = [
        "arn:aws:iam::999999999999:root",
        "999999999999",
        "AROAEXAMPLE12345678AB",
        "logs.amazonaws.com",
    ]
    fact = custody(key(policy_principals=principals))
    assert fact.value["outsiders"] == ["999999999999", "arn:aws:iam::999999999999:root"]
    assert fact.value["unknown_principals"] == ["AROAEXAMPLE12345678AB"]


def test_without_a_whole_listing_nobody_can_say_that_there_is_no_administrator() -> None:
    """An identity that is named and not listed may be anything while IAM was not seen whole."""
    fact = custody(key(policy_principals=[LOADER]), listed=False)
    assert fact.unseen["administrators"].cause == "incomplete"
    assert fact.unseen["unknown_principals"].cause == "incomplete"


def test_an_administrator_that_was_seen_stays_seen() -> None:
    """One administrator is enough to fail, whatever else could not be seen."""
    fact = custody(key(policy_principals=[ADMIN, LOADER]), role(ADMIN, admin=True), listed=False)
    assert fact.value["administrators"] == [ADMIN]


def test_hidden_rights_hide_the_answer() -> None:
    """An identity whose rights were denied leaves the administrators unseen."""
    denied = role(LOADER, admin=False, unseen={"admin": Unseen("incomplete", "denied")})
    assert custody(key(policy_principals=[LOADER]), denied).unseen["administrators"].cause == "incomplete"


def test_a_hidden_policy_hides_all_that_follows_from_it() -> None:
    """Without the policy's principals nothing about custody can be told."""
    fact = custody(key({"policy_principals": Unseen("incomplete", "denied")}))
    assert {"administrators", "outsiders", "unknown_principals", "delegates_to_account"} == fact.unseen.keys()


def lake(contract: dict[str, Any], *facts: Fact, listed: bool = True) -> MemoryFacts:
    """A base with one contract of lake/orders and these facts."""
    book = Book()
    book.contract("orders", ["billing"], **contract)
    return book.base(facts=facts, scopes=WHOLE if listed else [], sources=[EVERYTHING])


@pytest.mark.parametrize("name", [KEY, "k1", "alias/lake"])
def test_a_contract_may_name_its_key_by_arn_id_or_alias(name: str) -> None:
    """The key that the contract names is joined with what KMS says of it."""
    fact = derive(lake({"encryption_key": name, "key_spaces": ["customer"]}, key()), "dataset_key")[
        "lake/orders"
    ]
    assert (fact.value["found"], fact.value["manager"], fact.value["state"]) == (True, "CUSTOMER", "Enabled")
    assert fact.value["personal"] is True
    assert fact.value["region_permitted"] is None
    assert fact.evidence == ("1/0", "10/0")


def test_the_keys_region_is_held_against_the_contract() -> None:
    """Where the contract names regions, the key must lie in one of them."""
    inside = lake({"encryption_key": "k1", "residency": ["eu-central-1"]}, key())
    outside = lake({"encryption_key": "k1", "residency": ["us-east-1"]}, key())
    assert derive(inside, "dataset_key")["lake/orders"].value["region_permitted"] is True
    assert derive(outside, "dataset_key")["lake/orders"].value["region_permitted"] is False


def test_a_contract_that_names_no_key_leaves_it_open() -> None:
    """Which key encrypts the dataset is unseen, not false, where the contract does not say."""
    fact = derive(lake({}, key()), "dataset_key")["lake/orders"]
    assert fact.value["key_named"] is None
    assert fact.unseen["found"].cause == "missing"


def test_a_key_that_is_not_there_is_only_missing_where_all_were_listed() -> None:
    """A key that KMS does not have is not found; while keys were not listed whole, nobody knows."""
    named = {"encryption_key": "alias/gone"}
    assert derive(lake(named, key()), "dataset_key")["lake/orders"].value["found"] is False
    blind = derive(lake(named, key(), listed=False), "dataset_key")["lake/orders"]
    assert blind.unseen["found"].cause == "incomplete"
