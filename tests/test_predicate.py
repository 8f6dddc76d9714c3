"""Predicates: what is refused at load, what is read, and that no unseen field is ever judged."""

from __future__ import annotations

import resource
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import InputRefused
from compliance.facts import FactSchema, Field, Unseen
from compliance.predicate import MAX_LIST, MAX_TEXT, Predicate, Unjudged, compile_predicate

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = FactSchema(
    "api_key",
    "A key of an interface.",
    (
        Field("name", "string", "Its name."),
        Field("uses", "int", "How often it was used."),
        Field("score", "double", "How strong it is."),
        Field("active", "bool", "Whether it works."),
        Field("created", "time", "When it was made."),
        Field("last_used", "time", "When it was last used.", optional=True),
        Field("days", "int", "Days until it rotates.", optional=True),
        Field("owner", "string", "Who owns it.", optional=True),
        Field("groups", "strings", "Where it belongs."),
        Field("grants", "records", "What it may.", fields=(
            Field("right", "string", "The right."),
            Field("public", "bool", "Whether anybody has it."),
            Field("until", "time", "When it ends.", optional=True),
        )),
        Field("policy", "record", "Its policy.", optional=True, fields=(
            Field("length", "int", "Of the password."), Field("note", "string", "Text.", optional=True),
        )),
    ),
)  # fmt: skip
VALUE: dict[str, Any] = {
    "name": "build", "uses": 7, "score": 0.5, "active": True, "created": "2026-01-01T00:00:00Z",
    "last_used": None, "days": 30, "owner": None, "groups": ["ci", "dev"],
    "grants": [{"right": "read", "public": False, "until": None}],
    "policy": {"length": 12, "note": None},
}  # fmt: skip


def compiled(text: str) -> Predicate:
    return compile_predicate(text, KEY, "key")


def judged(text: str, **changes: Any) -> Any:
    return compiled(text).evaluate({**VALUE, **changes}, NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('key.name == "build" && key.uses > 3', True),
        ("key.active && key.score > 0.75", False),
        ('"ci" in key.groups', True),
        ('now - key.created < duration("2160h")', False),
        ('key.created == timestamp("2026-01-01T00:00:00Z")', True),
        ("key.grants.all(g, !g.public)", True),
        ('key.grants.filter(g, g.right == "read").size() == 1', True),
        ("has(key.owner)", False),
        ("has(key.days) && key.days <= 90", True),
        ('!has(key.last_used) || now - key.last_used < duration("24h")', True),
        ("has(key.policy) ? key.policy.length >= 14 : true", False),
        ("key.grants.exists(g, has(g.until) && g.until < now)", False),
        ('key.grants[0].right == "read"', True),
        ("size(key.groups) == 2", True),
    ],
)
def test_an_expression_is_judged_over_the_fields_of_a_fact(text: str, expected: bool) -> None:
    """An expression of type bool comes out true or false on a fact whose fields are all seen."""
    assert judged(text) is expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key.nmae == 'x'", "nmae"),
        ("key.uses", "expected a bool"),
        ("key.uses > 1.5", "no matching overload"),
        ("key.uses >", "Syntax error"),
        ("key.days <= 90", "days may be absent"),
        ("key.last_used < now", "last_used may be absent"),
        ("has(key.days) || key.days < 9", "days may be absent"),
        ("!has(key.days) && key.days < 9", "days may be absent"),
        ("has(key.owner) && key.days < 9", "days may be absent"),
        ("key.policy.length > 3", "policy.length may be absent"),
        ("has(key.policy) && key.policy.note == 'x'", "policy.note may be absent"),
        ("has(key.policy.note)", "policy.note may be absent"),
        ("key.grants.all(g, g.until < now)", "grants.until may be absent"),
        ("has(key.grants[0].until) && key.grants[1].until < now", "grants.until may be absent"),
        ("has(key.grants[key.uses].until) && key.grants[key.uses].until < now", "may be absent"),
        ("key.grants.exists(g, has(g.until)) && key.grants.all(g, g.until < now)", "may be absent"),
        ("has(key.name)", "always there"),
        ("has(key.groups)", "always there"),
        ("key.groups.all(g, key.groups.exists(h, h == g))", "inside another"),
        ("key.groups.filter(g, g != '').exists(g, g == 'ci')", "inside another"),
        ("key.groups.all(g, (g + g) == 'x')", "joined with +"),
        ("key.groups.map(g, g + 'x').size() == 1", "joined with +"),
        ("key.groups.all(g, (key.groups + key.groups).size() > 1)", "joined with +"),
        ("key.groups.map(g, key.name).size() == 1", "map gathers something else"),
        ("dyn(key.uses) == 1", "dyn()"),
        ("key == key", "name the fields"),
        ("(key.active ? key.grants[0] : key.grants[1]).public", "something computed"),
        ("muniment.fact.api_key{uses: 1}.uses == 1", "something computed"),
        ("key.uses == 1 " + "|| key.uses == 2 " * 300, "at most 4096"),
        ("key.uses" + " + 1" * 120 + " == 3", "recursion depth of 32"),
        ("key.days == null", "no matching overload"),
    ],
)
def test_what_could_mislead_is_refused_at_load(text: str, says: str) -> None:
    """A typo, a wrong type, an unguarded optional field, a loop in a loop: refused before anything is judged."""
    with pytest.raises(InputRefused) as refusal:
        compiled(text)
    assert says in refusal.value.message


def test_every_fault_of_an_expression_is_named() -> None:
    """An author sees all that is wrong with an expression, not the first alone."""
    with pytest.raises(InputRefused) as refusal:
        compiled("has(key.name) && key.days > 1 && dyn(key.uses) == 1")
    assert all(part in refusal.value.message for part in ("always there", "days may be absent", "dyn()"))


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("key.uses > 3 && key.active", {"uses", "active"}),
        ("has(key.days) && key.days < 9", {"days"}),
        ("key.grants.all(g, !g.public)", {"grants", "grants.public"}),
        ("size(key.grants) > 1", {"grants"}),
        ("key.grants.filter(g, g.public).size() > 1", {"grants", "grants.public"}),
        ("key.grants.filter(g, g.public) == []", {"grants", "grants.public", "grants.right", "grants.until"}),
        ("key.grants[key.uses].public", {"grants.public", "uses"}),
        ("key.grants.exists(g, g.right in key.groups)", {"grants", "grants.right", "groups"}),
        ("has(key.policy) && key.policy.length > 1", {"policy", "policy.length"}),
        ("has(key.grants[0].until)", {"grants.until"}),
        ("1 == 1", set()),
    ],
)
def test_compiling_yields_the_paths_that_are_read(text: str, reads: set[str]) -> None:
    """``reads`` are the dotted paths of all fields that can sway the verdict, and no others."""
    assert compiled(text).reads == reads


def test_reads_that_stand_under_has_alone_are_told_apart() -> None:
    """``guarded`` are the reads of optional fields, ``reads_clock`` whether ``now`` matters."""
    predicate = compiled("has(key.days) && key.days < 9 && key.uses > 1")
    assert predicate.guarded == {"days"}
    assert not predicate.reads_clock
    assert compiled("key.created < now").reads_clock


@pytest.mark.parametrize("hidden", ["days", "grants", "grants.public", "grants.0.public"])
def test_an_unseen_field_that_is_read_leaves_no_verdict(hidden: str) -> None:
    """A field that is read and unseen gives its cause and its reason, whatever its value would be."""
    predicate = compiled("has(key.days) && key.days < 90 && key.grants.all(g, !g.public)")
    found = predicate.evaluate(VALUE, NOW, {hidden: Unseen("incomplete", "ListGrants denied")})
    assert found == Unjudged("incomplete", "ListGrants denied", hidden.replace(".0", ""))


def test_an_unseen_field_that_is_not_read_changes_nothing() -> None:
    """Only what an expression reads can keep it from being judged."""
    hidden = {"owner": Unseen("missing", "no tags"), "grants.until": Unseen("incomplete", "denied")}
    assert compiled("key.grants.all(g, !g.public)").evaluate(VALUE, NOW, hidden) is True


@pytest.mark.parametrize(
    ("text", "change", "cause"),
    [
        ("key.uses > 3", {"uses": None}, "unreadable"),
        ("key.uses > 3", {"uses": "7"}, "unreadable"),
        ("key.uses > 3", {"uses": True}, "unreadable"),
        ("key.uses > 3", {"uses": 2**63}, "unreadable"),
        ("key.active", {"active": 1}, "unreadable"),
        ("key.active", {"active": "false"}, "unreadable"),
        ('key.name == "a"', {"name": "\ud800"}, "unreadable"),
        ("key.created < now", {"created": "yesterday"}, "unreadable"),
        ("key.created < now", {"created": "2026-01-01T00:00:00"}, "unreadable"),
        ("key.groups.all(g, g != 'x')", {"groups": "ci"}, "unreadable"),
        ("key.groups.all(g, g != 'x')", {"groups": [1]}, "unreadable"),
        ("key.groups.all(g, g != 'x')", {"groups": ["a"] * (MAX_LIST + 1)}, "unreadable"),
        ("key.name != 'x'", {"name": "x" * (MAX_TEXT + 1)}, "unreadable"),
        ("key.grants.all(g, !g.public)", {"grants": ["x"]}, "unreadable"),
        ("key.grants.all(g, !g.public)", {"grants": [{"right": "read"}]}, "missing"),
        ("has(key.policy) && key.policy.length > 3", {"policy": {}}, "missing"),
        ("key.grants[5].public", {}, "unreadable"),
        ("10 / key.uses == 1", {"uses": 0}, "unreadable"),
        ("key.name.matches(key.name)", {"name": "("}, "unreadable"),
    ],
)
def test_what_cannot_be_evaluated_is_unjudged(text: str, change: dict[str, Any], cause: str) -> None:
    """A wrong type, a value out of range and an evaluation error are no verdict, and never true."""
    found = judged(text, **change)
    assert isinstance(found, Unjudged)
    assert found.cause == cause


def test_a_field_left_out_altogether_is_missing() -> None:
    """A value without a field that is read is not a value in which the field is absent."""
    value = {name: held for name, held in VALUE.items() if name != "days"}
    found = compiled("!has(key.days)").evaluate(value, NOW)
    assert isinstance(found, Unjudged)
    assert (found.cause, found.path) == ("missing", "days")


def test_an_absent_field_is_not_zero_false_or_empty() -> None:
    """None in an optional field is absent: ``has()`` is false, and no default stands in for it."""
    assert judged("has(key.days)", days=None) is False
    assert judged("has(key.days)", days=0) is True
    assert judged('has(key.owner) && key.owner == ""', owner=None) is False
    assert judged('has(key.owner) && key.owner == ""', owner="") is True


def test_times_may_be_texts_or_aware_datetimes() -> None:
    """A time field takes RFC 3339 and an aware datetime, in any zone."""
    later = NOW + timedelta(hours=1)
    assert judged("key.created > now", created=later) is True
    assert judged("key.created > now", created="2026-11-23T14:00:00+01:00") is True
    assert judged("key.created > now", created="2026-11-23T14:00:00+02:00") is False


@pytest.mark.parametrize(
    "text",
    [
        "key.groups.all(g, g in key.groups)",
        "key.groups.all(g, g != key.name)",
        "key.groups.all(g, [key.name, key.name, key.name].size() == 3)",
        "key.groups.all(g, key.groups == key.groups)",
        "key.groups.all(g, string(bytes(g)) == g)",
        "key.groups.filter(g, g != '').size() > 3",
    ],
)
def test_the_worst_expression_that_is_taken_ends_soon(text: str) -> None:
    """The longest lists and texts are judged within seconds and bounded memory, or not at all."""
    names = [f"{number:024d}" for number in range(MAX_LIST)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    found = judged(text, groups=names, name="x" * 10_000)
    assert found is True or isinstance(found, Unjudged)
    assert time.process_time() - started < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024


def test_a_loop_may_compare_with_a_text_from_outside() -> None:
    """What a loop reads from outside it is bounded by the product of lengths, far above what is usual."""
    assert judged("key.groups.all(g, g != key.name)", groups=["owner"] * 1000) is True


@given(hidden=st.sets(st.sampled_from(sorted(VALUE))), days=st.none() | st.integers(0, 200))
def test_hiding_any_fields_never_makes_an_expression_true(hidden: set[str], days: int | None) -> None:
    """With any set of fields unseen or left out, a verdict is either the same as before or none at all."""
    value = {**VALUE, "days": days}
    for text in (
        "!has(key.days) || key.days <= 90", "key.grants.all(g, !g.public) && key.uses < 9",
        "!(key.active && has(key.owner))", '!("x" in key.groups)',
    ):  # fmt: skip
        predicate = compiled(text)
        before = predicate.evaluate(value, NOW)
        left_out = {name: held for name, held in value.items() if name not in hidden}
        unseen = {name: Unseen("incomplete", "denied") for name in hidden}
        for found in (predicate.evaluate(left_out, NOW), predicate.evaluate(value, NOW, unseen)):
            assert found == before or isinstance(found, Unjudged)
