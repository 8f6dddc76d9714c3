"""CONTRACT section 4, Violations."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.lineage import World
from compliance.lineage.violations import reappearances
from tests.lineage_story import ANN, BOB, Story, codes, dataset, use, version


def trained(purpose: str | None = "ads", *, start: int = 10, **said: Any) -> Story:
    """One run for a purpose that reads ``raw@1``, in which Ann is."""
    story = Story()
    story.manifest("raw", "1", ANN)
    run_tags = {} if purpose is None else {"purpose": purpose}
    return story.run("train", start, 20, [dataset("raw", "1")], run_tags=run_tags, **said)


def of(story: Story, run: str = "train") -> list[str]:
    """The codes of the violations on one use."""
    return codes(use(story.ask(), run))


def test_purpose_undeclared() -> None:
    """`purpose-undeclared`; `purpose-not-permitted` is not raised beside it."""
    story = trained(None)
    story.contract("raw", 0, "billing")
    assert of(story) == ["purpose-undeclared"]


def test_purpose_not_permitted() -> None:
    """A dataset read has a contract in force whose `permitted_purposes` lacks the purpose."""
    story = trained()
    contract = story.contract("raw", 0, "billing")
    story.contract("elsewhere", 0, "billing")
    found = use(story.ask(), "train")["violations"]
    assert [item["code"] for item in found] == ["purpose-not-permitted"]
    assert contract in found[0]["evidence"]
    assert found[0]["dataset"] == {"namespace": "w", "name": "raw"}


@pytest.mark.parametrize(("contracts", "violated"), [
    ([(0, "billing"), (10, "ads")], False), ([(0, "ads"), (10, "billing")], True),
    ([(0, "ads"), (11, "billing")], False), ([(5, "ads"), (5, "billing")], True), ([(11, "billing")], False),
])  # fmt: skip
def test_the_contract_in_force(contracts: list[tuple[int, str]], violated: bool) -> None:
    """The latest `valid_from` at or before, ties: any; judged at the use's start."""
    story = trained()
    for minute, permitted in contracts:
        story.contract("raw", minute, permitted)
    assert bool(of(story)) == violated


def test_one_of_several_purposes() -> None:
    """… or one of them where the deciding level names several."""
    story = trained()
    story.contract("raw", 0, "ads")
    story.event("train", "OTHER", 11, run_tags={"purpose": "billing"})
    assert of(story) == ["purpose-not-permitted"]


def test_only_datasets_in_which_the_record_was_found() -> None:
    """A dataset read, in a version that contains the record."""
    story = trained()
    story.contract("other", 0, "billing")
    story.event("train", "OTHER", 11, inputs=[dataset("other", "1")])
    assert of(story) == []


def test_consent_missing() -> None:
    """The register gives the purpose the lawful basis consent, and the subject's latest event for it is absent."""
    story = trained()
    story.purpose("ads", "consent")
    story.consent(5, "granted", who=BOB)
    story.consent(5, "granted", purpose="other")
    story.consent(11, "granted")
    assert of(story) == ["consent-missing"]
    story.consent(10, "granted")
    assert of(story) == []


def test_consent_withdrawn() -> None:
    """… or a withdrawal, which wins a tie."""
    story = trained()
    story.purpose("ads", "consent")
    story.consent(5, "granted")
    withdrawal = story.consent(5, "withdrawn")
    found = use(story.ask(), "train")["violations"]
    assert [item["code"] for item in found] == ["consent-withdrawn"]
    assert withdrawal in found[0]["evidence"]
    story.consent(6, "granted")
    assert of(story) == []


def test_another_basis_needs_no_consent() -> None:
    """Only where the lawful basis is consent."""
    story = trained()
    story.purpose("ads", "contract")
    assert of(story) == []


def test_used_after_erasure() -> None:
    """An erasure of the record covering a dataset that the run read and found to contain it completed by the start."""
    story = trained()
    story.erased(5, "other")
    story.erased(5, who=BOB)
    story.erased(11, "raw")
    assert of(story) == []
    erasure = story.erased(10, "raw")
    found = use(story.ask(), "train")["violations"]
    assert [item["code"] for item in found] == ["used-after-erasure"]
    assert erasure in found[0]["evidence"]


def test_one_for_each_code_and_dataset() -> None:
    """One for each code and dataset."""
    story = trained()
    story.manifest("more", "1", ANN)
    story.manifest("more", "2", ANN)
    story.event("train", "OTHER", 11, inputs=[dataset("more", "1"), dataset("more", "2")])
    story.erased(3)
    story.erased(4)
    assert of(story) == ["used-after-erasure", "used-after-erasure"]


def test_reappeared_after_erasure() -> None:
    """An erasure completed at or before the end of its writing run, and its manifest has the pseudonym."""
    story = Story()
    story.manifest("d", "load", ANN)
    story.run("load", 10, 20, [], ["d"])
    erasure = story.erased(21, "d")
    assert codes(version(story.ask(), "d@load")) == []
    erasure = story.erased(20, "d")
    found = version(story.ask(), "d@load")["violations"]
    assert [item["code"] for item in found] == ["reappeared-after-erasure"]
    assert found[0]["evidence"] == ["0", erasure]
    listed = list(reappearances(World.build(story.input())))
    assert [str(item[0]) for item in listed] == ["w/d@load"]


def test_reappeared_needs_a_manifest_and_a_run() -> None:
    """Its manifest has the pseudonym, and a run wrote it."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("load", 10, 20, [dataset("raw", "1")], ["d"])
    story.erased(5)
    answer = story.ask()
    assert codes(version(answer, "raw@1")) == codes(version(answer, "d@load")) == []


def test_the_dataset_of_a_decision() -> None:
    """For its violations the dataset it names counts as read and as containing the record."""
    story = Story()
    story.purpose("ads", "consent")
    story.contract("raw", 0, "billing")
    story.erased(3, "raw")
    story.decision("d1", 5, purpose="ads", dataset={"namespace": "w", "name": "raw"})
    assert of(story, "d1") == ["consent-missing", "purpose-not-permitted", "used-after-erasure"]
    story.decision("d2", 5)
    assert of(story, "d2") == ["purpose-undeclared"]


def test_no_person_in_a_reason() -> None:
    """No pseudonym stands in a reason."""
    story = trained()
    story.purpose("ads", "consent")
    story.erased(3)
    story.run("etl", 25, 26, ["raw"], ["raw"])
    answer = story.ask()
    texts = [item["because"] for found in answer["uses"] + answer["datasets"] for item in found["violations"]]
    assert not any(ANN in text for text in texts + [gap["why"] for gap in answer["gaps"]])
