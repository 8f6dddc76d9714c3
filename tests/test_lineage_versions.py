"""CONTRACT section 4, Dataset versions and What an output holds."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.lineage import UsageSettings
from tests.lineage_story import (
    ANN,
    BOB,
    LATE,
    Story,
    dataset,
    gaps,
    lifecycle,
    runs,
    tags,
    version,
    versions,
)


def iceberg(operation: str, total: int, added: int, snapshot: int = 77) -> dict[str, Any]:
    """An output with a commit report."""
    metrics = {"totalRecords": total, "addedRecords": added}
    report = {"snapshotId": snapshot, "operation": operation, "commitMetrics": metrics}
    return dataset("d") | {"outputFacets": {"icebergCommitReport": report}}


def second_write(first: Any, second: Any, **said: Any) -> list[str]:
    """What contains Ann after she was in the first write of ``d`` and not in what the second read."""
    story = said.pop("story", None) or Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 2, [dataset("raw", "1")], [first])
    story.run("two", 10, 20, [dataset("other", "1")], [second], **said)
    return versions(story.ask())


# --- which versions ----------------------------------------------------------------------------


def test_iceberg_snapshots_are_versions() -> None:
    """A version is an Iceberg scan's or commit's snapshot id."""
    story = Story()
    story.manifest("raw", "9007199254740993", ANN)
    scan = dataset("raw") | {"inputFacets": {"icebergScanReport": {"snapshotId": 9007199254740993}}}
    story.run("etl", 10, 20, [scan], [iceberg("append", 9, 3, 4711)])
    assert versions(story.ask()) == ["d@4711", "raw@9007199254740993"]


def test_old_iceberg_facet_names() -> None:
    """The reports of the first facet versions are read too."""
    story = Story()
    story.manifest("raw", "5", ANN)
    story.run("etl", 10, 20, [dataset("raw") | {"inputFacets": {"iceberg_scan_report": {"snapshotId": 5}}}])
    assert runs(story.ask()) == ["etl"]


def test_delta_version_as_a_number() -> None:
    """A Delta version, also where a producer writes it as a number."""
    story = Story()
    story.manifest("raw", "3", ANN)
    story.run("etl", 10, 20, [dataset("raw", 3)])
    assert runs(story.ask()) == ["etl"]


def test_all_versions_named_count() -> None:
    """All that a run names count."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.manifest("raw", "2", BOB)
    story.event("etl", "START", 10, inputs=[dataset("raw", "1")])
    story.event(
        "etl", "COMPLETE", 20, inputs=[dataset("raw", "2")], outputs=[dataset("d", "a"), dataset("d", "b")]
    )
    for who in (ANN, BOB):
        assert {"d@a", "d@b"} < set(versions(story.ask(who)))
        assert runs(story.ask(who)) == ["etl"]


def test_an_output_without_a_version_gets_the_runs_id() -> None:
    """An output without one gets the run's id."""
    assert "d@one" in second_write("d", "e")


def test_unnamed_read_is_the_last_write_at_or_before_the_start() -> None:
    """The version whose writing run ended last at or before the reading run's start."""
    story = Story()
    for name, start, end in (("one", 1, 2), ("two", 3, 10), ("three", 10, 11)):
        story.run(name, start, end, [], [dataset("d", tags=tags(write="replace"))])
        story.manifest("d", name, ANN if name == "two" else BOB)
    story.run("train", 10, 12, ["d"])
    assert runs(story.ask()) == ["train"]
    assert runs(story.ask(BOB)) == []


def test_ties_are_all_read() -> None:
    """Ties: all."""
    story = Story()
    for name, who in (("one", ANN), ("two", BOB)):
        story.run(name, 5, 6, [], ["d"])
        story.manifest("d", name, who)
    story.run("train", 10, 12, ["d"])
    assert runs(story.ask()) == runs(story.ask(BOB)) == ["train"]


def test_nothing_written_by_then_manifests_without_a_writer() -> None:
    """If no run had written the dataset by then, every version that has a manifest and no known writing run."""
    story = Story()
    story.manifest("d", "m1", ANN)
    story.manifest("d", "m2", ANN, BOB)
    story.manifest("d", "late", "c" * 32)
    story.run("train", 10, 12, ["d"]).run("late", 20, 30, [], [dataset("d", "late")])
    assert runs(story.ask()) == runs(story.ask(BOB)) == ["train"]
    assert runs(story.ask("c" * 32)) == []


def test_else_initial() -> None:
    """Else `initial`."""
    story = Story()
    story.manifest("d", "initial", ANN)
    story.run("train", 10, 12, ["d"])
    assert versions(story.ask()) == ["d@initial"]
    assert runs(story.ask()) == ["train"]


def test_failed_writes_are_not_read() -> None:
    """Only a COMPLETE run's outputs exist."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("good", 1, 2, [], ["d"]).run("bad", 3, 4, [dataset("raw", "1")], ["d"], state="FAIL")
    story.run("train", 10, 12, ["d"])
    assert runs(story.ask()) == ["bad"]


@pytest.mark.parametrize(
    ("start", "end", "gap"), [(8, 11, True), (8, 10, False), (15, 16, True), (20, 25, False), (15, 15, False)]
)
def test_overlap_with_the_reader_is_a_gap(start: int, end: int, gap: bool) -> None:
    """It is a gap where a run that writes the dataset shares more than an instant with the reader."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 2, [dataset("raw", "1")], ["d"])
    story.run("train", 10, 20, ["d"])
    story.run("other", start, end, [], ["d"])
    found = gaps(story.ask())
    assert bool(found) == gap


def test_overlap_with_the_chosen_writer_is_a_gap() -> None:
    """… or with the writer chosen; also if only the other run's version contains the record."""
    story = Story()
    story.manifest("raw", "1", ANN)
    replace = dataset("d", tags=tags(write="replace"))
    story.run("other", 1, 4, [dataset("raw", "1")], [replace]).run("chosen", 3, 5, [], [replace])
    story.run("train", 10, 20, ["d"])
    answer = story.ask()
    assert runs(answer) == ["other"]
    assert gaps(answer) == ["d@chosen"]


def test_overlap_of_the_writer_with_a_kept_version_is_a_gap() -> None:
    """For a kept previous version: with the writer."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 2, [dataset("raw", "1")], ["d"]).run("two", 10, 20, [], ["d"])
    assert story.ask()["complete"]
    story.run("three", 15, 30, [], [dataset("d", tags=tags(write="replace"))])
    assert "d@one" in gaps(story.ask())


def test_a_named_read_is_certain() -> None:
    """A version that is named needs no working out, so an overlap is no gap."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 2, [dataset("raw", "1")], [dataset("d", "v1")])
    story.run("train", 10, 20, [dataset("d", "v1")])
    story.run("other", 5, 30, [], [dataset("d", "v2", tags=tags(write="replace"))])
    assert story.ask()["complete"]


def test_named_but_unknown_version() -> None:
    """Named, but no known run wrote it and no manifest describes it: `possible`, and a gap, if another contains the record."""
    story = Story()
    story.manifest("d", "1", ANN)
    story.run("train", 10, 20, [dataset("d", "2")])
    answer = story.ask()
    assert (version(answer, "d@2")["certainty"], runs(answer), gaps(answer)) == (
        "possible",
        ["train"],
        ["d@2"],
    )
    assert runs(story.ask(BOB)) == []
    story.manifest("d", "2", BOB)
    assert runs(story.ask()) == []


# --- what an output holds ----------------------------------------------------------------------


def test_where_nothing_states_it_it_keeps() -> None:
    """Where nothing states it, it keeps: never assume that data went away."""
    assert "d@two" in second_write("d", "d")


@pytest.mark.parametrize("change", ["OVERWRITE", "CREATE", "TRUNCATE", "DROP"])
def test_lifecycle_replaces(change: str) -> None:
    """It replaces if `lifecycleStateChange` says OVERWRITE, CREATE, TRUNCATE or DROP."""
    assert "d@two" not in second_write("d", dataset("d", lifecycleStateChange=lifecycle(change)))


@pytest.mark.parametrize("change", ["ALTER", "RENAME", 7, "OTHER"])
def test_other_changes_keep(change: Any) -> None:
    """ALTER keeps, RENAME keeps, and what is malformed says nothing."""
    assert "d@two" in second_write("d", dataset("d", lifecycleStateChange=lifecycle(change)))


def test_rename_keeps_what_the_former_name_held() -> None:
    """RENAME keeps also what `previousIdentifier` held."""
    new = dataset("new", lifecycleStateChange=lifecycle("RENAME", "d"))
    assert "new@two" in second_write("d", new)


@pytest.mark.parametrize(("commit", "kept"), [
    (("overwrite", 5, 5), False), (("overwrite", 9, 5), True), (("append", 5, 5), True),
])  # fmt: skip
def test_iceberg_overwrite(commit: tuple[str, int, int], kept: bool) -> None:
    """It replaces if an Iceberg commit's operation is `overwrite` and its total records equal its added ones."""
    assert ("d@77" in second_write("d", iceberg(*commit))) == kept


def test_configuration_replaces() -> None:
    """Or if configuration says so for that dataset."""
    story = Story(settings=UsageSettings(replaces=frozenset({("w", "d")})))
    assert "d@two" not in second_write("d", "d", story=story)


def test_alter_stands_against_configuration() -> None:
    """ALTER keeps."""
    story = Story(settings=UsageSettings(replaces=frozenset({("w", "d")})))
    assert "d@two" in second_write("d", dataset("d", lifecycleStateChange=lifecycle("ALTER")), story=story)


@pytest.mark.parametrize("place", ["dataset", "event", "run", "job", "declared"])
@pytest.mark.parametrize(
    ("mode", "change", "kept"), [("replace", "ALTER", False), ("append", "OVERWRITE", True)]
)
def test_a_write_tag_beats_the_facets(place: str, mode: str, change: str, kept: bool) -> None:
    """A tag on the dataset in the run's events or in DatasetEvents, on the run, on the job, beats the facets."""
    story, said, facets = Story(), {}, {"lifecycleStateChange": lifecycle(change)}
    match place:
        case "dataset":
            facets["tags"] = tags(write=mode)
        case "event":
            story.declare(dataset("d", tags=tags(write=mode)), 0)
        case "run":
            said["run_tags"] = {"write": mode}
        case "job":
            said["job_tags"] = {"write": mode}
        case _:
            story.declare_job(0, write=mode)
    assert ("d@two" in second_write("d", dataset("d", **facets), story=story, **said)) == kept


def test_the_job_as_last_declared_at_or_before_the_start() -> None:
    """The job as last declared at or before the run's start: a later declaration says nothing of this run."""
    story = Story()
    story.declare_job(0, write="append").declare_job(10, write="replace").declare_job(11, write="append")
    assert "d@two" not in second_write("d", "d", story=story)


def test_of_several_tags_append_stands() -> None:
    """Of several, append stands."""
    story = Story().declare(dataset("d", tags=tags(write="append")), 0)
    assert "d@two" in second_write("d", "d", story=story, run_tags={"write": "replace"})


def test_a_tag_of_a_column_is_not_one_of_the_dataset() -> None:
    """A tag that names a field says nothing of the dataset."""
    tag = {"tags": [{"key": "write", "value": "replace", "field": "id"}]}
    assert "d@two" in second_write("d", dataset("d", tags=tag))


def test_kept_among_runs_that_ended_before_this_runs_end() -> None:
    """The previous version is worked out among runs that ended before this run's end, not its start."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("during", 12, 15, [dataset("raw", "1")], ["d"]).run("long", 10, 20, [], ["d"])
    story.run("same", 16, 20, [], [dataset("e")]).run("tie", 11, 15, [dataset("raw", "1")], ["e"])
    found = versions(story.ask())
    assert "d@long" in found
    assert "e@same" in found
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 12, 20, [dataset("raw", "1")], ["d"]).run("two", 10, 20, [], ["d"])
    assert "d@two" not in versions(story.ask())


def test_reading_the_previous_version_and_replacing_it() -> None:
    """What its writing run read: a run that rewrites a dataset from itself carries the record over."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 2, [dataset("raw", "1")], ["d"])
    story.run("two", 10, 20, ["d"], [dataset("d", tags=tags(write="replace"))])
    assert "d@two" in versions(story.ask())
    assert runs(story.ask(minute=LATE)) == ["one", "two"]
