"""CONTRACT section 4, Columns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lineage_story import (
    ANN,
    DIRECT,
    INDIRECT,
    MASKING,
    Story,
    column,
    column_lineage,
    dataset,
    gaps,
    lifecycle,
    schema,
    use,
    version,
)


def written(facet: Any, *, reads: Any = None, more: Any = None) -> tuple[Story, Any]:
    """One run that reads ``raw@1``, in which Ann is, and writes ``d`` with a column-lineage facet."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run(
        "etl", 10, 20, reads or [dataset("raw", "1")], [dataset("d", columnLineage=facet, **(more or {}))]
    )
    return story, version(story.ask(), "d@etl")


def test_a_column_carries_by_its_input_fields() -> None:
    """A column carries if its `inputFields` name a column that carries in a version that contains the record."""
    facet = column_lineage(x=[column("raw", "id", DIRECT)], y=[column("other", "id", DIRECT)])
    _, found = written(facet, reads=[dataset("raw", "1"), dataset("other", "1")])
    assert (found["columns"], found["influence"]) == (["x"], "direct")


def test_by_a_column_that_carries() -> None:
    """A column that carries nothing carries nothing on."""
    story, _ = written(column_lineage(x=[column("raw", "id", DIRECT)], n=[]))
    facet = column_lineage(a=[column("d", "x")], b=[column("d", "n")], c=[column("d", "unheard of")])
    story.run("next", 30, 40, ["d"], [dataset("e", columnLineage=facet)])
    assert version(story.ask(), "e@next")["columns"] == ["a"]


def test_an_input_naming_no_column() -> None:
    """An input naming no column stands for all columns of that dataset."""
    _, found = written(column_lineage(x=[column("raw", None)]))
    assert found["columns"] == ["x"]


def test_no_transformation_is_not_indirect() -> None:
    """By any transformation that is not `INDIRECT`; producers often state none."""
    _, found = written(
        column_lineage(x=[column("raw", "id")], y=[column("raw", "id", {"type": "AGGREGATION"})])
    )
    assert found["columns"] == ["x", "y"]


def test_indirect_only_influences() -> None:
    """`INDIRECT` ones, on a column or on the whole dataset, only influence."""
    facet = column_lineage([column("raw", "id", INDIRECT)], x=[column("raw", "id", INDIRECT)])
    story, found = written(facet)
    assert (found["columns"], found["influence"]) == ([], "indirect")
    story.run("next", 30, 40, ["d"], ["e"])
    answer = story.ask()
    assert version(answer, "e@next")["influence"] == "indirect"
    assert (use(answer, "etl")["influence"], use(answer, "next")["influence"]) == ("direct", "indirect")


def test_direct_beside_indirect_carries() -> None:
    """Any way that is not indirect is enough."""
    _, found = written(column_lineage(x=[column("raw", "id", INDIRECT, DIRECT)]))
    assert found["columns"] == ["x"]


def test_left_out_of_the_facet() -> None:
    """A column that the facet leaves out carries nothing; left out though the `schema` facet has it: a gap."""
    story, found = written(
        column_lineage(x=[column("raw", "id")], y=[]), more={"schema": schema("x", "y", "z")}
    )
    assert found["columns"] == ["x"]
    assert gaps(story.ask()) == ["d@etl"]
    story, found = written(column_lineage(x=[column("raw", "id")], y=[]), more={"schema": schema("x", "y")})
    assert gaps(story.ask()) == []


def test_without_a_facet_all_columns_carry() -> None:
    """Without a facet all columns carry if some version which the writing run read has a column that carries."""
    story = Story()
    story.manifest("raw", "1", ANN)
    story.run("etl", 10, 20, [dataset("raw", "1")], [dataset("d", schema=schema("b", "a"))])
    story.run("next", 30, 40, ["d"], [dataset("e", columnLineage=column_lineage(x=[column("d", "c")]))])
    assert version(story.ask(), "d@etl")["columns"] == ["a", "b", "c"]
    assert version(story.ask(), "e@next")["columns"] == ["x"]


def test_a_version_that_no_known_run_wrote() -> None:
    """All columns carry, those of its `schema` facet and those that lineage facets name of it."""
    reads = [dataset("raw", "1", schema=schema("id", "mail"))]
    story, _ = written(column_lineage(x=[column("raw", "age")]), reads=reads)
    assert version(story.ask(), "raw@1")["columns"] == ["age", "id", "mail"]


def test_confirmed_but_no_column_would_carry() -> None:
    """A version confirmed by its manifest in which no column would carry: all carry, and it is a gap."""
    story = Story()
    story.manifest("d", "etl", ANN)
    story.run("etl", 10, 20, ["x"], [dataset("d", columnLineage=column_lineage(a=[column("x", "id")], b=[]))])
    answer = story.ask()
    assert version(answer, "d@etl")["columns"] == ["a", "b"]
    assert gaps(answer) == ["d@etl"]


def test_decided_upstream_first() -> None:
    """Decided upstream first: what such a version carries downstream needs no completing there."""
    story = Story()
    story.manifest("a", "one", ANN)
    story.manifest("b", "two", ANN)
    story.run("one", 1, 2, ["x"], [dataset("a", columnLineage=column_lineage(k=[column("x", "k")]))])
    story.run("two", 3, 4, ["a"], [dataset("b", columnLineage=column_lineage(k=[column("a", "k")], n=[]))])
    answer = story.ask()
    assert gaps(answer) == ["a@one"]
    assert version(answer, "b@two")["columns"] == ["k"]


def test_upstream_first_through_a_circle() -> None:
    """Versions in a circle that a manifest confirms and that nothing enters: all of them carry."""
    story = Story()
    for name in ("a", "b"):
        story.manifest(name, "1", ANN)
    nothing = column_lineage(k=[])
    story.run("there", 1, 2, [dataset("a", "1")], [dataset("b", "1", columnLineage=nothing)])
    story.run("back", 3, 4, [dataset("b", "1")], [dataset("a", "1", columnLineage=nothing)])
    assert gaps(story.ask()) == ["a@1", "b@1"]


def test_a_kept_previous_version_adds_its_columns() -> None:
    """A kept previous version adds its carrying columns."""
    story, _ = written(column_lineage(x=[column("raw", "id")], n=[]))
    story.run(
        "more", 30, 40, ["other"], [dataset("d", columnLineage=column_lineage(n=[column("other", "n")]))]
    )
    assert version(story.ask(), "d@more")["columns"] == ["x"]


# --- masking -----------------------------------------------------------------------------------


def test_masked_if_every_way_passes_a_masking_step() -> None:
    """A carrying column is in `masked_columns` if every way by which it carries passes a `masking: true` step."""
    facet = column_lineage(
        m=[column("raw", "id", MASKING)], both=[column("raw", "id", MASKING, DIRECT)],
        two=[column("raw", "id", MASKING), column("raw", "mail", DIRECT)], clear=[column("raw", "id")],
    )  # fmt: skip
    story, found = written(facet)
    assert found["columns"] == ["both", "clear", "m", "two"]
    assert found["masked_columns"] == ["m"]
    story.run(
        "next",
        30,
        40,
        ["d"],
        [dataset("e", columnLineage=column_lineage(a=[column("d", "m")], b=[column("d", None)]))],
    )
    assert version(story.ask(), "e@next")["masked_columns"] == ["a"]


@pytest.mark.parametrize(
    ("step", "masked"), [(None, True), (DIRECT, True), (DIRECT | {"masking": False}, False)]
)
def test_the_old_transformation_type(step: Any, masked: bool) -> None:
    """`transformationType: MASKED` masks every way of its column that says nothing of masking."""
    facet = column_lineage(x=[column("raw", "id", *([step] if step else []))])
    facet["fields"]["x"]["transformationType"] = "MASKED"
    _, found = written(facet)
    assert found["masked_columns"] == (["x"] if masked else [])


def test_masked_without_a_facet() -> None:
    """Without a facet, if all that carries in the versions read is masked."""
    story, _ = written(column_lineage(x=[column("raw", "id", MASKING)], n=[]))
    story.run("next", 30, 40, ["d"], [dataset("e", schema=schema("p", "q"))])
    assert version(story.ask(), "e@next")["masked_columns"] == ["p", "q"]
    story.run("plain", 50, 60, ["d", dataset("raw", "1")], [dataset("f", schema=schema("p"))])
    assert version(story.ask(), "f@plain")["masked_columns"] == []


def test_a_circle_without_a_clear_way_stays_masked() -> None:
    """Masking is not lost in a circle."""
    story = Story()
    story.manifest("raw", "1", ANN)
    first = column_lineage(x=[column("raw", "id", MASKING), column("b", "x")])
    story.run("one", 1, 2, [dataset("raw", "1"), dataset("b", "1")], [dataset("a", "1", columnLineage=first)])
    story.run(
        "two",
        3,
        4,
        [dataset("a", "1")],
        [dataset("b", "1", columnLineage=column_lineage(x=[column("a", "x")]))],
    )
    assert version(story.ask(), "b@1")["masked_columns"] == ["x"]


def test_a_kept_clear_column_is_not_masked() -> None:
    """A kept previous version is a way of its own."""
    story, _ = written(column_lineage(x=[column("raw", "id")]))
    facet = column_lineage(x=[column("raw", "id", MASKING)])
    story.run("more", 30, 40, [dataset("raw", "1")], [dataset("d", columnLineage=facet)])
    assert version(story.ask(), "d@more")["masked_columns"] == []
    replaced = dataset("d", columnLineage=facet, lifecycleStateChange=lifecycle("OVERWRITE"))
    story.run("anew", 50, 60, [dataset("raw", "1")], [replaced])
    assert version(story.ask(), "d@anew")["masked_columns"] == ["x"]
