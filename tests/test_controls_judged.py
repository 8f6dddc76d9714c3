"""The shipped controls, judged over a whole organisation: effective where it is sound, failing where it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from compliance.assessment import assess
from compliance.assessment.assessing import Judgement
from compliance.assessment.outcome import CheckResult
from compliance.assessment.populations import KINDS
from compliance.derived import DERIVATIONS
from compliance.facts import Fact, Unseen
from tests.derived_parts import ANN, BOB, CAM, LAKE, ago, push
from tests.fact_base import AT, MemoryFacts, memory_facts
from tests.shipped import ACCOUNT, KEY, MODEL, ROLE, USER, Break, Organisation, shipped, sound
from tests.sound_privacy import FAULTS as FAULTS_OF_PRIVACY
from tests.sound_security import FAULTS as FAULTS_OF_SECURITY

TICKETS = {"namespace": LAKE, "name": "tickets"}
TAG = {"purpose": "support"}


def outcomes(base: MemoryFacts) -> dict[str, str]:
    """How every check and attestation of the library comes out."""
    controls = assess(shipped(), base, DERIVATIONS).controls.values()
    return {result.check: result.outcome for control in controls for result in control.checks}


def judged(base: MemoryFacts, name: str) -> CheckResult:
    """One check of the library over a base."""
    check = shipped().checks[name]
    control = next(control for control in shipped().controls if check in control.checks)
    return Judgement(base, DERIVATIONS).check(check, control)


def test_a_sound_organisation_is_effective_throughout() -> None:
    """Where everything is in order and seen, every check and attestation passes."""
    assert {name: outcome for name, outcome in outcomes(sound().base()).items() if outcome != "pass"} == {}


def test_where_nothing_was_ever_received_nothing_is_effective() -> None:
    """Silence is never effective: without any evidence every check and attestation is unknown."""
    assert set(outcomes(memory_facts()).values()) == {"unknown"}


def amended(organisation: Organisation, number: int, *, days: float, **changes: Any) -> str:
    """A later version of a contract: the record with that number, changed."""
    former = dict(organisation.book.records[number].value)
    return organisation.book.put("contract", former | changes | {"valid_from": ago(days)}, days)


FAULTS: dict[str, Break] = {
    **FAULTS_OF_PRIVACY,
    **FAULTS_OF_SECURITY,
    "iam-console-user-has-mfa": lambda o: o.set("iam_user", USER, console_access=True, mfa_active=False),
    "iam-root-has-mfa": lambda o: o.set("iam_account", ACCOUNT, root_mfa=False),
    "iam-user-not-dormant": lambda o: o.set(
        "iam_user", USER, console_access=True, password_last_used=ago(200), access_keys=[]
    ),
    "iam-password-length": lambda o: o.set("iam_account", ACCOUNT, password_min_length=8),
    "iam-password-history": lambda o: o.set("iam_account", ACCOUNT, password_reuse_prevention=None),
    "iam-user-not-administrator": lambda o: o.set("iam_user", USER, admin=True),
    "iam-role-trust-is-closed": lambda o: o.set("iam_role", f"{ROLE}/trainer", trusts_anyone=True),
    "iam-admin-role-owned-and-used": lambda o: o.set("iam_role", f"{ROLE}/ops", admin=True, last_used=ago(120)),
    "iam-roles-state-owner-and-purpose": lambda o: o.set("iam_role", f"{ROLE}/trainer", purpose=None),
    "iam-access-keys-young": lambda o: o.set(
        "iam_user", USER, access_keys=[{"active": True, "created": ago(100), "last_used": ago(1)}]
    ),
    "iam-root-has-no-access-key": lambda o: o.set("iam_account", ACCOUNT, root_access_keys=1),
    "dataset-key-is-ours-and-usable": lambda o: amended(o, 1, days=3, residency=["us-east-1"]),
    "kms-rotation-on": lambda o: o.set("kms_key", KEY, rotation_enabled=False),
    "kms-unrotatable-key-young": lambda o: o.set("kms_key", KEY, rotation_supported=False, rotation_enabled=None),
    "kms-policy-names-no-wildcard": lambda o: o.set("kms_key", KEY, policy_allows_anyone=True),
    "kms-use-apart-from-administration": lambda o: o.set("iam_role", f"{ROLE}/trainer", admin=True),
    "kms-policy-names-no-stranger": lambda o: o.set("kms_key", KEY, policy_principals=["arn:aws:iam::999999999999:root"]),
    "kms-key-has-owner": lambda o: o.set("kms_key", KEY, owner=None),
    "evidence-population-complete": lambda o: o.scopes.append(
        replace(o.scopes[0], scope="999999999999", cause="incomplete", detail="iam:GetAccountSummary denied")
    ),
    "evidence-source-in-time": lambda o: o.sources.append(push("members", name="second", cause="stale")),
    "decision-log-entries-complete": lambda o: o.book.decision("d2", [ANN], purpose="support", dataset=TICKETS),
    "purpose-in-use-is-registered": lambda o: o.book.run("r9", reads=["tickets"], tags={"purpose": "resale"}),
    "decision-has-consent": lambda o: o.book.decision("d2", [CAM], days=25, purpose="support", principal="x", dataset=TICKETS),
    "run-reads-no-withdrawn-record": lambda o: o.book.consent(BOB, "support", "withdrawn", 12),
    "decision-uses-no-withdrawn-record": lambda o: o.book.consent(ANN, "support", "withdrawn", 2),
    "run-declares-purpose": lambda o: o.book.run("r9", reads=["tickets"], writes=[]),
    "run-purpose-permitted": lambda o: amended(o, 1, days=12, permitted_purposes=[]),
    "decision-purpose-permitted": lambda o: amended(o, 1, days=3, permitted_purposes=[]),
    "dataset-has-contract": lambda o: o.book.run("r9", reads=["scratch"], tags=TAG),
    "contract-classifies-fields": lambda o: amended(o, 1, days=3, fields=[{"name": "email"}]),
    "dataset-is-described": lambda o: o.book.run("r9", reads=["scratch"], tags=TAG),
    "written-dataset-has-column-lineage": lambda o: o.book.run("r9", writes=["scratch"], tags=TAG),
    "personal-dataset-has-column-lineage": lambda o: o.book.run("r9", writes=["scores"], tags=TAG),
    "model-in-use-is-traceable": lambda o: o.set("model_version", "ranker/1", name="ranker", version="1"),
    "personal-dataset-has-manifest": lambda o: o.book.run("r9", writes=["scores"], tags=TAG, columns=True),
    "personal-dataset-retention-bounded": lambda o: amended(o, 1, days=3, retention_days=400),
    "erasure-times-credible": lambda o: o.book.erasure("e2", BOB, ["archive"], asked=1, done=2),
    "erased-record-not-served": lambda o: o.book.decision("d2", [CAM], days=3, purpose="support", principal="x", dataset=TICKETS),
    "erasure-within-30-days": lambda o: o.book.erasure("e2", BOB, ["archive"], asked=60, done=2),
    "erased-record-stays-away": lambda o: o.book.manifest("tickets", "clean", [CAM], days=14),
    "model-in-use-is-inventoried": lambda o: o.set("model_version", MODEL, risk_class=None),
    "training-data-have-contracts": lambda o: o.book.run("r9", reads=["scratch"], tags=TAG | {"model": "scorer@3"}),
    "training-purpose-permitted": lambda o: amended(o, 2, days=7, permitted_purposes=[]),
    "training-read-no-withdrawn-record": lambda o: o.book.consent(BOB, "support", "withdrawn", 8),
    "model-in-use-is-approved": lambda o: o.set("model_version", MODEL, approval="rejected"),
    "model-approver-is-another": lambda o: o.set("model_version", MODEL, approved_by="j.lind"),
    "retrieval-from-admitted-dataset": lambda o: o.book.decision(
        "d2", [ANN], purpose="support", principal="x", dataset={"namespace": LAKE, "name": "chats"}),
    "retrieval-of-no-erased-record": lambda o: o.book.decision(
        "d2", [CAM], days=3, purpose="support", principal="x", dataset=TICKETS),
}  # fmt: skip
"""One fault for each check."""


def test_there_is_a_fault_for_every_check() -> None:
    """No check ships without a fault of a whole organisation that it finds."""
    assert FAULTS.keys() == shipped().checks.keys()


def broken(name: str) -> MemoryFacts:
    """The sound organisation with the fault that a check is there for."""
    organisation = sound()
    FAULTS[name](organisation)
    return organisation.base()


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_is_found(name: str) -> None:
    """Each check fails on the fault that it is there for, says which value decided it and what to change."""
    result = judged(broken(name), name)
    assert result.outcome == "fail"
    failing = [finding for finding in result.told if finding.outcome == "fail"]
    assert failing
    assert all(
        finding.reason and finding.fix and "{" not in finding.reason + finding.fix for finding in failing
    )


def hidden(base: MemoryFacts, fact: Fact, name: str) -> MemoryFacts:
    """The same base with one field of one fact denied."""
    value = {key: shown for key, shown in fact.value.items() if key != name}
    blind = replace(fact, value=value, unseen={name: Unseen("incomplete", "denied")})
    return replace(base, given=tuple(blind if one is fact else one for one in base.given))


def changed(base: MemoryFacts) -> list[Fact]:
    """The facts of a broken organisation that are not so in the sound one: those that decide."""
    usual = {repr(fact) for fact in sound().base().given}
    return [fact for fact in base.given if repr(fact) not in usual]


OF_FACTS = sorted(name for name in FAULTS if changed(broken(name)))


@pytest.mark.parametrize("name", OF_FACTS)
def test_hiding_a_field_never_makes_a_check_pass(name: str) -> None:
    """Whichever field of a collected fact that decides is denied, a check that fails does not pass."""
    base = broken(name)
    for fact in changed(base):
        for field in fact.value:
            assert judged(hidden(base, fact, field), name).outcome != "pass", (fact.resource, field)


def kinds_of(name: str) -> list[str]:
    """The kinds of received record that what a check is over is drawn from."""
    over = DERIVATIONS.get(shipped().checks[name].over)
    return [] if over is None else sorted({*over.schema.inputs, *over.schema.adds} & {*KINDS})


OF_RECORDS = sorted((name, kind) for name in FAULTS if name in shipped().checks for kind in kinds_of(name))


@pytest.mark.parametrize(("name", "kind"), OF_RECORDS)
def test_what_nobody_reports_makes_nothing_pass(name: str, kind: str) -> None:
    """Without any record of a kind and any source of it, what failed is failing or unknown, never effective by absence."""
    base = broken(name)
    less = replace(base, records=tuple(record for record in base.records if record.kind != kind), feeds=())
    assert judged(less, name).outcome != "pass"


def test_a_lapsed_signature_is_not_effective() -> None:
    """Every attestation of the library lapses: a year and a day later none is in force."""
    base = replace(sound().base(), at=AT.replace(year=AT.year + 1, day=AT.day + 5))
    after = outcomes(base)
    signed = {one.id for control in shipped().controls for one in control.attestations}
    assert {after[name] for name in signed} == {"unknown"}
