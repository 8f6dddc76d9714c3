"""The second reading of record usage, held against worlds whose answer a person can see."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from compliance.canonical import Json
from compliance.lineage.records import Question, UsageInput, UsageSettings
from tests.brute import brute_record_usage
from tests.brute.building import (
    ANNA,
    AT,
    BEN,
    DIRECT,
    INDIRECT,
    MASKING,
    Book,
    column_lineage,
    dataset,
    input_field,
    moment,
    run_id,
    tags,
    text,
)

PEOPLE, FEATURES, TRAIN = ("lake", "people"), ("shop", "features"), ("shop", "train")


def ask(given: UsageInput, **span: Any) -> dict[str, Json]:
    """The brute answer about Anna."""
    return brute_record_usage(given, Question("customer", ANNA, AT, **span))


def held(answer: dict[str, Json]) -> dict[str, str]:
    """Certainty by NAME@VERSION."""
    return {f"{one['name']}@{one['version']}": one["certainty"] for one in answer["datasets"]}


def users(answer: dict[str, Json]) -> set[str]:
    """The run ids of the uses."""
    return {one["run_id"] for one in answer["uses"]}


def gaps(answer: dict[str, Json]) -> set[str]:
    """NAME@VERSION of each gap."""
    return {f"{one['name']}@{one['version']}" for one in answer["gaps"]}


def codes(thing: Json) -> list[str]:
    """The codes of the violations."""
    return [one["code"] for one in thing["violations"]]


def people_book(*members: str) -> Book:
    """A book with one full manifest of people@1."""
    book = Book()
    book.manifest(PEOPLE, "1", members or (ANNA,))
    return book


def erasure(book: Book, done: int, datasets: Json = "*") -> str:
    """An erasure of Anna's record."""
    value = {"key_space": "customer", "pseudonym": ANNA, "datasets": datasets,
             "requested_at": text(done), "completed_at": text(done), "method": "delete", "request_id": "r"}  # fmt: skip
    return book.add("erasure", value)


def test_a_record_flows_forward_through_every_version() -> None:
    """There is no depth limit: what read a version that contains the record is possible, without end."""
    book = people_book()
    chain = [PEOPLE, *[("shop", f"step{number}") for number in range(6)]]
    for number, (source, target) in enumerate(pairwise(chain)):
        named = {"version": "1"} if number == 0 else {}
        parts: dict[str, Any] = {
            "inputs": [dataset(source, **named)],
            "outputs": [dataset(target, lifecycleStateChange={"lifecycleStateChange": "OVERWRITE"})],
        }
        book.run(number, 2 * number, 2 * number + 1, **parts)
    answer = ask(book.given())
    assert held(answer) == {"people@1": "confirmed"} | {f"step{n}@{run_id(n)}": "possible" for n in range(6)}
    assert users(answer) == {run_id(number) for number in range(6)}
    assert answer["complete"] is True


def test_a_full_manifest_excludes() -> None:
    """With a full manifest the answer is exact: a pseudonym that is not in it is not in the version."""
    book = people_book(BEN)
    book.run(0, 0, 1, inputs=[dataset(PEOPLE, version="1")], outputs=[dataset(FEATURES)])
    answer = ask(book.given())
    assert (answer["datasets"], answer["uses"], answer["complete"]) == ([], [], True)


def test_a_partial_manifest_never_excludes() -> None:
    """A partial manifest confirms if the pseudonym is in it, else it counts as none."""
    book = people_book()
    book.run(0, 0, 1, inputs=[dataset(PEOPLE, version="1")], outputs=[dataset(FEATURES, version="7")])
    book.manifest(FEATURES, "7", [BEN], completeness="partial")
    assert held(ask(book.given())) == {"people@1": "confirmed", "features@7": "possible"}


def test_sources_left_out_of_inputs_are_read() -> None:
    """A run read every dataset that its outputs' column lineage names as a source."""
    book = people_book()
    facet = column_lineage({"mail": [input_field(PEOPLE, "mail", DIRECT)]})
    book.run(0, 0, 1, outputs=[dataset(FEATURES, columnLineage=facet)])
    answer = ask(book.given())
    assert users(answer) == {run_id(0)}
    assert answer["datasets"][1]["columns"] == ["mail"]


def test_indirect_influence_reaches_no_column() -> None:
    """Filters only influence: the version may contain the record, but no column carries it."""
    book = people_book()
    facet = column_lineage({"sum": [input_field(PEOPLE, "id", INDIRECT)]})
    book.run(0, 0, 1, inputs=[dataset(PEOPLE, version="1")], outputs=[dataset(
        FEATURES, columnLineage=facet, lifecycleStateChange={"lifecycleStateChange": "CREATE"})])  # fmt: skip
    features = ask(book.given())["datasets"][1]
    assert (features["influence"], features["columns"], features["certainty"]) == ("indirect", [], "possible")


def test_a_column_is_masked_if_every_way_is() -> None:
    """Each entry of transformations is a way of its own; one without masking leaves the column open."""
    book = people_book()
    fields = {
        "sum": [input_field(PEOPLE, "id", MASKING)],
        "mail": [input_field(PEOPLE, "mail", MASKING, DIRECT)],
    }
    book.run(
        0,
        0,
        1,
        inputs=[dataset(PEOPLE, version="1")],
        outputs=[dataset(FEATURES, columnLineage=column_lineage(fields))],
    )
    features = ask(book.given())["datasets"][1]
    assert (features["columns"], features["masked_columns"]) == (["mail", "sum"], ["sum"])


def test_old_masking_speaks_where_the_way_is_silent() -> None:
    """The old transformationType MASKED masks every way of its column that says nothing of masking."""
    book = people_book()
    fields = column_lineage(
        {"a": [input_field(PEOPLE, "mail")], "b": [input_field(PEOPLE, "mail", DIRECT | {"masking": False})]}
    )
    for entry in fields["fields"].values():
        entry["transformationType"] = "MASKED"
    book.run(
        0, 0, 1, inputs=[dataset(PEOPLE, version="1")], outputs=[dataset(FEATURES, columnLineage=fields)]
    )
    assert ask(book.given())["datasets"][1]["masked_columns"] == ["a"]


def test_content_is_kept_unless_something_states_replacement() -> None:
    """Where nothing states it, a writing run keeps the previous version: never assume that data went away."""
    for facets, kept in (
        ({}, True),
        ({"lifecycleStateChange": {"lifecycleStateChange": "TRUNCATE"}}, False),
        (
            {"lifecycleStateChange": {"lifecycleStateChange": "TRUNCATE"}, "tags": tags(("write", "append"))},
            True,
        ),
        ({"tags": tags(("write", "append"), ("write", "replace"))}, True),
        ({"tags": tags(("write", "replace"))}, False),
    ):
        book = people_book()
        book.run(0, 0, 1, inputs=[dataset(("api", "raw"))], outputs=[dataset(PEOPLE, version="2", **facets)])
        assert ("people@2" in held(ask(book.given()))) is kept, facets


def test_a_rename_keeps_what_the_old_name_held() -> None:
    """RENAME keeps also what ``previousIdentifier`` held."""
    book = people_book()
    change = {"lifecycleStateChange": "RENAME", "previousIdentifier": {"namespace": "lake", "name": "people"}}
    book.run(0, 0, 1, outputs=[dataset(TRAIN, lifecycleStateChange=change)])
    answer = ask(book.given())
    assert held(answer) == {"people@1": "confirmed", f"train@{run_id(0)}": "possible"}
    assert answer["uses"] == []


def test_a_failed_run_is_a_use_without_outputs() -> None:
    """A failed run's reads count as use; its outputs do not exist, and are a gap if it read the record."""
    book = people_book()
    book.run(0, 0, 1, kind="FAIL", inputs=[dataset(PEOPLE, version="1")], outputs=[dataset(FEATURES)])
    answer = ask(book.given())
    assert users(answer) == {run_id(0)}
    assert held(answer) == {"people@1": "confirmed"}
    assert gaps(answer) == {f"features@{run_id(0)}"}


def test_a_running_run_has_no_end() -> None:
    """A run without an end is still running: its outputs so far exist, and each is a gap."""
    book = people_book()
    book.event("START", 0, 3, inputs=[dataset(PEOPLE, version="1")], outputs=[dataset(FEATURES)])
    answer = ask(book.given(), from_=moment(100), to=moment(101))
    assert answer["uses"][0]["ended_at"] is None
    assert gaps(answer) == {f"features@{run_id(0)}"}


def test_an_erasure_between_write_and_read_takes_the_record_away() -> None:
    """A worked-out read finds the record gone if an erasure completed after the write and by the read's start."""
    for done, named, found in (
        (0, None, True),
        (1, None, True),
        (2, None, False),
        (3, None, False),
        (4, None, True),
        (2, "2", True),
    ):
        book = people_book()
        book.manifest(PEOPLE, "2", [ANNA])
        book.run(0, 0, 1, outputs=[dataset(PEOPLE, version="2")])
        evidence = erasure(book, done)
        named_as = {"version": named} if named else {}
        book.run(1, 3, 4, inputs=[dataset(PEOPLE, **named_as)])
        answer = ask(book.given())
        assert (run_id(1) in users(answer)) is found, (done, named)
        assert (evidence in answer["relied_on"]) == ((not found) or done <= 1), (done, named)


def test_what_comes_back_after_erasure_is_a_violation() -> None:
    """A manifest that has the pseudonym though an erasure completed by the end of its writing run reappeared."""
    book = Book()
    book.manifest(PEOPLE, "2", [ANNA])
    erasure(book, 1, [{"namespace": "lake", "name": "people"}])
    book.run(0, 0, 1, outputs=[dataset(PEOPLE, version="2")])
    book.run(1, 2, 3, inputs=[dataset(PEOPLE)])
    answer = ask(book.given())
    assert codes(answer["datasets"][0]) == ["reappeared-after-erasure"]
    assert codes(answer["uses"][0]) == ["purpose-undeclared", "used-after-erasure"]


def test_overlapping_writers_are_a_gap() -> None:
    """It is a gap where a run that writes the dataset shares more than an instant with the reader."""
    for start, gap in ((4, False), (3, True)):
        book = people_book()
        book.run(0, 2, 4, inputs=[dataset(PEOPLE)])
        book.run(
            1,
            start,
            5,
            outputs=[
                dataset(PEOPLE, version="9", lifecycleStateChange={"lifecycleStateChange": "OVERWRITE"})
            ],
        )
        answer = ask(book.given())
        assert users(answer) == {run_id(0)}
        assert (gaps(answer) == {"people@1"}) is gap, start


def test_a_named_version_that_nobody_knows_is_possible() -> None:
    """A version that is named, unwritten and undescribed is possible, and a gap, if another one contains the record."""
    book = people_book()
    book.run(0, 0, 1, inputs=[dataset(PEOPLE, version="5")])
    answer = ask(book.given())
    assert held(answer) == {"people@1": "confirmed", "people@5": "possible"}
    assert gaps(answer) == {"people@5"}


def test_a_run_never_reads_its_own_output() -> None:
    """A named version that only this run wrote counts as not named."""
    book = people_book()
    book.run(0, 0, 1, inputs=[dataset(PEOPLE, version="2")], outputs=[dataset(PEOPLE, version="2")])
    answer = ask(book.given())
    assert users(answer) == {run_id(0)}
    assert held(answer) == {"people@1": "confirmed", "people@2": "possible"}


def test_nobody_speaks_for_an_unwritten_version_of_a_key_space() -> None:
    """A version that was read, without manifest or writer, of a dataset said to hold the key space, is a gap."""
    book = Book()
    book.run(
        0, 0, 1, inputs=[dataset(PEOPLE, tags=tags(("key_space", "customer")))], outputs=[dataset(FEATURES)]
    )
    answer = ask(book.given())
    assert (answer["datasets"], answer["uses"]) == ([], [])
    assert gaps(answer) == {"people@initial"}


def test_confirmed_without_lineage_is_a_gap() -> None:
    """A version confirmed by its manifest in which no column would carry has incomplete lineage: all carry."""
    book = Book()
    book.manifest(PEOPLE, "2", [ANNA])
    schema = {"fields": [{"name": "mail"}, {"name": "id"}]}
    book.run(0, 0, 1, outputs=[dataset(PEOPLE, version="2", schema=schema)])
    answer = ask(book.given())
    assert answer["datasets"][0]["columns"] == ["id", "mail"]
    assert gaps(answer) == {"people@2"}


def test_models_features_and_purposes() -> None:
    """Consumers are models and features; the purpose is the run's tag, else the job's, else the model's."""
    book = people_book()
    book.add(
        "model_version",
        {"name": "churn", "version": "1", "run_ids": [run_id(0).replace("-", "")], "purpose": "ads"},
    )
    book.add("purpose", {"id": "ads", "lawful_basis": "consent", "controller": "Shop"})
    book.add("feature_view", {"namespace": "shop", "name": "features", "features": ["mail"]})
    facet = column_lineage({"mail": [input_field(PEOPLE, "mail")]})
    book.run(0, 2, 3, inputs=[dataset(PEOPLE)], outputs=[dataset(FEATURES, version="4", columnLineage=facet)])
    use = ask(book.given())["uses"][0]
    assert {(one["kind"], one["name"], one["version"]) for one in use["consumers"]} == {
        ("model", "churn", "1"), ("feature", "features:mail", "4"),
    }  # fmt: skip
    assert (use["purpose"], use["lawful_basis"], codes(use)) == ("ads", "consent", ["consent-missing"])


def test_a_contract_in_force_limits_purposes() -> None:
    """A purpose that a contract of the latest valid_from at or before the start lacks is not permitted."""
    for start, expected in ((0, []), (1, []), (2, ["purpose-not-permitted"])):
        book = people_book()
        for since, permitted in ((1, ["ads"]), (2, ["billing"]), (2, ["ads"])):
            contract = {
                "namespace": "lake",
                "name": "people",
                "permitted_purposes": permitted,
                "valid_from": text(since),
            }
            book.add("contract", contract)
        book.run(0, start, 9, inputs=[dataset(PEOPLE)], run_facets={"tags": tags(("purpose", "ads"))})
        assert codes(ask(book.given())["uses"][0]) == expected, start


def test_names_of_one_dataset_are_one() -> None:
    """Symlinks and aliases name the same dataset, reported under the name that bears the facet."""
    book = Book()
    book.manifest(("file", "/people"), "1", [ANNA])
    links = {"identifiers": [{"namespace": "file", "name": "/people", "type": "TABLE"}]}
    book.run(0, 0, 1, inputs=[dataset(PEOPLE, version="1", symlinks=links)])
    book.run(1, 0, 1, inputs=[dataset(("zoo", "people"), version="1")])
    answer = ask(book.given(UsageSettings(aliases=((("zoo", "people"), ("file", "/people")),))))
    assert held(answer) == {"people@1": "confirmed"}
    assert users(answer) == {run_id(0), run_id(1)}
    assert answer["undescribed"] == 0


def test_another_source_takes_nothing_away() -> None:
    """Reports of several sources on one run are united: a failure that one reports does not undo the other's outputs."""
    book = people_book()
    book.run(0, 0, 1, inputs=[dataset(PEOPLE)], outputs=[dataset(FEATURES)])
    book.event("FAIL", 0, 2, source="other", outputs=[dataset(FEATURES, version="3")])
    book.run(1, 5, 6, inputs=[dataset(FEATURES)])
    answer = ask(book.given())
    assert users(answer) == {run_id(0), run_id(1)}
    assert set(held(answer)) == {"people@1", f"features@{run_id(0)}", "features@3"}
    assert gaps(answer) == {f"features@{run_id(0)}", "features@3"}


def test_decisions_are_uses() -> None:
    """Each distinct allowed decision that names the pseudonym is a use, confirmed and direct."""
    book = Book()
    record = {"key_space": "customer", "pseudonym": ANNA}
    value = {
        "decision_id": "d",
        "timestamp": text(3),
        "allowed": True,
        "principal": "carl",
        "records": [record],
    }
    for one in (value, value, value | {"model": "churn@1"}, value | {"allowed": False}):
        book.add("decision", one)
    uses = ask(book.given())["uses"]
    assert [(use["run_id"], use["job"], use["influence"], codes(use)) for use in uses] == [
        ("d", None, "direct", ["purpose-undeclared"]),
    ] * 2  # fmt: skip
    assert {use["consumers"][0]["name"] for use in uses} == {"carl", "churn"}
