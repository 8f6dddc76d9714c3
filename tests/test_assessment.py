"""Judgement: three-valued findings, how they add up, and that silence and blindness are never green."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.assessment import Assessment, CheckResult, Finding, assess, gravest
from compliance.canonical import format_time
from compliance.errors import InputRefused
from compliance.evidence import Cause
from compliance.facts import Fact, FactBase, FactSchema, Field, Received, ScopeState, SourceState, Unseen
from compliance.library import Derivation, Library, load_library
from tests.fact_base import AT, memory_facts, seen, whole

BUCKET = FactSchema(
    "bucket", "A bucket.",
    (
        Field("kind", "string", "What kind it is."),
        Field("locked", "bool", "Whether it is locked."),
        Field("days", "int", "For how long.", optional=True),
        Field("owner", "string", "Whose it is.", optional=True),
    ),
)  # fmt: skip
USE = FactSchema(
    "use", "A use of data.", (Field("allowed", "bool", "Whether it was."),), inputs=("decision", "consent")
)
PAIR = FactSchema(
    "pair", "A bucket with a key.", (Field("fits", "bool", "Whether."),), inputs=("bucket", "key")
)
LONE = FactSchema("lone", "A fact from nowhere.", (Field("good", "bool", "Whether."),))

FRAMEWORK = """\
framework: rules
title: Rules
version: "1"
source: ours
assessability: marked
requirements:
  - {id: "1", parent: null, title: Group, assessable: false}
  - {id: "1.1", parent: "1", title: Lock, assessable: true, nature: technical}
  - {id: "1.2", parent: "1", title: Own, assessable: true, nature: technical}
  - {id: "1.3", parent: "1", title: Sign, assessable: true, nature: organisational}
  - {id: "1.4", parent: "1", title: Unanswered, assessable: true, nature: technical}
"""
SOC2 = """\
framework: soc2
title: Criteria
version: "1"
source: ours
assessability: marked
requirements:
  - {id: "CC6.1", parent: null, title: Access, assessable: true, nature: technical}
  - {id: "PI1.1", parent: null, title: Processing, assessable: true, nature: technical}
  - {id: "P1.1", parent: null, title: Notice, assessable: true, nature: technical}
"""
ACTS = """\
framework: acts
title: Acts
version: "1"
source: ours
assessability: marked
requirements:
  - {id: "1", parent: null, title: Provide, assessable: true, nature: technical, actor: provider_hr}
  - {id: "2", parent: null, title: Deploy, assessable: true, nature: technical, actor: deployer}
  - {id: "3", parent: null, title: Serve, assessable: true, nature: technical, service_provider_only: true}
"""


def control(id_: str, body: str, requirement: str = "rules:1.1", relationship: str = "superset-of") -> str:
    return (
        f"  - id: {id_}\n    title: {id_}\n    statement: s\n    rationale: r\n    owner: o\n    evidence_max_age: 24h\n"
        f"    retention: 1y\n    mappings:\n"
        f'      - {{requirement: "{requirement}", relationship: {relationship}, strength: 5, reason: r}}\n{body}'
    )


def check(id_: str, over: str, expect: str, *more: str, examples: str) -> str:
    lines = [f"id: {id_}", "title: t", f"over: {over}", f"expect: {expect}", "severity: high", *more]
    if not any(line.startswith("why_it_fails") for line in more):
        lines.append('why_it_fails: "{resource} fails"')
    lines += ['fix: "Mend {resource}."', f"examples: {examples}"]
    return "    checks:\n      - " + "\n        ".join(lines) + "\n"


LOCKED_EXAMPLES = (
    "{pass: [{kind: log, locked: true}], fail: [{kind: log, locked: false}],"
    " unknown: [{kind: log, locked: {unseen: incomplete}}]}"
)
LOCKED = check(
    "locked", "bucket", "fact.locked && (!has(fact.days) || fact.days >= 30)", 'where: fact.kind == "log"',
    "left_out: Not logs.", 'why_it_fails: "{resource} has locked = {locked} for {days} days"',
    examples=LOCKED_EXAMPLES,
)  # fmt: skip
OWNED = check(
    "owned", "bucket", "has(fact.owner)", "at_least: 0.75",
    examples="{pass: [{owner: x}], fail: [{}], unknown: [{owner: {unseen: missing}}]}",
)  # fmt: skip
USED = check(
    "used", "use", "fact.allowed",
    examples="{pass: [{allowed: true}], fail: [{allowed: false}], unknown: [{allowed: {unseen: missing}}]}",
)  # fmt: skip
PAIRED = check(
    "paired", "pair", "fact.fits",
    examples="{pass: [{fits: true}], fail: [{fits: false}], unknown: [{fits: {unseen: missing}}]}",
)  # fmt: skip
ALONE = check(
    "alone", "lone", "fact.good",
    examples="{pass: [{good: true}], fail: [{good: false}], unknown: [{good: {unseen: missing}}]}",
)  # fmt: skip
SIGNED = (
    "    attestations:\n      - {id: signed, title: Reviewed, statement: I have reviewed it., owner: dpo,"
    " valid_for: 30d, severity: low}\n"
)
SCHEMAS = {schema.name: schema for schema in (BUCKET, USE, PAIR, LONE)}


def library(*controls: str) -> Library:
    """A library of the given controls over the small frameworks of these tests."""
    family = "family: f\ntitle: F\ncontrols:\n" + "".join(controls)
    files = {"f.yaml": family, "frameworks/rules.yaml": FRAMEWORK, "frameworks/soc2.yaml": SOC2}
    return load_library({**files, "frameworks/acts.yaml": ACTS}, SCHEMAS)


LOCK = library(control("LOC-01", LOCKED))
OWN = library(control("OWN-01", OWNED))
SIGN = library(control("SIG-01", SIGNED, "rules:1.3"))
GOOD = {"kind": "log", "locked": True, "days": 40, "owner": "ops"}
BAD = {**GOOD, "locked": False}


def bucket(name: str, value: Mapping[str, Any] = GOOD, **more: Any) -> Fact:
    return seen("bucket", name, value, **more)


def judged(
    lib: Library,
    facts: Iterable[Fact] = (),
    *,
    derivations: Mapping[str, Derivation] | None = None,
    **more: Any,
) -> Assessment:
    more.setdefault("scopes", [whole("bucket")])
    return assess(lib, memory_facts(facts=tuple(facts), **more), derivations or {})


def result(assessment: Assessment) -> CheckResult:
    (only,) = assessment.checks.values()
    return only


def outcomes(assessment: Assessment) -> list[tuple[str, str, str | None]]:
    return [(f.resource_id, f.outcome, f.cause) for f in assessment.findings]


# --- one resource --------------------------------------------------------------------------------


def test_a_resource_that_meets_a_check_passes_and_one_that_does_not_fails() -> None:
    """Each resource is a finding that cites its evidence and names the value that decided it."""
    done = judged(LOCK, [bucket("a", evidence=("7/0",)), bucket("b", BAD, evidence=("7/1",))])
    good, bad = done.findings
    assert (good.outcome, good.evidence, good.fix) == ("pass", ("7/0",), "")
    assert "locked = true" in good.reason
    assert (bad.outcome, bad.cause, bad.evidence) == ("fail", None, ("7/1",))
    assert bad.reason == "b has locked = false for 40 days"
    assert bad.fix == "Mend b."
    assert done.controls["LOC-01"].status == "deficient"
    assert (done.controls["LOC-01"].failing, done.controls["LOC-01"].population) == (1, 2)


def test_a_finding_has_the_fields_of_the_contract() -> None:
    """``findings --json`` prints every field that others rely on; the instant judged is no time of day."""
    (finding,) = judged(LOCK, [bucket("a", BAD, at=AT - timedelta(hours=1))]).findings
    told = finding.as_json()
    assert told["evaluated_at"] == format_time(AT)
    assert told["observed_at"] == format_time(AT - timedelta(hours=1))
    assert told["requirements"] == ["rules:1.1"]
    assert set(told) >= {
        "check", "control", "requirements", "resource_type", "resource_id", "source", "outcome", "cause",
        "reason", "evidence", "observed_at", "evaluated_at",
    }  # fmt: skip


def test_a_resource_outside_where_is_left_out_and_counted() -> None:
    """What a check cannot apply to is no finding, and its number is told."""
    done = judged(LOCK, [bucket("a"), bucket("b", {**BAD, "kind": "temp"})])
    assert outcomes(done) == [("a", "pass", None)]
    assert result(done).not_applicable == 1
    assert done.controls["LOC-01"].status == "effective"


@pytest.mark.parametrize("name", ["kind", "locked", "days"])
@pytest.mark.parametrize("value", [GOOD, BAD, {**BAD, "kind": "temp"}])
def test_an_unseen_field_that_is_read_makes_the_finding_unknown(name: str, value: Mapping[str, Any]) -> None:
    """Unless ``where`` is false on what was seen, a hidden field gives unknown with its cause and reason."""
    hidden = bucket("a", value, unseen={name: Unseen("incomplete", "s3:GetBucket denied")})
    done = judged(LOCK, [hidden])
    if value["kind"] == "temp" and name != "kind":
        assert outcomes(done) == []
        return
    assert outcomes(done) == [("a", "unknown", "incomplete")]
    assert done.findings[0].reason == f"{name} of a could not be seen: s3:GetBucket denied."


def test_an_unseen_field_that_is_not_read_changes_nothing() -> None:
    """Only what the check reads can keep it from a verdict."""
    assert outcomes(judged(LOCK, [bucket("a", unseen={"owner": Unseen("missing", "x")})])) == [
        ("a", "pass", None)
    ]


def test_a_value_that_cannot_be_evaluated_is_unknown() -> None:
    """A field of the wrong type is unreadable; it is neither pass nor fail."""
    assert outcomes(judged(LOCK, [bucket("a", {**GOOD, "locked": "yes"})])) == [
        ("a", "unknown", "unreadable")
    ]


def test_evidence_is_fresh_up_to_the_age_allowed_and_stale_after_it() -> None:
    """Exactly 24 hours old still passes; a second more is stale, and the reason names both ages."""
    day = AT - timedelta(hours=24)
    assert outcomes(judged(LOCK, [bucket("a", at=day)])) == [("a", "pass", None)]
    (stale,) = judged(LOCK, [bucket("a", at=day - timedelta(seconds=1))]).findings
    assert (stale.outcome, stale.cause) == ("unknown", "stale")
    assert "1 day before the instant judged; at most 1 day is allowed" in stale.reason


def test_a_check_is_as_fresh_as_the_fields_that_it_reads() -> None:
    """A part that is old makes stale what reads it, and not what reads another part of the same resource."""
    old = AT - timedelta(days=3)
    fact = replace(bucket("a", at=old), seen_at={"owner": old, "kind": AT, "locked": AT, "days": AT})
    assert outcomes(judged(LOCK, [fact])) == [("a", "pass", None)]
    assert result(judged(OWN, [fact])).cause == "stale"
    hidden = replace(fact, seen_at={**fact.seen_at, "days": old})
    assert outcomes(judged(LOCK, [hidden])) == [("a", "unknown", "stale")]


def test_stale_evidence_of_what_where_would_leave_out_is_unknown_too() -> None:
    """Nothing leaves a population for lack of sight: what it was long ago does not say what it is."""
    old = bucket("a", {**GOOD, "kind": "temp"}, at=AT - timedelta(days=9))
    assert outcomes(judged(LOCK, [old])) == [("a", "unknown", "stale")]


FACTS = st.lists(
    st.builds(
        lambda kind, locked, days, owner: {"kind": kind, "locked": locked, "days": days, "owner": owner},
        st.sampled_from(["log", "temp"]), st.booleans(), st.none() | st.integers(0, 60), st.none() | st.just("x"),
    ),
    max_size=5,
)  # fmt: skip
CAUSES: tuple[Cause, ...] = ("missing", "stale", "incomplete", "unreadable")


@given(values=FACTS, data=st.data())
def test_hiding_any_fields_never_makes_a_pass(values: list[dict[str, Any]], data: st.DataObject) -> None:
    """Whatever is hidden, by naming it unseen or by leaving it out, no finding, check or control becomes pass."""
    facts = [bucket(f"b{number}", value) for number, value in enumerate(values)]
    hidden = [_hide(fact, data) for fact in facts]
    for lib in (LOCK, OWN):
        before, after = judged(lib, facts), judged(lib, hidden)
        passed = {finding.key() for finding in before.findings if finding.outcome == "pass"}
        assert {finding.key() for finding in after.findings if finding.outcome == "pass"} <= passed
        for name, done in after.controls.items():
            assert done.status != "effective" or before.controls[name].status == "effective"


def _hide(fact: Fact, data: st.DataObject) -> Fact:
    names = data.draw(st.sets(st.sampled_from(sorted(BUCKET_FIELDS))))
    gone = data.draw(st.sets(st.sampled_from(sorted(BUCKET_FIELDS))))
    value = {name: held for name, held in fact.value.items() if name not in gone}
    cause = data.draw(st.sampled_from(CAUSES))
    return replace(fact, value=value, unseen={name: Unseen(cause, "denied") for name in names})


BUCKET_FIELDS = {part.name for part in BUCKET.fields}

# --- populations ---------------------------------------------------------------------------------


def test_a_scope_that_was_not_seen_whole_is_a_finding_of_its_own() -> None:
    """The account that denied the listing is unknown; the resources that were seen keep their findings."""
    denied = ScopeState("bucket", "aws", "999", None, "incomplete", "s3:ListBuckets denied", ("8",), AT)
    done = judged(LOCK, [bucket("a")], scopes=[whole("bucket"), denied])
    assert outcomes(done) == [("a", "pass", None), ("999", "unknown", "incomplete")]
    scope = done.findings[1]
    assert (scope.resource_type, scope.source, scope.evidence) == ("scope", "aws", ("8",))
    assert scope.reason == "aws could not see every bucket of 999: s3:ListBuckets denied."
    assert done.controls["LOC-01"].status == "unknown"
    assert done.controls["LOC-01"].cause == "incomplete"


def test_a_listing_that_is_too_old_is_stale_even_where_it_was_empty() -> None:
    """An empty population of last week says nothing of today."""
    done = judged(LOCK, scopes=[whole("bucket", at=AT - timedelta(days=7))])
    assert outcomes(done) == [("123456789012", "unknown", "stale")]
    assert "at most 1 day is allowed" in done.findings[0].reason


def test_a_scope_that_was_never_seen_whole_is_missing() -> None:
    """A state without a time of seeing is no listing."""
    never = replace(whole("bucket"), seen_whole_at=None)
    assert outcomes(judged(LOCK, scopes=[never])) == [("123456789012", "unknown", "missing")]


def test_nothing_collected_at_all_is_missing_and_never_green() -> None:
    """Where no source lists the type, one finding says so; facts without a listing do not help."""
    assert outcomes(judged(LOCK, scopes=[])) == [("bucket", "unknown", "missing")]
    done = judged(LOCK, [bucket("a")], scopes=[])
    assert outcomes(done) == [("a", "pass", None), ("bucket", "unknown", "missing")]
    assert done.controls["LOC-01"].status == "unknown"


def test_an_empty_population_by_a_complete_listing_is_effective_as_nothing_to_test() -> None:
    """Seen whole and empty passes, in words that say that nothing was tested."""
    done = judged(LOCK)
    assert done.controls["LOC-01"].status == "effective"
    assert result(done).reason == "Nothing to test: there is no bucket."
    left = judged(LOCK, [bucket("a", {**GOOD, "kind": "temp"})])
    assert result(left).reason == "Nothing to test: all 1 of bucket are left out (Not logs)."


# --- derived facts -------------------------------------------------------------------------------


def deriving(schema: FactSchema, *facts: Fact) -> dict[str, Derivation]:
    return {schema.name: Derivation(schema, lambda _: facts)}


def record(
    kind: Any, value: Mapping[str, Any], at: datetime = AT, source: str = "api", evidence: str = "30/0"
) -> Received:
    return Received(kind, source, value, at, evidence)


def pushing(name: str, *accepts: str, cause: Cause | None = None, last: datetime | None = AT) -> SourceState:
    return SourceState(name, "push", last, cause, "silent for 9 days" if cause else "", accepts, (), ("4",))


USED_LIB = library(control("USE-01", USED))
PAIRED_LIB = library(control("PAI-01", PAIRED))
ALONE_LIB = library(control("ALO-01", ALONE))


def test_a_derived_fact_is_unknown_where_a_source_of_its_records_is_silent() -> None:
    """A stale source of one of the kinds that a derived fact is computed from is a finding of its own."""
    use = seen("use", "u1", {"allowed": True}, at=AT - timedelta(days=300))
    sources = [pushing("opa", "decisions"), pushing("crm", "consents", cause="stale")]
    done = judged(USED_LIB, sources=sources, derivations=deriving(USE, use))
    assert outcomes(done) == [("crm", "unknown", "stale"), ("u1", "pass", None)]
    assert done.findings[0].reason == "The source crm: silent for 9 days."
    assert done.controls["USE-01"].status == "unknown"


def test_what_was_declared_does_not_age_while_its_source_speaks() -> None:
    """A decision of last year stays judged: it is the silence of its source that is stale."""
    use = seen("use", "u1", {"allowed": True}, at=AT - timedelta(days=300))
    sources = [pushing("opa", "decisions"), pushing("crm", "consents")]
    done = judged(USED_LIB, sources=sources, derivations=deriving(USE, use))
    assert done.controls["USE-01"].status == "effective"


def test_a_kind_of_record_that_comes_from_nowhere_is_missing() -> None:
    """Neither a source that accepts consents nor one consent: what is derived from them is unknown."""
    use = seen("use", "u1", {"allowed": True})
    done = judged(USED_LIB, sources=[pushing("opa", "decisions")], derivations=deriving(USE, use))
    assert outcomes(done) == [("consent", "unknown", "missing"), ("u1", "pass", None)]
    received = [record("consent", {"purpose": "p"})]
    done = judged(
        USED_LIB, sources=[pushing("opa", "decisions")], received=received, derivations=deriving(USE, use)
    )
    assert done.controls["USE-01"].status == "effective"


def test_no_records_of_a_source_that_never_reported_are_not_an_empty_population() -> None:
    """Silence is never nothing to test: only a source that has reported can have nothing to report."""
    sources = [pushing("all", last=None)]
    assert outcomes(judged(USED_LIB, sources=sources, derivations=deriving(USE))) == [
        ("use", "unknown", "missing")
    ]
    done = judged(USED_LIB, sources=[pushing("all")], derivations=deriving(USE))
    assert (outcomes(done), done.controls["USE-01"].status) == ([], "effective")


def test_a_derived_fact_needs_every_listing_that_it_is_joined_from() -> None:
    """A join is blind where one of its inputs is, and as old as the oldest of them."""
    pair = seen("pair", "p", {"fits": True})
    done = judged(PAIRED_LIB, scopes=[whole("bucket")], derivations=deriving(PAIR, pair))
    assert outcomes(done) == [("p", "pass", None), ("key", "unknown", "missing")]
    old = replace(pair, observed_at=AT - timedelta(days=2))
    done = judged(PAIRED_LIB, scopes=[whole("bucket"), whole("key")], derivations=deriving(PAIR, old))
    assert outcomes(done) == [("p", "unknown", "stale")]


def test_a_derived_population_without_inputs_is_not_green_by_being_empty() -> None:
    """Where nothing lists a population, none of it is no evidence."""
    assert outcomes(judged(ALONE_LIB, derivations=deriving(LONE))) == [("lone", "unknown", "missing")]


def test_a_derivation_that_refuses_is_unreadable() -> None:
    """Records that cannot be interpreted make the derived population unknown, not empty."""

    def refuse(_: FactBase) -> Iterable[Fact]:
        raise InputRefused("decision 7 has no time")

    sources = [pushing("all")]
    done = judged(USED_LIB, sources=sources, derivations={"use": Derivation(USE, refuse)})
    assert outcomes(done) == [("use", "unknown", "unreadable")]


# --- thresholds ----------------------------------------------------------------------------------

OWNLESS = {**GOOD, "owner": None}


def owned(holds: int, misses: int, unknown: int) -> list[Fact]:
    hidden = {"owner": Unseen("incomplete", "denied")}
    return (
        [bucket(f"a{n}") for n in range(holds)]
        + [bucket(f"b{n:03}", OWNLESS, evidence=(f"9/{n}",)) for n in range(misses)]
        + [bucket(f"c{n}", unseen=hidden) for n in range(unknown)]
    )


@pytest.mark.parametrize(
    ("holds", "misses", "unknown", "outcome"),
    [
        (3, 1, 0, "pass"), (2, 1, 1, "unknown"), (74, 26, 0, "fail"), (75, 25, 0, "pass"),
        (74, 25, 1, "unknown"), (75, 24, 1, "pass"), (73, 26, 1, "fail"), (0, 0, 3, "unknown"), (0, 0, 0, None),
    ],
)  # fmt: skip
def test_a_threshold_counts_unknowns_against_a_pass_and_for_a_fail(
    holds: int, misses: int, unknown: int, outcome: str | None
) -> None:
    """It passes only if it holds with every unknown counted against, fails only if it misses with all counted for."""
    done = judged(OWN, owned(holds, misses, unknown))
    assert outcomes(done) == (
        [("bucket", outcome, "incomplete" if outcome == "unknown" else None)] if outcome else []
    )
    assert (result(done).passing, result(done).failing, result(done).unknown) == (holds, misses, unknown)


def test_the_reason_of_a_threshold_names_numerator_denominator_and_unknowns_both_ways() -> None:
    """An auditor can do the sum again from the sentence."""
    (finding,) = judged(OWN, owned(74, 25, 1)).findings
    assert "74 of 100 meet it (74 %); 75 % must." in finding.reason
    assert (
        "74 of 100 (74 %) with all of them counted against, 75 of 100 (75 %) with all counted for"
        in finding.reason
    )
    assert finding.resource_type == "ratio"


def test_the_evidence_of_a_threshold_is_that_of_its_misses_and_bounded() -> None:
    """At most twenty misses are cited, and the reason says of how many."""
    (finding,) = judged(OWN, owned(10, 30, 0)).findings
    assert finding.evidence == tuple(f"9/{n}" for n in range(20))
    assert "the first 20 of 30" in finding.reason


def test_a_threshold_over_a_population_not_seen_whole_is_unknown() -> None:
    """The unseen part of a population may hold any number of unknowns, for and against."""
    denied = ScopeState("bucket", "aws", "999", None, "incomplete", "denied", (), AT)
    for facts in (owned(10, 0, 0), owned(0, 10, 0)):
        done = judged(OWN, facts, scopes=[whole("bucket"), denied])
        assert {finding.outcome for finding in done.findings} == {"unknown"}


# --- exceptions and attestations -----------------------------------------------------------------


def waiver(**changed: Any) -> Received:
    value = {
        "id": "w1", "check": "locked", "resource": "b", "reason": "migration", "compensating": "daily copy",
        "approver": "ciso", "valid_from": "2026-11-01T00:00:00Z", "expires_at": "2026-12-01T00:00:00Z",
    }  # fmt: skip
    return record("exception", {**value, **changed}, evidence="40/0")


def test_an_exception_in_force_turns_a_failure_into_excepted_and_says_why() -> None:
    """The finding names approver, reason, end and what compensates, cites the exception, and still the value."""
    (finding,) = judged(LOCK, [bucket("b", BAD)], received=[waiver()]).findings
    assert (finding.outcome, finding.evidence) == ("excepted", ("1/0", "40/0"))
    assert all(
        part in finding.reason for part in ("ciso", "migration", "daily copy", "2026-12-01", "locked = false")
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"expires_at": "2026-11-20T00:00:00Z"}, {"valid_from": "2026-11-24T00:00:00Z"}, {"resource": "other"},
        {"check": "other"}, {"expires_at": None}, {"valid_from": "soon"}, {"approver": ""}, {"reason": None},
        {"expires_at": "2026-11-23T12:00:00Z"}, {"check": None, "control": "OTH-01"}, {"check": 7, "control": None},
    ],
)  # fmt: skip
def test_an_exception_that_lapsed_or_is_not_for_this_or_not_well_formed_excepts_nothing(
    changed: dict[str, Any],
) -> None:
    """A lapsed exception reopens the failure; a malformed one never closed it."""
    assert outcomes(judged(LOCK, [bucket("b", BAD)], received=[waiver(**changed)])) == [("b", "fail", None)]


@pytest.mark.parametrize("changed", [{"resource": None}, {"check": None, "control": "LOC-01"}])
def test_an_exception_may_be_for_every_resource_or_a_whole_control(changed: dict[str, Any]) -> None:
    """Without a resource it covers all of them; with a control, all of its checks."""
    done = judged(LOCK, [bucket("b", BAD)], received=[waiver(**changed)])
    assert done.controls["LOC-01"].status == "excepted"


def test_an_exception_never_excepts_what_is_unknown() -> None:
    """Only a failure that was seen can be accepted."""
    blind = bucket("b", unseen={"locked": Unseen("incomplete", "denied")})
    assert outcomes(judged(LOCK, [blind], received=[waiver()])) == [("b", "unknown", "incomplete")]


def test_the_last_exception_of_an_id_stands() -> None:
    """One that is sent again with an earlier end withdraws the first."""
    shorter = replace(waiver(expires_at="2026-11-02T00:00:00Z"), instant=AT + timedelta(seconds=1))
    assert outcomes(judged(LOCK, [bucket("b", BAD)], received=[shorter, waiver()])) == [("b", "fail", None)]


def test_an_exception_of_a_resource_never_improves_a_threshold() -> None:
    """What holds only with the excepted counted for is excepted, not passed."""
    facts = owned(70, 30, 0)
    waived = [waiver(id=f"w{n}", check="owned", resource=f"b{n:03}") for n in range(5)]
    assert outcomes(judged(OWN, facts, received=waived[:4])) == [("bucket", "fail", None)]
    assert outcomes(judged(OWN, facts, received=waived)) == [("bucket", "excepted", None)]


def signed(**changed: Any) -> Received:
    value = {
        "attestation": "signed", "control": "SIG-01", "statement": "I have  reviewed it.", "signed_by": "Ada",
        "signed_at": "2026-11-10T00:00:00Z",
    }  # fmt: skip
    return record("attestation", {**value, **changed}, evidence="50/0")


@pytest.mark.parametrize(
    ("changed", "outcome", "cause"),
    [
        ({}, "pass", None),
        ({"statement": None}, "pass", None),
        ({"signed_at": "2026-10-24T12:00:00Z"}, "pass", None),
        ({"signed_at": "2026-10-24T11:59:59Z"}, "unknown", "stale"),
        ({"valid_until": "2026-11-22T00:00:00Z"}, "unknown", "stale"),
        ({"valid_until": "2036-11-22T00:00:00Z", "signed_at": "2026-01-01T00:00:00Z"}, "unknown", "stale"),
        ({"signed_at": "2026-11-24T00:00:00Z"}, "unknown", "missing"),
        ({"signed_at": "2026-11-10"}, "unknown", "missing"),
        ({"attestation": "other"}, "unknown", "missing"),
        ({"control": "OTH-01"}, "unknown", "missing"),
        ({"statement": "I have not reviewed it."}, "unknown", "missing"),
    ],
)
def test_a_signed_statement_passes_until_it_lapses(
    changed: dict[str, Any], outcome: str, cause: str | None
) -> None:
    """In force from its signing for as long as the library allows, or less; then stale; without one, missing."""
    done = judged(SIGN, received=[signed(**changed)])
    assert outcomes(done) == [("signed", outcome, cause)]
    assert done.controls["SIG-01"].status == ("effective" if outcome == "pass" else "unknown")


def test_nobody_signed_is_missing() -> None:
    """An attestation without a signature is unknown, and says who has to sign what."""
    (finding,) = judged(SIGN).findings
    assert (finding.outcome, finding.cause, finding.evidence) == ("unknown", "missing", ())
    assert finding.fix == "Have dpo sign: I have reviewed it."


# --- adding up -----------------------------------------------------------------------------------

OUTCOMES = st.sampled_from(["pass", "fail", "unknown", "excepted"])


@given(st.lists(OUTCOMES, min_size=1))
def test_the_gravest_outcome_stands(found: list[Any]) -> None:
    """Fail over unknown over excepted over pass, whatever the order and number."""
    order = ["fail", "unknown", "excepted", "pass"]
    assert gravest((one, None) for one in found)[0] == min(found, key=order.index)


def test_nothing_to_add_up_is_unknown() -> None:
    """A control with neither checks nor attestations, a requirement without a control: unknown, missing."""
    assert gravest([]) == ("unknown", "missing")
    done = judged(library(control("NON-01", "", "rules:1.2")))
    assert (done.controls["NON-01"].status, done.controls["NON-01"].cause) == ("unknown", "missing")
    assert done.requirements["rules:1.2"].as_json() == {
        "id": "rules:1.2", "status": "unknown", "controls": ["NON-01"], "cause": "missing",
    }  # fmt: skip
    assert (done.requirements["rules:1.4"].status, done.requirements["rules:1.4"].controls) == ("unknown", ())


def test_a_requirement_is_as_good_as_the_worst_of_its_controls() -> None:
    """One deficient control makes the requirement deficient, however many are effective."""
    lib = library(control("LOC-01", LOCKED), control("SIG-01", SIGNED, "rules:1.1"))
    done = judged(lib, [bucket("a", BAD)], received=[signed()])
    assert (done.controls["SIG-01"].status, done.requirements["rules:1.1"].status) == (
        "effective",
        "deficient",
    )
    done = judged(lib, [bucket("a")])
    assert done.requirements["rules:1.1"].status == "unknown"


@pytest.mark.parametrize(
    ("relationship", "in_part"),
    [("equal", False), ("superset-of", False), ("subset-of", True), ("intersects-with", True)],
)
def test_a_requirement_is_effective_in_part_unless_a_control_does_all_of_it(
    relationship: str, in_part: bool
) -> None:
    """Only equal and superset-of answer a requirement in full."""
    lib = library(control("LOC-01", LOCKED, relationship=relationship))
    done = judged(lib, [bucket("a")]).requirements["rules:1.1"]
    assert (done.status, done.in_part) == ("effective", in_part)
    assert judged(lib, [bucket("a", BAD)]).requirements["rules:1.1"].in_part is False


def test_a_framework_shows_what_is_automated_beside_what_of_it_is_effective() -> None:
    """The summary counts assessable requirements in scope, and never an attested one as automated."""
    lib = library(control("LOC-01", LOCKED), control("SIG-01", SIGNED, "rules:1.3", "subset-of"))
    done = judged(lib, [bucket("a")], received=[signed()]).frameworks["rules"]
    told = done.summary()
    assert (told["assessable"], told["automated"], told["automated_effective"]) == (4, 1, 1)
    assert (told["effective"], told["in_part"], told["unknown"], told["unanswered"]) == (2, 1, 2, 2)
    assert done.controls() == {"LOC-01", "SIG-01"}


# --- scope ---------------------------------------------------------------------------------------


def scoped(**scope: Any) -> Assessment:
    return judged(LOCK, [bucket("a")], config={"scope": scope})


def out_of(assessment: Assessment, framework: str) -> dict[str, str]:
    return {one.id: one.why for one in assessment.frameworks[framework].out_of_scope}


def test_an_excluded_requirement_is_shown_with_its_reason_and_counted_nowhere() -> None:
    """What is out of scope is in no numerator or denominator."""
    done = scoped(exclusions=[{"requirement": "rules:1.2", "reason": "No owners.", "approver": "dpo"}])
    assert out_of(done, "rules") == {"rules:1.2": "Excluded: No owners (approved by dpo)."}
    assert done.frameworks["rules"].summary()["assessable"] == 3
    assert "rules:1.2" not in done.requirements
    assert done.frameworks["rules"].summary()["out_of_scope"] == 1


def test_excluding_a_group_excludes_what_stands_in_it() -> None:
    """A whole chapter may be out of scope."""
    done = scoped(exclusions=[{"requirement": "rules:1", "reason": "No.", "approver": "dpo"}])
    assert not done.frameworks["rules"].in_scope


def test_frameworks_that_are_not_named_are_out_of_scope_once_any_is() -> None:
    """No frameworks named means all of them."""
    done = scoped(frameworks=["rules"])
    assert done.frameworks["rules"].in_scope
    assert set(out_of(done, "acts").values()) == {"The framework is not in scope."}
    assert scoped().frameworks["acts"].in_scope


def test_soc2_categories_beside_the_common_criteria_are_in_scope_where_elected() -> None:
    """CC always; PI and P each only where named."""
    assert set(out_of(scoped(), "soc2")) == {"soc2:PI1.1", "soc2:P1.1"}
    assert set(out_of(scoped(elected=["soc2:P"]), "soc2")) == {"soc2:PI1.1"}


def test_roles_leave_out_the_duties_of_others_and_only_where_a_role_is_stated() -> None:
    """Without a role of a regime, its duties all stay in scope."""
    assert out_of(scoped(), "acts") == {}
    assert set(out_of(scoped(roles=["deployer", "merchant"]), "acts")) == {"acts:1", "acts:3"}
    assert set(out_of(scoped(roles=["service-provider"]), "acts")) == set()


# --- order ---------------------------------------------------------------------------------------


@given(st.permutations(["a", "b", "c", "d"]))
def test_findings_have_a_stated_order(names: list[str]) -> None:
    """By check, resource type, resource and source, whatever order the facts come in."""
    facts = [bucket(name, BAD if name in "bd" else GOOD) for name in names]
    done = assess(LOCK, memory_facts(facts=facts, scopes=[whole("bucket")]), {})
    assert list(done.findings) == sorted(done.findings, key=Finding.key)
    assert [finding.resource_id for finding in done.findings] == ["a", "b", "c", "d"]


def test_equal_facts_give_equal_answers() -> None:
    """Judgement is a function of what is known: asked twice, it says the same."""
    facts = [bucket("a"), bucket("b", BAD)]
    first, second = judged(LOCK, facts), judged(LOCK, facts)
    assert [f.as_json() for f in first.findings] == [f.as_json() for f in second.findings]
    assert first.frameworks["rules"].as_json() == second.frameworks["rules"].as_json()
