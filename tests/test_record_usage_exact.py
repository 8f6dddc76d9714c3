"""Record usage, compared on random worlds with a second, literal reading of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.facts import SourceState
from compliance.lineage import record_usage
from compliance.lineage.records import Question, UsageInput
from tests.brute import brute_record_usage
from tests.brute.building import ANNA, AT
from tests.brute.comparing import comparable, differences
from tests.worlds import disorder, failing_sources, further_reports, questions, worlds

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
NORMAL = settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
FEW = settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
SOAK = settings(max_examples=5000, deadline=None, suppress_health_check=SLOW)
ANNAS = Question("customer", ANNA, AT)


def agree(world: UsageInput, question: Question) -> None:
    """Fail where the engine and the second reading differ in anything that the contract fixes."""
    assert differences(record_usage(world, question), brute_record_usage(world, question)) == {}


def used_by(world: UsageInput) -> set[str]:
    """The ids of the runs and decisions that used Anna's record."""
    return {use["run_id"] for use in record_usage(world, ANNAS)["uses"]}


def several() -> st.SearchStrategy[UsageInput]:
    """Worlds whose events come from two sources."""
    return worlds(sources=("pipeline", "pipeline", "other"))


@NORMAL
@given(worlds(), questions())
def test_the_engine_agrees_with_the_second_reading(world: UsageInput, question: Question) -> None:
    """Record usage answers exactly what section 4 of the contract says, rule by rule."""
    agree(world, question)


@FEW
@given(several(), questions())
def test_the_engine_agrees_where_several_sources_report(world: UsageInput, question: Question) -> None:
    """Reports of several sources on one run or version are united."""
    agree(world, question)


@FEW
@given(worlds(), st.data())
def test_order_and_repetition_do_not_show(world: UsageInput, data: st.DataObject) -> None:
    """At one size, no order of the same entries changes an answer, nor does saying them twice."""
    mixed = replace(world, received=data.draw(st.composite(disorder)(world.received)))
    assert record_usage(mixed, ANNAS) == record_usage(world, ANNAS)


@FEW
@given(worlds(), st.data())
def test_another_source_never_removes_a_use(world: UsageInput, data: st.DataObject) -> None:
    """Of several sources that report on one run or version, none takes away a use that another reports."""
    more = data.draw(further_reports(world))
    assert used_by(world) <= used_by(more)


@FEW
@given(worlds(), questions())
def test_a_span_only_filters_uses(world: UsageInput, question: Question) -> None:
    """``from`` and ``to`` keep uses whose [start, end] meets [from, to), and change nothing else."""
    whole, part = comparable(record_usage(world, ANNAS)), comparable(record_usage(world, question))
    assert {key: value for key, value in whole.items() if key != "uses"} == {
        key: value for key, value in part.items() if key != "uses"
    }
    assert all(use in whole["uses"] for use in part["uses"])


@FEW
@given(worlds(), failing_sources())
def test_a_failing_source_leaves_the_answer_incomplete(
    world: UsageInput, sources: tuple[SourceState, ...]
) -> None:
    """A source that is stale or failing is a gap: silence is never "not used"."""
    given_sources = replace(world, sources=sources)
    engine, brute = (ask(given_sources, ANNAS) for ask in (record_usage, brute_record_usage))
    assert comparable(engine, gaps=False) == comparable(brute, gaps=False)
    assert not (engine["complete"] and sources[0].cause)


@pytest.mark.soak
@pytest.mark.parametrize("world", [worlds, several])
def test_the_engine_agrees_on_thousands_of_worlds(world: Callable[[], st.SearchStrategy[UsageInput]]) -> None:
    """Record usage answers exactly what section 4 says, on thousands of worlds."""
    SOAK(given(world(), questions())(agree))()
