"""A control over a period: a step function that turns exactly where something changed, lapsed or went stale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.assessment import Span, assess, control_timeline, time_in, timelines
from compliance.canonical import format_time
from compliance.errors import NotFound
from compliance.facts import Fact, FactBase, FactSchema, Field, Received
from compliance.library import Derivation, Library, load_library
from tests.fact_base import memory_facts, seen, whole

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
BUCKET = FactSchema(
    "bucket", "A bucket.",
    (Field("locked", "bool", "Whether."), Field("until", "time", "When its lock ends.", optional=True)),
)  # fmt: skip
SUM = FactSchema("sum", "A count.", (Field("old", "bool", "Whether it is."),), inputs=("bucket",))
SCHEMAS = {"bucket": BUCKET, "sum": SUM}
CONTROLS = {
    "LOC-01": (
        "    checks:\n      - {id: locked, title: t, over: bucket, expect: fact.locked, severity: high,"
        ' why_it_fails: "{resource}", fix: f, examples: {pass: [{locked: true}], fail: [{locked: false}],'
        " unknown: [{locked: {unseen: missing}}]}}\n"
    ),
    "END-01": (
        "    checks:\n      - {id: ends, title: t, over: bucket, expect: has(fact.until) && fact.until > now,"
        ' severity: high, why_it_fails: "{until}", fix: f, fresh_within: 30d, examples: {pass: [{until: +1h}],'
        " fail: [{until: -1h}], unknown: [{until: {unseen: missing}}]}}\n"
    ),
    "SUM-01": (
        "    checks:\n      - {id: young, title: t, over: sum, expect: fact.old == false, severity: high,"
        ' why_it_fails: "{old}", fix: f, fresh_within: 30d, examples: {pass: [{old: false}], fail: [{old: true}],'
        " unknown: [{old: {unseen: missing}}]}}\n"
    ),
    "SIG-01": (
        "    attestations:\n      - {id: signed, title: t, statement: s, owner: o, valid_for: 10d, severity: low}\n"
    ),
}


def library() -> Library:
    head = "family: f\ntitle: F\ncontrols:\n"
    body = "".join(
        f"  - id: {id_}\n    title: t\n    statement: s\n    rationale: r\n    owner: o\n"
        f"    evidence_max_age: 24h\n    retention: 1y\n{checks}"
        for id_, checks in CONTROLS.items()
    )
    return load_library({"f.yaml": head + body}, SCHEMAS)


LIBRARY = library()


class World:
    """Buckets as a collector saw them at some instants, and records; as of any instant."""

    def __init__(
        self, *runs: tuple[datetime, Sequence[tuple[str, dict[str, Any]]]], records: Sequence[Received] = ()
    ) -> None:
        self.runs = sorted(runs, key=lambda run: run[0])
        self.records = tuple(records)
        self.asked = 0

    def at(self, at: datetime) -> FactBase:
        """What was known at an instant: the last run before it, and all records up to it."""
        self.asked += 1
        past = [(when, listed) for when, listed in self.runs if when <= at]
        received = [one for one in self.records if one.instant <= at]
        points = {when for when, _ in past} | {one.instant for one in received}
        known = memory_facts(at, received=received)
        if past:
            when, listed = past[-1]
            facts = [
                seen("bucket", name, value, at=when, evidence=(f"{len(past)}/{n}",))
                for n, (name, value) in enumerate(listed)
            ]
            known = memory_facts(at, facts=facts, scopes=[whole("bucket", at=when)], received=received)
        return replace(known, points=tuple(sorted(points)))


LOCKED = [("a", {"locked": True, "until": None})]
OPEN = [("a", {"locked": False, "until": None})]


def line(
    world: World, control: str, until: datetime, *, start: datetime | None = None,
    derivations: dict[str, Derivation] | None = None,
) -> list[tuple[str, str | None, datetime, datetime]]:  # fmt: skip
    spans = control_timeline(LIBRARY, world.at, derivations or {}, control, until, start=start)
    return [(span.status, span.cause, span.start, span.end) for span in spans]


def test_a_control_turns_where_its_evidence_changed() -> None:
    """Effective until the run that shows the failure, deficient until the run that shows it mended."""
    world = World((START, LOCKED), (START + 6 * HOUR, OPEN), (START + 9 * HOUR, LOCKED))
    assert line(world, "LOC-01", START + 12 * HOUR) == [
        ("effective", None, START, START + 6 * HOUR),
        ("deficient", None, START + 6 * HOUR, START + 9 * HOUR),
        ("effective", None, START + 9 * HOUR, START + 12 * HOUR),
    ]


def test_evidence_that_stops_becomes_stale_exactly_when_its_age_is_reached() -> None:
    """The first microsecond after the age allowed is unknown; a later run ends it."""
    world = World((START, LOCKED), (START + 3 * DAY, LOCKED))
    gone = START + DAY + TICK
    assert line(world, "LOC-01", START + 3 * DAY + HOUR) == [
        ("effective", None, START, gone),
        ("unknown", "stale", gone, START + 3 * DAY),
        ("effective", None, START + 3 * DAY, START + 3 * DAY + HOUR),
    ]


def test_unchanged_runs_add_no_span() -> None:
    """Forty equal runs are one span."""
    world = World(*((START + n * HOUR, LOCKED) for n in range(40)))
    assert line(world, "LOC-01", START + 40 * HOUR) == [("effective", None, START, START + 40 * HOUR)]


def test_time_before_the_first_evidence_is_unknown() -> None:
    """A period that begins earlier begins with missing; without a start the timeline begins with the evidence."""
    world = World((START, LOCKED))
    assert line(world, "LOC-01", START + HOUR, start=START - DAY) == [
        ("unknown", "missing", START - DAY, START), ("effective", None, START, START + HOUR),
    ]  # fmt: skip
    assert line(World(), "LOC-01", START) == []
    assert line(World(), "LOC-01", START, start=START - DAY) == [("unknown", "missing", START - DAY, START)]


def test_a_later_start_cuts_the_timeline_and_changes_no_status() -> None:
    """Asked for a part of the period, the answer is that part."""
    world = World((START, OPEN), (START + 6 * HOUR, LOCKED))
    assert line(world, "LOC-01", START + 8 * HOUR, start=START + 2 * HOUR) == [
        ("deficient", None, START + 2 * HOUR, START + 6 * HOUR),
        ("effective", None, START + 6 * HOUR, START + 8 * HOUR),
    ]


def test_a_check_that_reads_the_clock_turns_without_new_evidence() -> None:
    """A lock that ends makes the control deficient at its end, to the second, though nothing was collected."""
    ends = START + timedelta(days=5, hours=7, minutes=13, seconds=5)
    world = World((START, [("a", {"locked": True, "until": format_time(ends)})]))
    first, second = line(world, "END-01", START + 9 * DAY)
    assert (first[0], second[0]) == ("effective", "deficient")
    assert abs(second[2] - ends) <= timedelta(seconds=1)


def test_a_derived_fact_may_turn_with_time_alone() -> None:
    """A derivation that looks at the instant is followed too, to the second."""
    turn = START + timedelta(days=3, hours=1, seconds=1)

    def derive(base: FactBase) -> list[Fact]:
        return [seen("sum", "s", {"old": base.at >= turn}, at=START)]

    found = line(
        World((START, LOCKED)), "SUM-01", START + 6 * DAY, derivations={"sum": Derivation(SUM, derive)}
    )
    assert [span[0] for span in found] == ["effective", "deficient"]
    assert abs(found[1][2] - turn) <= timedelta(seconds=1)


def record(kind: Any, at: datetime, **value: Any) -> Received:
    return Received(kind, "api", value, at, "9/0")


def test_a_signed_statement_counts_from_its_signing_until_it_lapses() -> None:
    """Missing before, effective while it lasts, stale after."""
    at = START + HOUR
    world = World(
        records=[record("attestation", at, attestation="signed", signed_at=format_time(at), signed_by="Ada")]
    )
    assert line(world, "SIG-01", START + 20 * DAY, start=START) == [
        ("unknown", "missing", START, at),
        ("effective", None, at, at + 10 * DAY + TICK),
        ("unknown", "stale", at + 10 * DAY + TICK, START + 20 * DAY),
    ]


def test_an_exception_that_lapses_reopens_the_failure_at_its_end() -> None:
    """Excepted from its start to its end, deficient before and after, without new evidence."""
    begins, ends = START + 2 * HOUR, START + 5 * HOUR
    waiver = record(
        "exception", START, id="w", check="locked", resource=None, reason="r", approver="ciso",
        valid_from=format_time(begins), expires_at=format_time(ends),
    )  # fmt: skip
    world = World((START, OPEN), records=[waiver])
    assert line(world, "LOC-01", START + 8 * HOUR) == [
        ("deficient", None, START, begins), ("excepted", None, begins, ends),
        ("deficient", None, ends, START + 8 * HOUR),
    ]  # fmt: skip


def test_several_controls_at_once_have_the_timelines_that_each_has_alone() -> None:
    """Asking together is cheaper and changes no answer but what bisection leaves within a second."""
    world = World(
        (START, [("a", {"locked": False, "until": format_time(START + 2 * DAY)})]), (START + DAY, LOCKED)
    )
    both = timelines(LIBRARY, world.at, {}, ["LOC-01", "END-01"], START + 4 * DAY)
    for control, spans in both.items():
        alone = control_timeline(LIBRARY, world.at, {}, control, START + 4 * DAY)
        assert [(span.status, span.cause) for span in spans] == [(span.status, span.cause) for span in alone]


def test_an_unknown_control_is_refused() -> None:
    """There is no timeline of what is not in the library."""
    with pytest.raises(NotFound):
        control_timeline(LIBRARY, World().at, {}, "NO-01", START)


def test_a_long_history_is_thinned_and_keeps_its_end() -> None:
    """Two thousand runs are evaluated at some hundred instants, and the last status is exact."""
    runs = [(START + n * timedelta(minutes=5), LOCKED) for n in range(2000)]
    world = World(*runs, (START + 2000 * timedelta(minutes=5), OPEN))
    found = line(world, "LOC-01", START + 2001 * timedelta(minutes=5))
    assert [span[0] for span in found] == ["effective", "deficient"]
    assert found[1][2] == START + 2000 * timedelta(minutes=5)
    assert world.asked < 2500


def test_time_in_each_status_adds_up_to_the_period() -> None:
    """What no span covers is unknown; spans are cut to the period."""
    spans = [
        Span("effective", None, START, START + 3 * DAY),
        Span("deficient", None, START + 3 * DAY, START + 4 * DAY),
    ]
    found = time_in(spans, START - DAY, START + 3 * DAY + HOUR)
    assert found == {"effective": 3 * DAY, "deficient": HOUR, "unknown": DAY, "excepted": timedelta()}


HOURS = st.lists(
    st.tuples(st.integers(0, 200), st.booleans()), min_size=1, max_size=8, unique_by=lambda run: run[0]
)


@settings(max_examples=40, deadline=None)
@given(runs=HOURS, probes=st.lists(st.integers(0, 260 * 60), min_size=1, max_size=10))
def test_a_timeline_says_at_each_instant_what_judgement_says_there(
    runs: list[tuple[int, bool]], probes: list[int]
) -> None:
    """Spans are without gaps, in order, and agree with an assessment at any instant within them."""
    world = World(*((START + hour * HOUR, LOCKED if on else OPEN) for hour, on in runs))
    until = START + 260 * HOUR
    spans = control_timeline(LIBRARY, world.at, {}, "LOC-01", until, start=START)
    assert (spans[0].start, spans[-1].end) == (START, until)
    assert all(before.end == after.start for before, after in pairwise(spans))
    for minute in probes:
        at = START + timedelta(minutes=minute)
        span = next(span for span in reversed(spans) if span.start <= at)
        judged = assess(LIBRARY, world.at(at), {}).controls["LOC-01"]
        assert (span.status, span.cause) == (judged.status, judged.cause)
