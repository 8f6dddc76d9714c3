"""CONTRACT section 4, Uses, Who used it, Purpose, Decision logs and the form of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compliance.lineage import UsageSettings
from tests.lineage_story import (
    ANN,
    BOB,
    Story,
    at,
    clock,
    column,
    column_lineage,
    dataset,
    runs,
    schema,
    tags,
    use,
    version,
    versions,
)


def trained(**said: Any) -> Story:
    """One run that reads ``raw@1``, in which Ann is."""
    story = Story()
    story.manifest("raw", "1", ANN)
    return story.run("train", 10, 20, [dataset("raw", "1")], said.pop("writes", ()), **said)


def consumers(story: Story, run: str = "train") -> list[tuple[str, str, str | None]]:
    """Who used it in one run."""
    return [(c["kind"], c["name"], c["version"]) for c in use(story.ask(), run)["consumers"]]


# --- uses --------------------------------------------------------------------------------------


def test_keeping_is_no_use() -> None:
    """Keeping a previous version is no use."""
    story = trained(writes=["d"]).run("more", 30, 40, ["other"], ["d"])
    assert "d@more" in versions(story.ask())
    assert runs(story.ask()) == ["train"]


def test_certainty_is_the_strongest_over_the_versions_read() -> None:
    """Certainty is the strongest over the versions read."""
    story = trained(writes=["d"]).run("weak", 30, 40, ["d"]).run("both", 30, 40, ["d", dataset("raw", "1")])
    answer = story.ask()
    assert [use(answer, run)["certainty"] for run in ("train", "weak", "both")] == [
        "confirmed",
        "possible",
        "confirmed",
    ]


@pytest.mark.parametrize(("since", "until", "met"), [
    (None, None, True), (20, None, True), (20.1, None, False), (None, 10, False), (None, 10.1, True),
    (12, 13, True), (0, 5, False), (15, 15, False),
])  # fmt: skip
def test_from_and_to(since: float | None, until: float | None, met: bool) -> None:
    """`from`/`to` keep the uses whose [start, end] meets [from, to)."""
    span: dict[str, Any] = {
        "from_": None if since is None else at(since),
        "to": None if until is None else at(until),
    }
    answer = trained().ask(**span)
    assert (runs(answer) == ["train"]) == met
    assert versions(answer) == ["raw@1"]


def test_a_running_run_meets_every_later_span() -> None:
    """A running run's end counts as later than every time."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("train", 10, None, [dataset("raw", "1")])
    assert runs(story.ask(from_=at(5000))) == ["train"]


def test_the_order_of_uses() -> None:
    """Uses are ordered by start and run id."""
    story = Story()
    story.manifest("raw", "1", ANN)
    for name, start in (("z", 1), ("b", 5), ("a", 5)):
        story.run(name, start, 9, [dataset("raw", "1")])
    assert runs(story.ask()) == ["z", "a", "b"]


def test_path_and_evidence() -> None:
    """The path leads from the origin version to the use; the evidence proves each hop."""
    story = Story()
    manifest = story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["mid"]).run(
        "other", 10, 20, [dataset("raw", "1")], ["side"]
    )
    story.run("train", 30, 40, ["side", "mid"])
    found = use(story.ask(), "train")
    assert found["path"] == ["w/raw@1", "run:etl", "w/mid@etl", "run:train"]
    assert found["evidence"] == [manifest, "1/0", "2/0", "5/0", "6/0"]


def test_of_several_paths_the_smallest_names() -> None:
    """Ties go by the smallest name, whatever the order in which the outputs were told."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["zz", "aa"]).run(
        "all", 10, 20, [dataset("raw", "1")], ["b"]
    )
    story.run("join", 30, 40, ["zz", "aa", "b"], ["out"]).run("train", 50, 60, ["out"]).run(
        "test", 50, 60, ["zz", "aa"]
    )
    answer = story.ask()
    assert use(answer, "train")["path"][:4] == ["w/raw@1", "run:all", "w/b@all", "run:join"]
    assert use(answer, "test")["path"] == ["w/raw@1", "run:etl", "w/aa@etl", "run:test"]


def test_a_shorter_path_goes_before() -> None:
    """A shortest path; of several the smallest names."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], ["mid"]).run(
        "train", 30, 40, ["mid", dataset("raw", "1")]
    )
    assert use(story.ask(), "train")["path"] == ["w/raw@1", "run:train"]


# --- consumers ---------------------------------------------------------------------------------


def test_model_by_tag() -> None:
    """Model: the run's tag `model` = `NAME@VERSION`."""
    assert consumers(trained(run_tags={"model": "churn@v@3"})) == [("model", "churn@v", "3")]


@pytest.mark.parametrize("run", ["6f2a1c3b-0000-4000-8000-00000000abcd", "train"])
def test_model_by_registry(run: str) -> None:
    """The model version that the registry ties to the run, also if its run id, read as a UUID, is the run's."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run(run, 10, 20, [dataset("raw", "1")])
    story.tell("model_version", {"name": "churn", "version": "3", "run_ids": ["x", run.replace("-", "")]}, 5)
    assert consumers(story, run) == [("model", "churn", "3")]


@pytest.mark.parametrize("known", ["registry", "tag"])
def test_features(known: str) -> None:
    """Feature: each carrying column of an output that is a feature view, named `DATASET:COLUMN`."""
    facet = column_lineage(spend=[column("raw", "amount")], region=[])
    facets = {"columnLineage": facet} | ({"tags": tags(kind="feature-view")} if known == "tag" else {})
    story = trained(writes=[dataset("views.spend", "v7", **facets), dataset("plain", columnLineage=facet)])
    if known == "registry":
        story.tell(
            "feature_view", {"namespace": "w", "name": "views.spend", "features": ["spend", "region"]}, 5
        )
    assert consumers(story) == [("feature", "views.spend:spend", "v7")]


def test_features_of_a_complete_run_only() -> None:
    """Of an output of a COMPLETE run that contains the record."""
    facets = {"tags": tags(kind="feature-view"), "schema": schema("a")}
    assert consumers(trained(writes=[dataset("v", **facets)], state="FAIL")) == [("job", "job", None)]
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("train", 10, None, [dataset("raw", "1")], [dataset("v", **facets)])
    assert consumers(story) == [("job", "job", None)]
    story = trained(writes=[dataset("v", "1", **facets)])
    story.manifest("v", "1", BOB)
    assert consumers(story) == [("job", "job", None)]


def test_job_if_none_applies() -> None:
    """All that apply; the job if none does."""
    assert consumers(trained(job="nightly")) == [("job", "nightly", None)]
    facets = {"tags": tags(kind="feature-view"), "schema": schema("a")}
    both = trained(writes=[dataset("v", **facets)], run_tags={"model": "m@1"})
    assert consumers(both) == [("feature", "v:a", "train"), ("model", "m", "1")]


# --- purpose -----------------------------------------------------------------------------------


def purpose(story: Story) -> str:
    """The purpose of the run."""
    return str(use(story.ask(), "train")["purpose"])


def test_levels_of_purpose() -> None:
    """The run's tag, else the job's, else the model's in its registry, else `undeclared`."""
    assert purpose(trained()) == "undeclared"
    model = {"name": "m", "version": "1", "run_ids": ["train"], "purpose": "of model"}
    story = trained()
    story.tell("model_version", model, 5)
    assert purpose(story) == "of model"
    story.declare_job(5, purpose="of job")
    assert purpose(story) == "of job"
    story.event("train", "OTHER", 15, run_tags={"purpose": "of run"})
    assert purpose(story) == "of run"


def test_the_jobs_purpose_as_last_declared() -> None:
    """The job's as last declared at or before the run's start or in the run's own events."""
    story = (
        trained().declare_job(1, purpose="old").declare_job(10, purpose="new").declare_job(11, purpose="late")
    )
    assert purpose(story) == "new"
    story.event("train", "OTHER", 15, job_tags={"purpose": "own"})
    assert purpose(story) == "own"


def test_several_purposes_of_one_level() -> None:
    """Several of one level are shown sorted and joined by ", "."""
    story = trained(run_tags={"purpose": "b"})
    story.event("train", "OTHER", 15, run_tags={"purpose": "a"})
    assert purpose(story) == "a, b"


def test_lawful_basis() -> None:
    """The register's basis in force at the use's start; at a tie `consent` counts."""
    story = trained(run_tags={"purpose": "ads"})
    assert use(story.ask(), "train")["lawful_basis"] is None
    story.purpose("ads", "contract")
    assert use(story.ask(), "train")["lawful_basis"] == "contract"
    story.purpose("ads", "public-task", 10)
    story.purpose("ads", "vital-interests", 11)
    assert use(story.ask(), "train")["lawful_basis"] == "public-task"
    story.purpose("ads", "consent", 10)
    assert use(story.ask(), "train")["lawful_basis"] == "consent"


# --- decisions ---------------------------------------------------------------------------------


def test_a_decision_is_a_use() -> None:
    """Its use has `run_id` = the decision id, `job` null, starts and ends at the timestamp, confirmed and direct."""
    story = Story()
    evidence = story.decision(
        "d1", 5, purpose="ads", principal="svc", dataset={"namespace": "w", "name": "raw"}
    )
    found = use(story.ask(), "d1")
    assert (found["job"], found["started_at"], found["ended_at"]) == (None, clock(5), clock(5))
    assert (found["certainty"], found["influence"], found["purpose"]) == ("confirmed", "direct", "ads")
    assert found["consumers"] == [{"kind": "decision", "name": "svc", "version": None}]
    assert found["evidence"] == [evidence]
    assert runs(story.ask(BOB)) == []


def test_a_decision_of_a_model() -> None:
    """Kind `model` with `input.model` where it is given."""
    story = Story()
    story.decision("d1", 5, model="churn@3", principal="svc")
    assert use(story.ask(), "d1")["consumers"] == [{"kind": "model", "name": "churn", "version": "3"}]


def test_one_use_for_each_distinct_entry() -> None:
    """One use for each distinct entry; a denied one is none."""
    story = Story()
    for source in ("opa", "opa", "opa-2"):
        story.decision("d1", 5, source=source)
    story.decision("d1", 6)
    story.decision("d2", 7, allowed=False)
    assert runs(story.ask()) == ["d1", "d1"]


# --- the answer --------------------------------------------------------------------------------


def test_the_form_of_the_answer() -> None:
    """The answer is JSON with the fields of the contract."""
    answer = trained(writes=["d"]).ask()
    assert json.loads(json.dumps(answer)) == answer
    assert set(answer) == {
        "key_space", "pseudonym", "as_of", "datasets", "uses", "complete", "undescribed", "gaps", "relied_on",
    }  # fmt: skip
    assert {
        "namespace", "name", "version", "certainty", "influence", "columns", "masked_columns", "written_at", "violations",
    } <= set(answer["datasets"][0])  # fmt: skip
    assert {
        "run_id", "job", "consumers", "started_at", "ended_at", "purpose", "lawful_basis", "certainty", "influence",
        "path", "violations", "evidence",
    } == set(answer["uses"][0])  # fmt: skip
    assert version(answer, "raw@1")["written_at"] is None


def test_at_leaves_out_later_entries() -> None:
    """`at` leaves out every entry whose instant is later."""
    story = trained()
    assert runs(story.ask(minute=5)) == []
    assert use(story.ask(minute=15), "train")["ended_at"] is None
    assert story.ask(minute=15)["as_of"] == clock(15)


def test_undescribed() -> None:
    """`undescribed` counts the datasets that have neither a manifest or tag of any key space nor a contract."""
    story = trained(writes=["d", dataset("tagged", tags=tags(key_space="card")), "agreed", "alias"])
    story.contract("agreed", 0)
    story.manifest("card", "1", key_space="card")
    story.run("x", 1, 2, ["card"], [dataset("y", columnLineage=column_lineage(k=[column("named", "k")]))])
    assert story.ask()["undescribed"] == 4
    story.settings = UsageSettings(aliases=((("w", "alias"), ("w", "agreed")),))
    assert story.ask()["undescribed"] == 3
