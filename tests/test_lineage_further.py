"""Violations beyond the contract's own, by the rules of docs/record-usage.md."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.canonical import format_time, from_micros, micros, parse_time
from compliance.lineage.further import a_month_after
from tests.lineage_story import ANN, BOB, Story, clock, codes, dataset, lifecycle, tags, use, version

DAY = 24 * 60
REPLACED = {"lifecycleStateChange": lifecycle("OVERWRITE")}


def read_once(start: int = 10, end: int | None = 20, **said: Any) -> Story:
    """Ann is in ``raw@1``, which one run reads for a purpose."""
    story = Story()
    story.manifest("raw", "1", ANN)
    run_tags = {"purpose": "ads", **said.pop("run_tags", {})}
    return story.run("train", start, end, [dataset("raw", "1")], run_tags=run_tags, **said)


def of(story: Story, code: str, run: str = "train") -> list[Any]:
    """The violations of one code on one use."""
    return [item for item in use(story.ask(), run)["violations"] if item["code"] == code]


def test_levels_that_contradict_each_other() -> None:
    """`purpose-conflict`: two of run, job and model registry state purposes, and not the same ones."""
    story = read_once(run_tags={"purpose": "ads"})
    assert not of(story, "purpose-conflict")
    story.declare_job(5, purpose="billing")
    (found,) = of(story, "purpose-conflict")
    assert found["because"] == "the purposes stated contradict each other (run: ads; job: billing)"
    assert set(found["evidence"]) == {"1/0", "2/0", "3/0"}


def test_levels_that_agree() -> None:
    """Levels that state the same purposes do not contradict each other, nor does one that is silent."""
    story = read_once(run_tags={"purpose": "ads"}, job_tags={"purpose": "ads"})
    assert not of(story, "purpose-conflict")


def history(newer: str) -> Story:
    """``raw@1`` with Ann, ``raw@2`` with ``newer`` alone; then a run that names version 1."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.manifest("raw", "2", newer)
    story.run("w1", 1, 2, [], [dataset("raw", "1", **REPLACED)])
    story.run("w2", 3, 4, [], [dataset("raw", "2", **REPLACED)])
    return story.run("train", 10, 20, [dataset("raw", "1")], run_tags={"purpose": "ads"})


def test_time_travel() -> None:
    """`time-travel-use`: a named version has the record, and a newer one, written by then, has not."""
    (found,) = of(history(BOB), "time-travel-use")
    assert found["dataset"] == {"namespace": "w", "name": "raw"}
    assert "version 2, written at 2026-03-01T00:04:00Z, does not hold the record" in found["because"]
    assert "1" in found["evidence"]


def test_no_time_travel_where_the_newer_version_has_it_too() -> None:
    """A newer version that holds the record as well hides nothing, nor does one that was not yet written."""
    assert not of(history(ANN), "time-travel-use")
    early = history(BOB)
    early.run("early", 3, 9, [dataset("raw", "1")], run_tags={"purpose": "ads"})
    assert not of(early, "time-travel-use", "early")


def test_no_time_travel_by_a_version_that_was_worked_out() -> None:
    """What was worked out is not named: the run took what there was."""
    story = history(BOB)
    story.run("plain", 2, 9, ["raw"], run_tags={"purpose": "ads"})
    assert not of(story, "time-travel-use", "plain")


@pytest.mark.parametrize(("minute", "raised"), [(10, False), (11, True), (20, True), (21, False)])
def test_withdrawn_during_use(minute: int, raised: bool) -> None:
    """`withdrawn-during-use`: consent stood at the start and was withdrawn after it, at the end at the latest."""
    story = read_once()
    story.purpose("ads", "consent")
    story.consent(1, "granted")
    withdrawal = story.consent(minute, "withdrawn")
    found = of(story, "withdrawn-during-use")
    assert bool(found) == raised
    assert not found or withdrawal in found[0]["evidence"]


def test_withdrawn_while_still_running() -> None:
    """A run without an end goes on until the instant asked about."""
    story = read_once(end=None)
    story.purpose("ads", "consent")
    story.consent(1, "granted")
    story.consent(500, "withdrawn")
    assert of(story, "withdrawn-during-use")


@pytest.mark.parametrize(
    ("tag", "minute", "raised"), [("churn@1", 30, True), ("churn@1", 9, False), (None, 30, False)]
)
def test_model_trained_on_erased(tag: str | None, minute: int, raised: bool) -> None:
    """`model-trained-on-erased`: a model came of the use, and the record was erased from its data afterwards."""
    story = read_once(run_tags={} if tag is None else {"model": tag})
    erasure = story.erased(minute)
    found = of(story, "model-trained-on-erased")
    assert bool(found) == raised
    assert not found or erasure in found[0]["evidence"]


@pytest.mark.parametrize(("start", "raised"), [(30, False), (32, True), (41, False)])
def test_late_notice(start: int, raised: bool) -> None:
    """`late-notice`: used a month or more after an erasure was asked for, and before it was done."""
    story = read_once(start * DAY, start * DAY + 1)
    story.erased(40 * DAY)
    assert (
        bool(
            [v for v in use(story.ask(minute=50 * DAY), "train")["violations"] if v["code"] == "late-notice"]
        )
        == raised
    )


@pytest.mark.parametrize(("asked", "due"), [
    ("2026-01-31T12:00:00Z", "2026-02-28T12:00:00Z"), ("2026-12-05T00:00:00Z", "2027-01-05T00:00:00Z"),
])  # fmt: skip
def test_a_month(asked: str, due: str) -> None:
    """A month ends on the same day of the next one, or on its last day."""
    assert format_time(from_micros(a_month_after(micros(parse_time(asked))))) == due


@pytest.mark.parametrize(("region", "raised"), [("eu-west-1", False), ("us-east-1", True)])
def test_residency_of_a_use(region: str, raised: bool) -> None:
    """`residency-breach`: the run's tag `region` is none of those that the contract in force names."""
    story = read_once(run_tags={"region": region})
    story.contract("raw", 0, "ads", residency=["eu-west-1", "eu-central-1"])
    assert bool(of(story, "residency-breach")) == raised


def test_residency_of_a_dataset() -> None:
    """`residency-breach` of a dataset whose tag `region` its contract does not name."""
    story = read_once()
    story.contract("raw", 0, "ads", residency=["eu-west-1"])
    story.declare(dataset("raw", tags=tags(region="us-east-1")), 1)
    story.run("w1", 1, 2, [], [dataset("raw", "1", **REPLACED)])
    assert codes(version(story.ask(), "raw@1")) == ["residency-breach"]


@pytest.mark.parametrize(("days", "raised"), [(30, False), (29, True)])
def test_retention_exceeded(days: int, raised: bool) -> None:
    """`retention-exceeded`: the version read was written longer ago than the contract retains data."""
    story = read_once(30 * DAY, 30 * DAY + 1)
    story.run("w1", -1, 0, [], [dataset("raw", "1", **REPLACED)])
    story.contract("raw", 0, "ads", retention_days=days)
    found = [
        v for v in use(story.ask(minute=31 * DAY), "train")["violations"] if v["code"] == "retention-exceeded"
    ]
    assert bool(found) == raised


def test_erasure_incomplete() -> None:
    """`erasure-incomplete`: after the erasure the table still offers the version to be read."""
    story = read_once()
    erasure = story.erased(30)
    assert "erasure-incomplete" not in codes(version(story.ask(), "raw@1"))
    listing = story.tell("table_versions", {"namespace": "w", "name": "raw", "versions": ["1", 2]}, 40)
    (found,) = [v for v in version(story.ask(), "raw@1")["violations"] if v["code"] == "erasure-incomplete"]
    assert {erasure, listing} <= set(found["evidence"])
    story.tell("table_versions", {"namespace": "w", "name": "raw", "versions": [2]}, 50)
    assert "erasure-incomplete" not in codes(version(story.ask(), "raw@1"))


def derived() -> Story:
    """Ann goes from ``raw`` into the latest version of ``features``; then she is erased from ``raw``."""
    story = Story()
    story.manifest("raw", "1", ANN)
    return story.run("derive", 1, 2, [dataset("raw", "1")], [dataset("features", "7", **REPLACED)])


def test_derived_not_propagated() -> None:
    """`derived-not-propagated`: erased at the source, still in the latest version of what was derived of it."""
    story = derived()
    erasure = story.erased(30, "raw")
    (found,) = version(story.ask(), "features@7")["violations"]
    assert (found["code"], erasure in found["evidence"]) == ("derived-not-propagated", True)
    assert clock(30) in found["because"]


@pytest.mark.parametrize("mended", ["erased", "rewritten"])
def test_propagated(mended: str) -> None:
    """An erasure of the derived dataset, or a newer version of it, ends that."""
    story = derived()
    story.erased(30, "raw")
    if mended == "erased":
        story.erased(31, "features")
    else:
        story.run("again", 40, 41, [], [dataset("features", "8", **REPLACED)])
    assert codes(version(story.ask(), "features@7")) == []
