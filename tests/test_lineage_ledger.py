"""The erasure ledger: what became of a record after the request to erase it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compliance.lineage import Question, World, erasure_ledger, erasure_requests, record_usage
from tests.lineage_story import ANN, BOB, LATE, SPACE, Story, at, dataset, lifecycle, tags

DAY = 24 * 60
REPLACED = {"lifecycleStateChange": lifecycle("OVERWRITE")}


def told() -> Story:
    """Ann goes from ``raw`` into ``features``, a feature view, and into a model; then ``raw`` is erased."""
    story = Story()
    story.manifest("raw", "1", ANN, BOB)
    story.manifest("features", "7", ANN)
    story.declare(dataset("features", tags=tags(kind="feature-view")), 0)
    story.run("load", 1, 2, [], [dataset("raw", "1", **REPLACED)])
    features = dataset("features", "7", schema={"fields": [{"name": "score"}]}, **REPLACED)
    story.run("derive", 3, 4, [dataset("raw", "1")], [features])
    story.run("train", 5, 6, [dataset("features", "7")], run_tags={"model": "churn@3", "purpose": "ads"})
    story.erased(30 * DAY, "raw")
    return story


def ledger(story: Story, minute: float = LATE * 2) -> dict[str, Any]:
    """The ledger of the one request there is."""
    world = World.build(story.input())
    (request,) = erasure_requests(world)
    answer = record_usage(world, Question(SPACE, request.person[1], at(minute)))
    return erasure_ledger(world, request, answer)


def states(found: Mapping[str, Any], what: str) -> dict[str, str]:
    """State by ``name@version``."""
    return {f"{line['name']}@{line['version']}": line["state"] for line in found[what]}


def test_the_request() -> None:
    """A ledger says what was asked, when it was due (a month later), when it was done, and of which datasets."""
    found = ledger(told())
    assert (found["requested_at"], found["due"]) == ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z")
    assert (found["completed_at"], found["late"]) == ("2026-03-31T00:00:00Z", False)
    assert found["datasets"] == [{"namespace": "w", "name": "raw"}]
    late = told()
    late.erased(32 * DAY, "features")
    assert ledger(late)["late"] is True


def test_states() -> None:
    """What the deletion log names is erased; what was derived and nobody erased is still present."""
    found = ledger(told())
    assert states(found, "versions") == {"raw@1": "erased", "features@7": "still present"}
    assert states(found, "features") == {"features:score@7": "still present"}
    assert states(found, "models") == {"churn@3": "still present"}
    assert [line["purposes"] for line in found["models"]] == [["ads"]]


def test_tombstoned() -> None:
    """Erased, but a later listing of the table still offers the version: tombstoned, until one does not."""
    story = told()
    story.tell("table_versions", {"namespace": "w", "name": "raw", "versions": ["1"]}, 31 * DAY)
    assert states(ledger(story), "versions")["raw@1"] == "tombstoned"
    story.tell("table_versions", {"namespace": "w", "name": "raw", "versions": ["2"]}, 32 * DAY)
    assert states(ledger(story), "versions")["raw@1"] == "erased"


def test_unknown() -> None:
    """A version that was written over may still be readable: unknown, unless its table says so."""
    story = told()
    story.run("again", 40 * DAY, 40 * DAY + 1, [], [dataset("features", "8", **REPLACED)])
    assert states(ledger(story), "versions")["features@7"] == "unknown"
    story.tell("table_versions", {"namespace": "w", "name": "features", "versions": ["7", "8"]}, 41 * DAY)
    assert states(ledger(story), "versions")["features@7"] == "still present"


def test_possible_is_unknown() -> None:
    """Where no manifest says whether the record is there, its state is not known either."""
    story = told()
    story.run("copy", 7, 8, [dataset("raw", "1")], [dataset("copy", "1", **REPLACED)])
    assert states(ledger(story), "versions")["copy@1"] == "unknown"


def test_open_hops_and_decisions() -> None:
    """Whatever is not erased is open; a model is open until somebody has decided about it."""
    story = told()
    assert [(line["kind"], line["name"]) for line in ledger(story)["open"]] == [
        ("version", "w/features"), ("feature", "features:score"), ("model", "churn"),
    ]  # fmt: skip
    said = {"action": "retrain", "decided_by": "model-risk", "because": "the next training leaves her out"}
    decided = {"request_id": "r", "model": "churn@3", "decided_at": "2026-04-02T00:00:00Z", **said}
    evidence = story.tell("model_decision", decided, 32 * DAY)
    story.erased(33 * DAY, "features")
    found = ledger(story)
    assert found["open"] == []
    assert found["models"][0]["decisions"] == [
        {**said, "decided_at": "2026-04-02T00:00:00Z", "evidence": evidence}
    ]


def test_the_ledger_of_another_instant() -> None:
    """Before the erasure nothing was erased: a ledger is as of an instant, like every answer."""
    story = told()
    world = World.build(story.input())
    assert erasure_requests(world.until(0)) == []


def test_a_decision_about_another_request() -> None:
    """A decision counts for the request and the model version that it names, and for no other."""
    story = told()
    for request, model in (("other", "churn@3"), ("r", "churn@4")):
        decided = {
            "request_id": request,
            "model": model,
            "decided_at": "2026-04-02T00:00:00Z",
            "action": "accept",
        }
        story.tell("model_decision", decided, 32 * DAY)
    assert [line["decisions"] for line in ledger(story)["models"]] == [[]]
