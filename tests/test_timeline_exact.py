"""Timelines of random small worlds, against judging anew at every instant at which anything could turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.assessment import Span, Worked, assess, timelines
from compliance.canonical import format_time
from compliance.facts import Fact, FactBase, Received
from compliance.library import Derivation
from tests.fact_base import seen
from tests.test_timeline import DAY, HOUR, LIBRARY, START, SUM, TICK, World

CONTROLS = ["LOC-01", "END-01", "SUM-01", "SIG-01"]
UNTIL = START + 20 * DAY
TURN = START + 7 * DAY

Known = tuple[list[tuple[datetime, Any]], list[Received]]
"""The runs of a collector and the records of a world."""


def is_old(base: FactBase) -> list[Fact]:
    """A fact that changes with time alone, at an instant that it states."""
    return [seen("sum", "s", {"old": base.at >= TURN}, at=base.at)] if list(base.facts("bucket")) else []


DERIVED = {"sum": Derivation(SUM, is_old, lambda base: [TURN] if base.at < TURN else [])}


def hours(most: int) -> st.SearchStrategy[datetime]:
    """An instant on the hour, counted from the start."""
    return st.integers(0, most).map(lambda count: START + count * HOUR)


@st.composite
def runs(draw: st.DrawFn) -> list[tuple[datetime, Any]]:
    """Runs that each saw up to two buckets, locked or not, some with an end to their lock."""
    bucket = st.fixed_dictionaries({
        "locked": st.booleans(), "until": st.none() | hours(400).map(format_time),
    })  # fmt: skip
    at = draw(st.lists(hours(300), min_size=1, max_size=6, unique=True))
    return [(when, list(zip("ab", draw(st.lists(bucket, max_size=2)), strict=False))) for when in at]


def waiver(number: int, at: datetime, begins: datetime, lasts: int) -> Received:
    """An exception for the check ``locked``."""
    value = {
        "id": f"w{number}", "check": "locked", "resource": None, "reason": "r", "approver": "ciso",
        "valid_from": format_time(begins), "expires_at": format_time(begins + lasts * HOUR),
    }  # fmt: skip
    return Received("exception", "api", value, at, f"8/{number}")


def signature(number: int, at: datetime, signed: datetime) -> Received:
    """A signature under the statement."""
    value = {"attestation": "signed", "signed_at": format_time(signed), "signed_by": "Ada"}
    return Received("attestation", "api", value, at, f"9/{number}")


@st.composite
def known(draw: st.DrawFn) -> Known:
    """Runs, exceptions and signatures."""
    waived = draw(st.lists(st.tuples(hours(300), hours(300), st.integers(1, 100)), max_size=2))
    signed = draw(st.lists(st.tuples(hours(300), hours(300)), max_size=2))
    records = [waiver(n, *one) for n, one in enumerate(waived)] + [
        signature(n, *one) for n, one in enumerate(signed)
    ]
    return draw(runs()), records


def world_of(given_: Known) -> World:
    return World(*given_[0], records=given_[1])


def instants() -> list[datetime]:
    """Every hour, and a microsecond to either side: all that these worlds hold turns there."""
    whole = [START + count * HOUR for count in range(20 * 24 + 1)]
    near = {at + step for at in whole for step in (-TICK, timedelta(), TICK)}
    return sorted(at for at in near if START <= at <= UNTIL)


def standing(spans: Sequence[Span], at: datetime) -> tuple[str, str | None]:
    span = next(span for span in reversed(spans) if span.start <= at)
    return span.status, span.cause


@settings(max_examples=25, deadline=None)
@given(known())
def test_every_control_stands_at_every_instant_as_judgement_finds_it_there(given_: Known) -> None:
    """Runs, ages, locks that end, exceptions, signatures and what is derived turn a timeline to the microsecond."""
    world = world_of(given_)
    found = timelines(LIBRARY, world.at, DERIVED, CONTROLS, UNTIL, start=START)
    for at in instants():
        judged = assess(LIBRARY, world.at(at), DERIVED).controls
        for control in CONTROLS:
            assert standing(found[control], at) == (judged[control].status, judged[control].cause), (
                control,
                at,
            )


@settings(max_examples=25, deadline=None)
@given(known())
def test_a_timeline_turns_only_where_the_status_does(given_: Known) -> None:
    """Two neighbouring spans differ, they meet, and each turn is the first instant of what follows."""
    world = world_of(given_)
    for control, spans in timelines(LIBRARY, world.at, DERIVED, CONTROLS, UNTIL, start=START).items():
        for before, after in pairwise(spans):
            assert (before.status, before.cause) != (after.status, after.cause)
            assert before.end == after.start
            just_before = assess(LIBRARY, world.at(after.start - TICK), DERIVED).controls[control]
            assert (just_before.status, just_before.cause) == (before.status, before.cause)


@settings(max_examples=40, deadline=None)
@given(known(), known(), hours(300), st.integers(0, 100))
def test_what_was_worked_out_before_more_came_changes_no_answer(
    first: Known, more: Known, since: datetime, later: int
) -> None:
    """Kept up to the instant from which on something came, it gives what working it all out anew gives."""
    came = [run for run in more[0] if run[0] >= since and run[0] not in {at for at, _ in first[0]}]
    records = [one for one in more[1] if one.instant >= since]
    renamed = [
        Received(r.kind, r.source, {**r.value, "id": f"more {r.evidence}"}, r.instant, r.evidence)
        for r in records
    ]
    small, large = world_of(first), world_of((first[0] + came, first[1] + renamed))
    worked, until = Worked(), START + 300 * HOUR
    timelines(LIBRARY, small.at, DERIVED, CONTROLS, until, worked=worked)
    kept = worked.before(since)
    until += later * HOUR
    assert timelines(LIBRARY, large.at, DERIVED, CONTROLS, until, worked=kept) == timelines(
        LIBRARY, large.at, DERIVED, CONTROLS, until
    )


def test_asking_again_looks_at_nothing_twice() -> None:
    """The same question over what was worked out draws no facts but to ask what changed."""
    world = World((START, [("a", {"locked": True, "until": None})]), (START + HOUR, []))
    worked = Worked()
    asked = timelines(LIBRARY, world.at, DERIVED, CONTROLS, UNTIL, worked=worked)
    world.asked = 0
    assert timelines(LIBRARY, world.at, DERIVED, CONTROLS, UNTIL, worked=worked) == asked
    assert world.asked == 1
