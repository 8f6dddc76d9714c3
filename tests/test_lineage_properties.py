"""Properties of record usage that hold in every world (DESIGN section 7)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.facts import Received
from compliance.lineage import Answer, Question, UsageInput, record_usage
from compliance.lineage.components import components
from tests.lineage_story import ANN, LATE, SPACE, Story, at, clock, dataset, lifecycle, runs, tags, versions
from tests.shared import SHARED

NAMES = st.sampled_from(["a", "b", "c"])
RUNS = st.sampled_from(["r1", "r2", "r3", "r4"])
MINUTES = st.integers(1, 12)
SOURCES = st.sampled_from(["spark", "rival"])


@st.composite
def said_datasets(draw: st.DrawFn) -> dict[str, Any]:
    """A dataset as some event mentions it."""
    facets: dict[str, Any] = {}
    if draw(st.booleans()):
        facets["lifecycleStateChange"] = lifecycle(draw(st.sampled_from(["OVERWRITE", "CREATE", "ALTER"])))
    if draw(st.booleans()):
        facets["tags"] = tags(
            **draw(st.sampled_from([{"write": "replace"}, {"write": "append"}, {"key_space": SPACE}]))
        )
    if draw(st.booleans()):
        fields = {"x": {"inputFields": [{"namespace": "w", "name": draw(NAMES), "field": "x"}]}}
        facets["columnLineage"] = {"fields": draw(st.sampled_from([fields, {}]))}
    return dataset(draw(NAMES), draw(st.sampled_from([None, None, "1", "2"])), **facets)


@st.composite
def told(draw: st.DrawFn) -> tuple[str, Any, int, str]:
    """One record: kind, value, minute, source."""
    minute, source = draw(MINUTES), draw(SOURCES)
    kind = draw(st.sampled_from(["lineage", "lineage", "lineage", "erasure"]))
    if kind == "erasure":
        value: Any = {
            "key_space": SPACE, "pseudonym": ANN, "datasets": "*", "completed_at": clock(minute),
        }  # fmt: skip
        return kind, value, minute, source
    sides = st.lists(said_datasets(), max_size=2)
    value = {
        "eventTime": clock(minute), "eventType": draw(st.sampled_from(["START", "COMPLETE", "COMPLETE", "FAIL"])),
        "run": {"runId": draw(RUNS)}, "job": {"namespace": "jobs", "name": "job"},
        "inputs": draw(sides), "outputs": draw(sides),
    }  # fmt: skip
    return kind, value, minute, source


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A few runs over three datasets, and a manifest that has Ann."""
    story = Story()
    story.manifest(draw(NAMES), draw(st.sampled_from(["1", "initial", "r1"])), ANN, full=draw(st.booleans()))
    for kind, value, minute, source in draw(st.lists(told(), min_size=2, max_size=10)):
        story.tell(kind, value, minute, source)  # type: ignore[arg-type]
    return story


@given(stories(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_no_order_of_the_same_entries_changes_an_answer(story: Story, random: Any) -> None:
    """At one size, no order of the same entries changes an answer."""
    before = story.ask()
    random.shuffle(story.received)
    assert json.dumps(story.ask()) == json.dumps(before)


@given(stories())
@settings(max_examples=60, deadline=None)
def test_the_same_event_twice_changes_nothing(story: Story) -> None:
    """Sending the same event twice changes nothing."""
    before = story.ask()
    for record in list(story.received):
        if record.kind != "manifest":
            story.received.append(replace(record, evidence=f"{len(story.received)}/0"))
    assert story.ask() == before


@given(stories(), told())
@settings(max_examples=100, deadline=None)
def test_an_entry_changes_no_answer_before_its_instant(
    story: Story, later: tuple[str, Any, int, str]
) -> None:
    """An entry changes no answer at an instant before its own."""
    before = story.ask(minute=14)
    story.tell(later[0], later[1], 15, later[3])  # type: ignore[arg-type]
    assert story.ask(minute=14) == before


@given(stories())
@settings(max_examples=60, deadline=None)
def test_the_answer_hangs_together(story: Story) -> None:
    """Every use has a path that ends in it, and masked columns are columns."""
    answer = story.ask()
    assert json.loads(json.dumps(answer)) == answer
    known = {f"w/{name}" for name in versions(answer)}
    for use in answer["uses"]:
        assert use["path"][-1] == f"run:{use['run_id']}"
        assert set(use["path"][::2]) <= known
    for item in answer["datasets"]:
        assert set(item["masked_columns"]) <= set(item["columns"])
    assert answer["complete"] == (not answer["gaps"])


@given(
    stories(),
    st.sampled_from(["START", "COMPLETE", "FAIL", "ABORT"]),
    RUNS,
    MINUTES,
    st.lists(said_datasets(), max_size=2),
)
@settings(max_examples=150, deadline=None)
def test_a_failure_told_by_another_source_removes_no_use(
    story: Story, state: str, run: str, minute: int, written: list[Any]
) -> None:
    """An entry from another source on the same run never removes a use or a membership."""
    story.received = [record for record in story.received if record.source != "rival"]
    told_of = {
        record.value["run"]["runId"]: record.value for record in story.received if record.kind == "lineage"
    }  # fmt: skip
    before = story.ask()
    # What is told of a run's failure and of outputs that it is already said to have.
    known = {item["name"] for value in [told_of.get(run, {})] for item in value.get("outputs", ())}
    story.event(run, state if run in told_of else "OTHER", minute, source="outsider",
                outputs=[item for item in written if item["name"] in known and "version" not in item["facets"]])  # fmt: skip
    ended = any(record.value.get("eventType") in {"COMPLETE", "FAIL"} for record in story.received
                if record.source == "spark" and record.value.get("run", {}).get("runId") == run)  # fmt: skip
    if ended:
        after = story.ask()
        assert set(runs(before)) <= set(runs(after))
        assert set(versions(before)) <= set(versions(after))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["fields", "tags", "key", "value", "identifiers", "namespace", "name", "inputs", "entries",
                         "inputFields", "transformations", "type", "snapshotId", "commitMetrics", "datasetVersion",
                         "lifecycleStateChange", "previousIdentifier", "field", "dataset", "masking", "runId"]),
        inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
FACETS = st.dictionaries(
    st.sampled_from(["version", "symlinks", "columnLineage", "lineage", "tags", "schema", "lifecycleStateChange",
                     "icebergScanReport", "icebergCommitReport"]), JUNK, max_size=5,
)  # fmt: skip
JUNK_DATASET = st.fixed_dictionaries(
    {"namespace": st.just("w"), "name": st.sampled_from(["a", "raw"])},
    optional={"facets": FACETS | JUNK, "inputFacets": FACETS | JUNK, "outputFacets": FACETS | JUNK},
)
JUNK_EVENT = st.fixed_dictionaries(
    {"eventTime": st.sampled_from([clock(5), "2026-03-01T00:07:00", "nonsense"])},
    optional={
        "eventType": st.sampled_from(["START", "COMPLETE"]) | JUNK,
        "run": st.fixed_dictionaries({"runId": RUNS}, optional={"facets": FACETS | JUNK}) | JUNK,
        "job": st.fixed_dictionaries({"namespace": st.just("j"), "name": st.just("n")}, optional={"facets": FACETS}) | JUNK,
        "dataset": JUNK_DATASET | JUNK, "inputs": st.lists(JUNK_DATASET | JUNK, max_size=3) | JUNK,
        "outputs": st.lists(JUNK_DATASET | JUNK, max_size=3) | JUNK,
    },
)  # fmt: skip
KINDS = st.sampled_from(
    ["manifest", "consent", "erasure", "contract", "purpose", "decision", "model_version", "feature_view"]
)


@given(st.lists(st.tuples(st.just("lineage"), JUNK_EVENT) | st.tuples(KINDS, JUNK), max_size=5))
@settings(max_examples=200, deadline=None)
def test_malformed_documents_never_crash(junk: list[tuple[Any, Any]]) -> None:
    """Malformed optional facets and records are passed over safely."""
    story = Story()
    story.manifest("raw", "1", ANN)
    received = list(story.received)
    received += [
        Received(kind, "x", value, at(5), f"{index + 1}/0") for index, (kind, value) in enumerate(junk)
    ]
    answer = record_usage(UsageInput(received, story), Question(SPACE, ANN, at(LATE)))
    assert versions(answer)[-1] == "raw@1" or len(versions(answer)) > 1
    json.dumps(answer)


def test_a_long_chain_has_no_depth_limit() -> None:
    """There is no depth limit."""
    story = Story()
    story.manifest("d0", "v", ANN)
    for step in range(1200):
        source = {"namespace": "w", "name": f"d{step}", "facets": {"version": {"datasetVersion": "v"}}}
        target = {"namespace": "w", "name": f"d{step + 1}", "facets": {"version": {"datasetVersion": "v"}}}
        story.event(f"r{step}", "COMPLETE", step, inputs=[source], outputs=[target])
    answer: Answer = story.ask()
    assert len(answer["uses"]) == 1200
    assert answer["complete"]


@given(st.dictionaries(st.integers(0, 7), st.lists(st.integers(0, 7), max_size=4)))
def test_components_are_strongly_connected_and_in_order(after: dict[int, list[int]]) -> None:
    """Nodes are in one part exactly if each leads to the other; a part comes after all that it leads to."""

    def leads(start: int) -> set[int]:
        seen, waiting = {start}, [start]
        while waiting:
            for other in after.get(waiting.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
        return seen

    parts = components(range(8), after)
    place = {node: index for index, part in enumerate(parts) for node in part}
    for one in range(8):
        for other in range(8):
            assert (place[one] == place[other]) == (other in leads(one) and one in leads(other))
            assert other not in leads(one) or place[other] <= place[one]


def test_published_events_are_read() -> None:
    """Published OpenLineage events are taken as they are."""
    folder = None if SHARED is None else SHARED / "data" / "openlineage"
    if folder is None or not folder.is_dir():
        return
    story = Story()
    for path in sorted(folder.rglob("*.json")):
        if "schemas" in path.parts[-3]:
            continue
        value = json.loads(path.read_text(errors="replace"))
        for event in value if isinstance(value, list) else [value]:
            if isinstance(event, dict):
                story.tell("lineage", event, 1)
    answer = story.ask()
    assert answer["undescribed"] > 10
