"""CONTRACT section 3 (reports of several sources) and section 4, Complete."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.facts import SourceState
from compliance.lineage import Question, World, record_usage
from tests.lineage_story import (
    ANN,
    BOB,
    LATE,
    SPACE,
    Story,
    at,
    column,
    column_lineage,
    dataset,
    gaps,
    lifecycle,
    runs,
    tags,
    versions,
)


def state(kind: str, cause: Any) -> SourceState:
    """A configured source."""
    return SourceState("feed", kind, None, cause, "silent for 3 h")


@pytest.mark.parametrize(("kind", "cause", "listed"), [
    ("push", "stale", True), ("mlflow", "incomplete", True), ("push", None, False), ("aws-kms", "stale", False),
])  # fmt: skip
def test_a_source_that_is_stale_or_failing(kind: str, cause: Any, listed: bool) -> None:
    """A source that is stale or failing is listed, if it tells of lineage, people, contracts or purposes."""
    answer = Story(sources=[state(kind, cause)]).ask()
    assert answer["complete"] != listed
    assert any("feed" in gap["why"] and "silent" in gap["why"] for gap in answer["gaps"]) == listed


def test_gaps_that_do_not_concern_the_record() -> None:
    """Listed if it concerns a version that contains the record or might."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, None, [dataset("other", "1")], ["d"]).run("train", 5, 30, ["d"])
    assert story.ask()["complete"]


def test_complete_is_true_only_without_gaps() -> None:
    """`complete` is true only if `gaps` is empty."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["d"])
    assert story.ask()["complete"]
    story.run("more", 12, None, [dataset("raw", "1")], ["d"])
    assert not story.ask()["complete"]


def test_under_another_key_id() -> None:
    """A manifest under another key id, with no relink file, excludes nobody and is a gap."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["d"]).run("train", 30, 40, ["d"])
    story.manifest("d", "etl", BOB, key_id="old")
    assert runs(story.ask()) == ["etl"]
    answer = story.ask(key_ids=frozenset({"new"}))
    assert (runs(answer), gaps(answer)) == (["etl", "train"], ["d@etl"])


# --- several sources ---------------------------------------------------------------------------


def base() -> Story:
    """A chain told by one source."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 10, 20, [dataset("raw", "1")], ["d"]).run("two", 30, 40, [dataset("x", "1")], ["d"])
    return story.run("train", 50, 60, ["d"])


ACQUITTALS: dict[str, dict[str, Any]] = {
    "fail": {"run": "one", "state": "FAIL", "minute": 45},
    "abort": {"run": "one", "state": "ABORT", "minute": 20},
    "replace": {"run": "two", "state": "COMPLETE", "minute": 40,
                "outputs": [dataset("d", lifecycleStateChange=lifecycle("OVERWRITE"))]},
    "tag": {"run": "two", "state": "COMPLETE", "minute": 40, "outputs": [dataset("d", tags=tags(write="replace"))]},
    "run tag": {"run": "two", "state": "COMPLETE", "minute": 40, "outputs": [dataset("d")],
                "run_tags": {"write": "replace"}},
    "job tag": {"run": "two", "state": "START", "minute": 30, "outputs": [dataset("d")], "job_tags": {"write": "replace"}},
    "version read": {"run": "train", "state": "START", "minute": 50, "inputs": [dataset("d", "none")]},
    "version written": {"run": "two", "state": "COMPLETE", "minute": 40, "outputs": [dataset("d", "other")]},
    "own": {"run": "one", "state": "COMPLETE", "minute": 20, "outputs": [dataset("raw", "1")]},
    "earlier": {"run": "train", "state": "START", "minute": 1},
    "later": {"run": "two", "state": "COMPLETE", "minute": 55},
    "earlier end": {"run": "two", "state": "COMPLETE", "minute": 15},
    "columns": {"run": "one", "state": "COMPLETE", "minute": 20,
                "outputs": [dataset("d", columnLineage=column_lineage(x=[column("raw", "id", {"type": "INDIRECT"})]))]},
    "member": {"manifest": ("raw", "1")},
}  # fmt: skip


@pytest.mark.parametrize("name", ACQUITTALS)
def test_no_source_takes_away_what_another_reports(name: str) -> None:
    """Reports of several sources are united: none takes away a use or a membership that another reports."""
    before = base().ask()
    story = base()
    said = dict(ACQUITTALS[name])
    if "manifest" in said:
        story.manifest(*said["manifest"], BOB, source="rival")
    else:
        story.event(said.pop("run"), said.pop("state"), said.pop("minute"), source="rival", **said)
    answer = story.ask()
    assert set(runs(before)) <= set(runs(answer))
    assert set(versions(before)) <= set(versions(answer))


@pytest.mark.parametrize("name", ["fail", "abort", "replace", "tag", "run tag", "later", "member"])
def test_the_contradiction_is_a_gap(name: str) -> None:
    """The contradiction is a gap."""
    story = base()
    assert story.ask()["complete"]
    said = dict(ACQUITTALS[name])
    if "manifest" in said:
        story.manifest(*said["manifest"], BOB, source="rival")
    else:
        story.event(said.pop("run"), said.pop("state"), said.pop("minute"), source="rival", **said)
    assert not story.ask()["complete"]


def test_a_later_end_does_not_change_what_was_kept() -> None:
    """A later end that another source adds hides no previous version that was kept by the first account."""
    story = base()
    story.run("mid", 42, 43, [], [dataset("d", tags=tags(write="replace"))])
    story.run("last", 48, 49, [dataset("d", "two")], [])
    assert "d@two" in versions(story.ask())
    story.event("two", "COMPLETE", 45, source="rival")
    assert "d@two" in versions(story.ask())
    assert "last" in runs(story.ask())


def test_different_versions_named_are_a_gap() -> None:
    """Sources that name different versions contradict each other; all count."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.event("train", "COMPLETE", 10, inputs=[dataset("raw", "1")], outputs=[dataset("d", "1")])
    story.event(
        "train", "COMPLETE", 10, inputs=[dataset("raw", "2")], outputs=[dataset("d", "2")], source="rival"
    )
    story.manifest("raw", "2", BOB)
    answer = story.ask()
    assert versions(answer) == ["d@1", "d@2", "raw@1"]
    assert gaps(answer) == ["d@1", "d@2", "raw@1"]


def test_two_sources_telling_the_same_is_no_gap() -> None:
    """Two sources that tell the same contradict nothing."""
    story = base()
    for record in [record for record in story.received if record.kind == "lineage"]:
        story.tell("lineage", record.value, 1, "copy")
    answer = story.ask()
    assert answer["complete"]
    assert runs(answer) == runs(base().ask())


def test_a_manifest_received_twice_is_cited_once() -> None:
    """Sending the same manifest twice changes nothing, whichever copy the membership engine knows."""
    story = Story()
    story.manifest("raw", "1", ANN)
    before = story.ask()
    story.manifest("raw", "1", ANN)
    assert story.ask() == before
    del story.members["0"]
    assert story.ask()["datasets"][0]["evidence"] == ["1"]


# --- worlds ------------------------------------------------------------------------------------


def test_one_world_answers_many_questions() -> None:
    """A world is built once; an earlier `at` leaves out later entries, another membership is asked instead."""
    story = base()
    world = World.build(story.input())
    late = Question(SPACE, ANN, at(LATE))
    assert record_usage(world, late) == record_usage(story.input(), late)
    early = Question(SPACE, ANN, at(35))
    assert record_usage(world, early) == record_usage(story.input(), early)
    assert record_usage(world, Question(SPACE, BOB, at(LATE)))["uses"] == []
    assert record_usage(world.with_membership(Story()), late)["datasets"] == []
    assert world.datasets() == (("w", "d"), ("w", "raw"), ("w", "x"))
    assert [run.run_id for run in world.runs.values()] == ["one", "train", "two"]
