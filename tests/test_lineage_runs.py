"""CONTRACT section 4, Runs and Reads."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from compliance.lineage import UsageSettings
from tests.lineage_story import (
    ANN,
    Story,
    column,
    column_lineage,
    dataset,
    gaps,
    lifecycle,
    runs,
    tags,
    use,
    version,
    versions,
)


def test_events_merge_in_any_order() -> None:
    """The events of a run are merged, whatever their order."""
    answers = []
    for order in permutations(range(3)):
        story = Story()
        told: list[tuple[str, int, dict[str, Any]]] = [
            ("START", 10, {"inputs": [dataset("raw", "1")]}),
            ("RUNNING", 12, {"outputs": [dataset("clean")], "run_tags": {"purpose": "ads"}}),
            ("COMPLETE", 20, {"outputs": [dataset("clean", lifecycleStateChange=lifecycle("CREATE"))]}),
        ]
        for state, minute, said in (told[index] for index in order):
            story.event("etl", state, minute, **said)
        story.manifest("raw", "1", ANN)
        answer = story.ask()
        answers.append({key: answer[key] for key in ("complete", "gaps", "undescribed")})
        assert versions(answer) == ["clean@etl", "raw@1"]
        found = use(answer, "etl")
        assert (found["started_at"], found["ended_at"]) == ("2026-03-01T00:10:00Z", "2026-03-01T00:20:00Z")
        assert found["purpose"] == "ads"
    assert all(answer == answers[0] for answer in answers)


def test_later_scalar_stands() -> None:
    """Of two scalars the later stands."""
    story = Story()
    story.manifest("seen", "1", ANN)
    story.run("first", 1, 2, [dataset("seen", "1")], ["d"])
    story.event("second", "START", 10, outputs=[dataset("d", lifecycleStateChange=lifecycle("OVERWRITE"))])
    story.event("second", "COMPLETE", 11, outputs=[dataset("d", lifecycleStateChange=lifecycle("ALTER"))])
    assert "d@second" in versions(story.ask())


def test_at_equal_times_the_greater_scalar_stands() -> None:
    """At equal times the greater one as canonical JSON."""
    story = Story()
    story.manifest("seen", "1", ANN)
    story.run("first", 1, 2, [dataset("seen", "1")], ["d"])
    story.event("second", "START", 10, outputs=[dataset("d", lifecycleStateChange=lifecycle("OVERWRITE"))])
    story.event("second", "COMPLETE", 10, outputs=[dataset("d", lifecycleStateChange=lifecycle("ALTER"))])
    assert "d@second" not in versions(story.ask())


@pytest.mark.parametrize("nothing", [None, {"_deleted": True}])
def test_null_and_deleted_take_nothing_away(nothing: object) -> None:
    """Null and `_deleted` take nothing away."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.event("etl", "START", 10, inputs=[dataset("raw", "1")])
    story.event(
        "etl",
        "COMPLETE",
        20,
        inputs=[dataset("raw") | {"facets": {"version": nothing}}],
        outputs=[dataset("c")],
    )
    assert versions(story.ask()) == ["c@etl", "raw@1"]


def test_ends_at_its_last_end() -> None:
    """A run starts at its earliest event and ends at its last COMPLETE, FAIL or ABORT event."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.event("etl", "COMPLETE", 20, inputs=[dataset("raw", "1")], outputs=[dataset("c")])
    story.event("etl", "START", 10)
    story.event("etl", "FAIL", 30)
    found = use(story.ask(), "etl")
    assert (found["started_at"], found["ended_at"]) == ("2026-03-01T00:10:00Z", "2026-03-01T00:30:00Z")
    assert versions(story.ask()) == ["raw@1"]


def test_complete_counts_at_equal_times() -> None:
    """At equal times COMPLETE counts."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.event("etl", "FAIL", 20, inputs=[dataset("raw", "1")], outputs=[dataset("c")])
    story.event("etl", "COMPLETE", 20)
    assert "c@etl" in versions(story.ask())


@pytest.mark.parametrize("state", ["FAIL", "ABORT"])
def test_failed_reads_are_uses_and_outputs_gaps(state: str) -> None:
    """A failed or aborted run's reads still count as use, and its outputs, if it read the record, are a gap."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["c"], state=state)
    answer = story.ask()
    assert (versions(answer), runs(answer), gaps(answer)) == (["raw@1"], ["etl"], ["c@etl"])
    assert story.ask("c" * 32)["complete"]


def test_running_run() -> None:
    """A run without an end is still running: `ended_at` null, its outputs so far exist, and each is a gap."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, None, [dataset("raw", "1")], ["c", "d"])
    answer = story.ask()
    assert use(answer, "etl")["ended_at"] is None
    assert version(answer, "c@etl")["written_at"] is None
    assert gaps(answer) == ["c@etl", "d@etl"]


def test_running_end_is_later_than_every_time() -> None:
    """Its end counts as later than every time: nobody reads its output by working it out."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("old", 1, 2, [], ["c"]).run("etl", 3, None, [dataset("raw", "1")], ["c"])
    story.run("train", 50, 51, ["c"])
    answer = story.ask()
    assert runs(answer) == ["etl"]
    assert not answer["complete"]


def test_written_when_the_last_writer_ended() -> None:
    """A version was written when the last of its writing runs ended."""
    story = Story()
    story.manifest("d", "7", ANN)
    story.run("one", 1, 2, [], [dataset("d", "7")]).run("two", 1, 9, [], [dataset("d", "7")])
    assert version(story.ask(), "d@7")["written_at"] == "2026-03-01T00:09:00Z"


# --- reads -------------------------------------------------------------------------------------


def test_sources_of_column_lineage_are_read() -> None:
    """A run read every dataset that its outputs' column-lineage facets name as a source."""
    story = Story()
    story.manifest("raw", "1", ANN)
    facet = column_lineage(total=[column("raw", "amount")])
    story.run("etl", 10, 20, [], [dataset("c", columnLineage=facet)])
    assert runs(story.ask()) == ["etl"]
    assert "c@etl" in versions(story.ask())


@pytest.mark.parametrize("facet", [
    {"inputs": [{"namespace": "w", "name": "raw", "type": "DATASET"}]},
    {"fields": {"x": {"inputs": [{"namespace": "w", "name": "raw", "type": "DATASET", "field": "id"}]}}},
])  # fmt: skip
def test_sources_of_lineage_facets_are_read(facet: object) -> None:
    """A run read every dataset that its outputs' `lineage` facets name as a source."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [], [dataset("c", lineage=facet)])
    assert runs(story.ask()) == ["etl"]


def test_lineage_of_the_job_is_read() -> None:
    """On a run event the job's `lineage` facet is lineage observed during that run."""
    story = Story()
    story.manifest("raw", "1", ANN)
    source = {"namespace": "w", "name": "raw", "type": "DATASET"}
    entries = [{"namespace": "w", "name": "c", "type": "DATASET", "inputs": [source]}]
    story.event("etl", "COMPLETE", 10, outputs=[dataset("c")], job_facets={"lineage": {"entries": entries}})
    story.event(
        "own", "COMPLETE", 11, job_facets={"lineage": {"entries": [{"type": "JOB", "inputs": [source]}]}}
    )
    assert runs(story.ask()) == ["etl", "own"]


def test_fields_of_lineage_have_the_effect_of_column_lineage() -> None:
    """The `fields` of a `lineage` facet have the effect of column lineage."""
    story = Story()
    story.manifest("raw", "1", ANN)
    source = {"namespace": "w", "name": "raw", "type": "DATASET", "field": "id"}
    facet = {"fields": {"x": {"inputs": [source]}, "y": {"inputs": []}}}
    story.run("etl", 10, 20, [], [dataset("c", lineage=facet)])
    assert version(story.ask(), "c@etl")["columns"] == ["x"]


def test_symlinks_name_the_same_dataset() -> None:
    """`symlinks` identifiers name the same dataset, reported under the name that bears the facet."""
    story = Story()
    story.manifest("table", "1", ANN)
    link = {"identifiers": [{"namespace": "w", "name": "table", "type": "TABLE"}]}
    story.declare(dataset("s3/path", symlinks=link), 1)
    story.run("etl", 10, 20, [dataset("table", "1")], [])
    assert versions(story.ask()) == ["s3/path@1"]
    assert runs(story.ask()) == ["etl"]


def test_smallest_of_several_bearers() -> None:
    """The smallest of several names that bear the facet."""
    story = Story()
    story.manifest("a", "1", ANN)
    for name in ("z", "m"):
        story.declare(
            dataset(name, symlinks={"identifiers": [{"namespace": "w", "name": "a", "type": "T"}]}), 1
        )
    assert versions(story.ask()) == ["m@1"]


def test_aliases_name_the_same_dataset() -> None:
    """Configured aliases name the same dataset."""
    story = Story(settings=UsageSettings(aliases=((("w", "shop.features"), ("w", "features")),)))
    story.manifest("shop.features", "1", ANN)
    story.run("train", 10, 20, [dataset("features", "1")])
    assert versions(story.ask()) == ["features@1"]
    assert runs(story.ask()) == ["train"]


def test_a_run_never_reads_its_own_output() -> None:
    """A run never reads its own output: a named version that only this run wrote counts as not named."""
    story = Story()
    story.manifest("d", "2", ANN)
    story.run("old", 1, 2, [], [dataset("d", "1", lifecycleStateChange=lifecycle("OVERWRITE"))])
    story.run("merge", 10, 20, [dataset("d", "2")], [dataset("d", "2", tags=tags(write="replace"))])
    assert runs(story.ask()) == []
    story.manifest("d", "1", ANN)
    assert runs(story.ask()) == ["merge"]


def test_its_own_output_that_another_run_wrote_too_is_read() -> None:
    """A named version that another run wrote as well is read."""
    story = Story()
    story.manifest("d", "2", ANN)
    story.run("other", 1, 2, [], [dataset("d", "2")])
    story.run("newer", 3, 4, [], [dataset("d", "3", tags=tags(write="replace"))])
    story.run("merge", 10, 20, [dataset("d", "2")], [dataset("d", "2")])
    assert runs(story.ask()) == ["merge"]


def test_an_instant_run_does_not_read_itself() -> None:
    """A run with a single event, reading and writing one dataset, reads what was there before."""
    story = Story()
    story.manifest("d", "once", ANN)
    story.event("once", "COMPLETE", 10, inputs=[dataset("d")], outputs=[dataset("d")])
    assert runs(story.ask()) == []
