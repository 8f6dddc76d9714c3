"""What holds for every derivation: schema, privacy, order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from compliance.derived import DERIVATIONS
from compliance.facts import Fact, FactBase
from tests.derived_parts import ANN, BOB, CAM, EVERYTHING, Book
from tests.fact_base import MemoryFacts, seen, whole
from tests.sound_privacy import LISTED as LISTED_OF_PRIVACY
from tests.sound_privacy import RESOURCES as RESOURCES_OF_PRIVACY
from tests.sound_security import LISTED, RESOURCES
from tests.test_derived_identities import USER
from tests.test_derived_keys import ADMIN, key, role
from tests.test_derived_models import registered


def organisation() -> MemoryFacts:
    """A small organisation in which every derivation finds something."""
    book = Book()
    book.purpose("fraud", basis="consent", retention_days=90)
    book.contract("orders", ["fraud"], key_spaces=["customer"], encryption_key="k1", retention_days=30,
                  fields=[{"name": "diagnosis", "sensitivity": "health"}])  # fmt: skip
    book.consent(ANN, "fraud", "granted", 30)
    book.consent(BOB, "fraud", "withdrawn", 10)
    book.run("w1", reads=["raw"], writes=["orders"], days=5, columns=True, tags={"purpose": "fraud"})
    book.manifest("orders", "w1", [ANN, BOB])
    book.run(
        "t1", reads=["orders"], writes=["scores"], days=2, tags={"purpose": "fraud", "model": "scorer@3"}
    )
    book.erasure("e1", CAM, ["orders"])
    book.decision("d1", [ANN, BOB, CAM], purpose="fraud", principal="agent-7",
                  dataset={"namespace": "lake", "name": "orders"})  # fmt: skip
    user = {
        "name": "ann", "account": "123456789012", "admin": False, "created": "2026-01-01T00:00:00Z",
        "console_access": True, "password_last_used": None, "access_keys": [],
    }  # fmt: skip
    facts = [
        key(policy_principals=[ADMIN]),
        role(ADMIN, admin=True),
        registered(),
        seen("iam_user", USER, user),
        seen("iam_account", "123456789012", {"account": "123456789012"}),
        *(seen(type_, name, value) for (type_, name), value in {**RESOURCES, **RESOURCES_OF_PRIVACY}.items()),
    ]
    scopes = [
        whole(type_)
        for type_ in ("kms_key", "iam_account", "iam_user", "iam_role", *LISTED, *LISTED_OF_PRIVACY)
    ]
    return book.base(facts=facts, scopes=scopes, sources=[EVERYTHING])


def everything(base: FactBase) -> Iterator[Fact]:
    """All derived facts of a base."""
    for name in sorted(DERIVATIONS):
        yield from DERIVATIONS[name].derive(base)


@pytest.mark.parametrize("name", sorted(DERIVATIONS))
def test_every_derivation_finds_something_here(name: str) -> None:
    """The sample organisation exercises every derivation, so that the tests below say something."""
    assert list(DERIVATIONS[name].derive(organisation()))


@pytest.mark.parametrize(
    "base", [organisation(), replace(organisation(), feeds=(), states=())], ids=["seen", "blind"]
)
def test_every_field_is_a_value_or_unseen(base: MemoryFacts) -> None:
    """A derived fact holds every field of its schema, or names it as unseen; never both, never more."""
    for fact in everything(base):
        fields = {field.name: field for field in DERIVATIONS[fact.type].schema.fields}
        assert fact.value.keys() | fact.unseen.keys() == fields.keys(), fact.resource
        assert not fact.value.keys() & fact.unseen.keys(), fact.resource
        absent = {name for name, value in fact.value.items() if value is None}
        assert all(fields[name].optional for name in absent), (fact.type, absent)


def test_no_pseudonym_and_no_principal_enters_a_derived_fact() -> None:
    """Derived facts reach pages and reports: they count people and never name them."""
    for fact in everything(organisation()):
        assert not any(word in repr(fact) for word in (ANN, BOB, CAM, "agent-7")), fact


def test_every_derived_fact_cites_evidence() -> None:
    """What is judged of a derived fact can be traced to entries of the log."""
    for fact in everything(organisation()):
        assert fact.evidence or fact.type == "evidence_source", (fact.type, fact.resource)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_records_changes_nothing(seed: int) -> None:
    """The same records in any order give the same facts."""
    base = organisation()
    shuffled = list(base.records)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 (an order, not a secret)
    assert list(everything(replace(base, records=tuple(shuffled)))) == list(everything(base))


def test_what_a_derivation_reads_is_stated() -> None:
    """A derivation states its inputs, none of them a derived type, and never names one twice."""
    for name, derivation in DERIVATIONS.items():
        stated = derivation.schema.inputs + derivation.schema.adds
        assert len(set(stated)) == len(stated), name
        assert not set(stated) & DERIVATIONS.keys(), name
        assert derivation.schema.name == name


@pytest.mark.parametrize("name", sorted(DERIVATIONS))
def test_a_derivation_reads_nothing_that_it_does_not_state(name: str) -> None:
    """Records of kinds that a derivation does not state change nothing of its facts."""
    base = organisation()
    schema = DERIVATIONS[name].schema
    stated = set(schema.inputs + schema.adds)
    fewer = replace(
        base,
        records=tuple(record for record in base.records if record.kind in stated),
        given=tuple(fact for fact in base.given if fact.type in stated),
    )
    assert list(DERIVATIONS[name].derive(fewer)) == list(DERIVATIONS[name].derive(base))
