"""CONTRACT section 4, Contains and Erased in place."""

from __future__ import annotations

import pytest

from tests.lineage_story import (
    ANN,
    BOB,
    SPACE,
    Story,
    dataset,
    gaps,
    lifecycle,
    runs,
    tags,
    version,
    versions,
)


def test_a_full_manifest_is_exact() -> None:
    """With a full manifest the answer is exact: `confirmed` if the pseudonym is in it, else no."""
    story = Story()
    story.manifest("raw", "1", ANN, BOB)
    story.manifest("d", "etl", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["d"]).run("train", 30, 40, ["d"])
    assert version(story.ask(), "d@etl")["certainty"] == "confirmed"
    assert versions(story.ask(BOB)) == ["raw@1"]
    assert runs(story.ask(BOB)) == ["etl"]


def test_a_manifest_of_another_key_space_says_nothing() -> None:
    """In the record's key space."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.manifest("d", "etl", BOB, key_space="card")
    story.run("etl", 10, 20, [dataset("raw", "1")], ["d"])
    assert version(story.ask(), "d@etl")["certainty"] == "possible"


def test_a_partial_manifest_confirms_but_never_excludes() -> None:
    """With a partial one: `confirmed` if it is in it, else as without."""
    story = Story()
    story.manifest("raw", "1", ANN, BOB)
    story.manifest("d", "etl", ANN, full=False)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["d"])
    assert version(story.ask(), "d@etl")["certainty"] == "confirmed"
    assert version(story.ask(BOB), "d@etl")["certainty"] == "possible"


def test_possible_by_a_read_or_a_kept_version() -> None:
    """`possible` if a run that wrote it read, or its kept previous version is, a version that contains the record."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 2, [dataset("raw", "1")], ["d"]).run("two", 3, 4, [], ["d"]).run(
        "three", 5, 6, ["d"], ["e"]
    )
    answer = story.ask()
    assert versions(answer) == ["d@one", "d@two", "e@three", "raw@1"]
    assert {item["certainty"] for item in answer["datasets"] if item["name"] != "raw"} == {"possible"}


def test_two_different_manifests_are_united_and_a_gap() -> None:
    """Two different manifests of one version are united, and a gap."""
    story = Story()
    story.manifest("d", "1", ANN)
    assert story.ask()["complete"]
    story.manifest("d", "1", ANN, source="other")
    assert story.ask()["complete"]
    story.manifest("d", "1", BOB, source="other")
    for who in (ANN, BOB):
        assert versions(story.ask(who)) == ["d@1"]
        assert gaps(story.ask(who)) == ["d@1"]


# --- nobody can speak for it -------------------------------------------------------------------


def said_by_tag(story: Story) -> None:
    """The dataset is tagged."""
    story.declare(dataset("d", tags=tags(key_space=SPACE)), 0)


def said_by_field(story: Story) -> None:
    """A field is tagged."""
    story.declare(dataset("d", tags={"tags": [{"key": "key_space", "value": SPACE, "field": "id"}]}), 0)


def said_by_contract(story: Story) -> None:
    """A contract names it."""
    story.contract("d", 0, "ads", key_spaces=[SPACE])


def said_by_contract_field(story: Story) -> None:
    """A contract names it for a field."""
    story.contract("d", 0, "ads", fields=[{"name": "id", "key_space": SPACE}])


@pytest.mark.parametrize("said", [said_by_tag, said_by_field, said_by_contract, said_by_contract_field])
def test_nobody_can_speak_for_it(said: object) -> None:
    """No full manifest and no known run, of a dataset said to hold this key space: a gap, for everybody."""
    story = Story()
    said(story)  # type: ignore[operator]
    assert story.ask()["complete"]
    story.run("train", 10, 20, ["d"])
    assert gaps(story.ask()) == ["d@initial"]
    story.manifest("d", "m", BOB, full=False)
    assert gaps(story.ask()) == ["d@m"]
    story.manifest("d", "m", BOB)
    assert not gaps(story.ask())


def test_of_another_key_space() -> None:
    """Tag `key_space` = this one."""
    story = Story().declare(dataset("d", tags=tags(key_space="card")), 0).run("train", 10, 20, ["d"])
    assert story.ask()["complete"]


def test_its_writing_run_names_nothing_it_read() -> None:
    """… or its writing run names nothing it read."""
    story = Story()
    said_by_tag(story)
    overwrite = dataset("d", lifecycleStateChange=lifecycle("OVERWRITE"))
    story.run("load", 1, 2, [], [overwrite]).run("train", 10, 20, ["d"])
    assert gaps(story.ask()) == ["d@load"]
    story.event("load", "OTHER", 2, inputs=[dataset("somewhere")])
    assert story.ask()["complete"]
    story.run("also", 1, 2, [], [dataset("d", "load", lifecycleStateChange=lifecycle("OVERWRITE"))])
    assert gaps(story.ask()) == ["d@load"]


def test_kept_by_one_that_was_read() -> None:
    """A version kept by one that was read is a gap as well, until a CREATE ends this for what came before."""
    story = Story()
    said_by_tag(story)
    story.run("add", 5, 6, ["x"], ["d"]).run("train", 10, 20, ["d"])
    assert gaps(story.ask()) == ["d@initial"]
    story.run("make", 1, 2, ["x"], [dataset("d", lifecycleStateChange=lifecycle("CREATE"))])
    assert story.ask()["complete"]


def test_a_create_ends_it_even_where_a_tag_says_append() -> None:
    """A CREATE ends this for what came before."""
    story = Story()
    said_by_tag(story)
    story.run(
        "make",
        1,
        2,
        ["x"],
        [dataset("d", lifecycleStateChange=lifecycle("CREATE"), tags=tags(write="append"))],
    )
    story.run("train", 10, 20, ["d"])
    assert story.ask()["complete"]


def test_what_flows_from_it_is_concerned() -> None:
    """A gap is listed if it concerns a version that contains the record or might, and all that flows from it."""
    story = Story()
    said_by_tag(story)
    story.run("etl", 10, 20, ["d"], ["e"]).run("more", 30, None, ["e"], ["f"])
    assert gaps(story.ask()) == ["d@initial", "f@more"]
    story.manifest("e", "etl", BOB)
    assert gaps(story.ask()) == ["d@initial"]


# --- erased in place ---------------------------------------------------------------------------


def test_a_worked_out_read_finds_it_gone() -> None:
    """A read that was worked out finds the record gone if an erasure completed after the write and by the start."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 5, [dataset("raw", "1")], ["d"])
    story.run("before", 6, 7, ["d"])
    erasure = story.erased(10, "d")
    story.run("at", 10, 12, ["d"], ["e"])
    answer = story.ask()
    assert (runs(answer), answer["relied_on"], answer["complete"]) == (["one", "before"], [erasure], True)
    assert versions(answer) == ["d@one", "raw@1"]


@pytest.mark.parametrize("minute", [5, 11])
def test_an_erasure_too_early_or_too_late(minute: int) -> None:
    """Completed after that version was written and at or before the reading run's start."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 5, [dataset("raw", "1")], ["d"]).run("train", 10, 12, ["d"])
    story.erased(minute, "d")
    assert "train" in runs(story.ask())


def test_an_erasure_of_another_dataset_or_person() -> None:
    """An erasure of it covering that dataset."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 5, [dataset("raw", "1")], ["d"]).run("train", 10, 12, ["d"])
    story.erased(7, "e")
    story.erased(7, who=BOB)
    assert "train" in runs(story.ask())
    story.erased(7)
    assert "train" not in runs(story.ask())


def test_time_travel_finds_it_there() -> None:
    """A read that names an older version is time travel and finds the record there."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 5, [dataset("raw", "1")], [dataset("d", "v")])
    story.erased(7)
    story.run("travel", 10, 12, [dataset("d", "v")])
    assert "travel" in runs(story.ask())


def test_a_kept_version_finds_it_gone_by_the_writers_end() -> None:
    """For a kept previous version: the writing run's end."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("one", 1, 5, [dataset("raw", "1")], ["d"]).run("two", 10, 20, [], ["d"])
    story.erased(15, "d")
    assert versions(story.ask()) == ["d@one", "raw@1"]


def test_written_before_everything() -> None:
    """A version that no known run wrote counts as written before everything; confirmed by a manifest, that is a gap."""
    story = Story()
    story.manifest("d", "m", ANN)
    erasure = story.erased(7)
    story.run("train", 10, 12, ["d"])
    answer = story.ask()
    assert (runs(answer), gaps(answer), answer["relied_on"]) == ([], ["d@m"], [erasure])


def test_a_cycle_comes_to_an_end() -> None:
    """There is no depth limit, and a circle of versions is followed once."""
    story = Story()
    story.manifest("a", "1", ANN, full=False)
    story.run("there", 1, 2, [dataset("a", "1")], [dataset("b", "1")])
    story.run("back", 3, 4, [dataset("b", "1")], [dataset("a", "1")])
    answer = story.ask()
    assert versions(answer) == ["a@1", "b@1"]
    assert runs(answer) == ["there", "back"]
    assert answer["uses"][1]["path"] == ["w/a@1", "run:there", "w/b@1", "run:back"]
