"""Facts as of an instant and a log size: liveness, freshness, late evidence, order of arrival."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.as_of import FactsAsOf, _span
from compliance.canonical import Json, canonical, parse_time
from compliance.evidence import CollectorName, Observation
from compliance.facts import FactSchema, Field, Fragment, Listing, Opened, Reading, Received, Unseen
from compliance.history import History
from compliance.log import EvidenceLog
from compliance.projections import Projections

START = datetime(2026, 11, 1, tzinfo=UTC)
ME = CollectorName("test", "1")
CONFIG = {
    "sources": [
        {"name": "kms", "kind": "aws-kms", "schedule": "1h"},
        {"name": "quiet", "kind": "push", "accepts": ["lineage"], "expect_every": "24h"},
    ]
}


class PlainReader:
    """Reads bodies that are themselves a list of readings as JSON."""

    kinds: tuple[str, ...] = ("aws-kms/1",)
    schemas: tuple[FactSchema, ...] = (
        FactSchema("kms_key", "a key", (Field("on", "bool", "whether it rotates"),)),
    )

    def read(self, opened: Opened) -> Iterable[Reading]:
        """Turn each line into what it says it is."""
        for number, said in enumerate(json.loads(opened.body or b"[]")):
            yield _reading(said, opened, f"{opened.index}/{number}")


def _reading(said: Mapping[str, Json], opened: Opened, evidence: str) -> Reading:
    instant = parse_time(said["at"])
    if "items" in said:
        return Listing(
            ("kms_key",), opened.entry.source, "eu", instant, said["complete"], frozenset(said["items"]),
            said.get("detail", ""), str(opened.index),
        )  # fmt: skip
    if "event" in said:
        return Received("lineage", opened.entry.source, {"n": said["event"]}, instant, evidence)
    unseen = {"on": Unseen("incomplete", "denied")} if said["on"] is None else {}
    value = {} if said["on"] is None else {"on": said["on"]}
    return Fragment(
        "kms_key",
        said["key"],
        "eu",
        said.get("part", ""),
        value,
        instant,
        evidence,
        unseen,
        said.get("dated", False),
    )


class Bench:
    """A log with its projections, into which readings are put."""

    def __init__(self, home: Path) -> None:
        self.log = EvidenceLog.create(
            home, origin="test.example/log", clock=lambda: START + timedelta(days=20)
        )
        self.projections = Projections(home, self.log, [PlainReader()], program="test/1")

    def put(self, *said: Mapping[str, Json]) -> int:
        """Append one entry of these readings and return its index."""
        (index,) = self.log.append([Observation("aws-kms/1", "kms", ME, canonical(list(said)))])
        assert index is not None
        return index

    def facts(self, at: datetime = START + timedelta(days=30), log_size: int | None = None) -> FactsAsOf:
        """What is known then."""
        size = self.projections.catch_up()
        with self.projections.connect() as connection:
            history = History().grown(connection, size)
        return FactsAsOf(
            history, self.projections, at=at, log_size=size if log_size is None else log_size, config=CONFIG,
            kind_facts={"aws-kms": ("kms_key",)},
        )  # fmt: skip

    def values(self, **asked: object) -> dict[str, object]:
        """Resource → value of what is live."""
        return {fact.resource: fact.value.get("on") for fact in self.facts(**asked).facts("kms_key")}  # type: ignore[arg-type]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty store."""
    return Bench(tmp_path / "store")


def day(number: float) -> str:
    """An instant so many days after the start."""
    return (START + timedelta(days=number)).isoformat()


def key(name: str, at: float, on: bool | None, **more: Json) -> dict[str, Json]:
    """A fragment of one key."""
    return {"key": name, "at": day(at), "on": on, **more}


def listing(at: float, items: list[str], *, complete: bool = True, detail: str = "") -> dict[str, Json]:
    """A run's account of the one scope."""
    return {"at": day(at), "items": items, "complete": complete, "detail": detail}


def test_the_latest_value_stands_and_the_past_stays(bench: Bench) -> None:
    """A later value replaces an earlier one, and asking about the earlier instant still gives the earlier."""
    bench.put(key("k", 1, True))
    bench.put(key("k", 3, False))
    assert bench.values() == {"k": False}
    assert bench.values(at=START + timedelta(days=2)) == {"k": True}
    assert bench.values(log_size=1) == {"k": True}


def test_a_complete_listing_without_it_ends_a_resource(bench: Bench) -> None:
    """What a complete listing does not name is gone from then on, and was there before."""
    index = bench.put(key("gone", 1, True), key("stays", 1, True))
    bench.put(listing(2, [f"{index}/0", f"{index}/1"]))
    bench.put(listing(3, [f"{index}/1"]))
    assert bench.values() == {"stays": True}
    assert bench.values(at=START + timedelta(days=2.5)) == {"gone": True, "stays": True}


def test_a_partial_listing_ends_nothing(bench: Bench) -> None:
    """Denied or cut short, a listing takes nothing away; the scope says why it is incomplete."""
    index = bench.put(key("k", 1, True))
    bench.put(listing(1, [f"{index}/0"]))
    bench.put(listing(2, [], complete=False, detail="kms:ListKeys denied"))
    assert bench.values() == {"k": True}
    (scope,) = bench.facts().scopes("kms_key")
    assert (scope.cause, scope.detail) == ("incomplete", "kms:ListKeys denied")
    assert scope.seen_whole_at == START + timedelta(days=1)


def test_being_listed_again_makes_it_fresh(bench: Bench) -> None:
    """Freshness counts from the last listing that names an item, unless the source dated the content."""
    index = bench.put(key("listed", 1, True), key("dated", 1, True, dated=True))
    bench.put(listing(5, [f"{index}/0", f"{index}/1"]))
    seen = {fact.resource: fact.observed_at for fact in bench.facts().facts("kms_key")}
    assert seen == {"listed": START + timedelta(days=5), "dated": START + timedelta(days=1)}


def test_a_part_that_was_denied_hides_its_field(bench: Bench) -> None:
    """A later denied answer makes the field unseen; the older value does not shine through."""
    bench.put(key("k", 1, True, part="rotation"))
    bench.put(key("k", 2, None, part="rotation"))
    (fact,) = bench.facts().facts("kms_key")
    assert "on" not in fact.value
    assert fact.unseen["on"].cause == "incomplete"


def test_a_source_that_never_ran_is_missing(bench: Bench) -> None:
    """A configured source without any run gives a scope of its own, cause missing."""
    (scope,) = bench.facts().scopes("kms_key")
    assert (scope.source, scope.cause) == ("kms", "missing")


def test_silence_is_told_by_the_expected_rhythm(bench: Bench) -> None:
    """A source silent for longer than expected is stale; one that never reported is missing."""
    bench.put(key("k", 1, True))
    states = {state.name: state.cause for state in bench.facts(at=START + timedelta(days=21)).sources()}
    assert states == {"kms": "stale", "quiet": "missing"}
    fresh = {
        state.name: state.cause for state in bench.facts(at=START + timedelta(days=20, hours=1)).sources()
    }
    assert fresh["kms"] is None


@pytest.mark.parametrize(
    ("span", "told"),
    [
        ({"seconds": 90}, "90 seconds"), ({"minutes": 15}, "15 minutes"), ({"hours": 24}, "24 hours"),
        ({"hours": 72}, "3 days"), ({"days": 9}, "9 days"),
    ],
)  # fmt: skip
def test_a_silence_is_told_in_a_unit_that_fits(span: dict[str, int], told: str) -> None:
    """However short the rhythm of a source, its silence is never told as no time at all."""
    assert _span(timedelta(**span)) == told


def test_the_same_record_twice_is_one(bench: Bench) -> None:
    """A record that arrives again, in whatever entry, is one record, at its earliest instant."""
    bench.put({"event": 1, "at": day(3)})
    bench.put({"event": 1, "at": day(3)}, {"event": 2, "at": day(1)})
    assert [(r.value["n"], r.evidence) for r in bench.facts().received("lineage")] == [(2, "1/1"), (1, "0/0")]


SAID = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(1, 5), st.sampled_from([True, False, None])),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAID, data=st.data())
def test_order_of_arrival_changes_no_fact(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, int, bool | None]], data: st.DataObject
) -> None:
    """At one size, no order of the same entries changes a fact."""
    shuffled = data.draw(st.permutations(said))
    answers = []
    for order in (said, shuffled):
        bench = Bench(tmp_path_factory.mktemp("store") / "s")
        for name, at, on in order:
            bench.put(key(name, at, on))
        answers.append(
            [(f.resource, f.value, sorted(f.unseen), f.observed_at) for f in bench.facts().facts("kms_key")]
        )
        bench.projections.close()
        bench.log.close()
    assert answers[0] == answers[1]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=SAID)
def test_a_later_entry_changes_nothing_at_an_earlier_size(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[str, int, bool | None]]
) -> None:
    """An entry changes no answer at a smaller size, and none at an instant before its own."""
    bench = Bench(tmp_path_factory.mktemp("store") / "s")
    before = []
    for size, (name, at, on) in enumerate(said):
        before.append(bench.values(log_size=size))
        early = START + timedelta(days=at) - timedelta(seconds=1)
        held = bench.values(at=early)
        bench.put(key(name, at, on))
        assert bench.values(at=early) == held
    for size, held in enumerate(before):
        assert bench.values(log_size=size) == held
    bench.projections.close()
    bench.log.close()


def test_a_rebuild_gives_the_same_rows(bench: Bench) -> None:
    """Rebuilding serves a new generation with the same facts, and appends nothing."""
    for at, on in itertools.product(range(1, 4), (True, False)):
        bench.put(key(f"k{at}", at, on))
    before, size = bench.values(), bench.log.size
    generation = bench.projections.generation
    assert bench.projections.rebuild() == size
    assert bench.projections.generation != generation
    assert bench.values() == before
    assert bench.log.size == size


def test_another_program_reads_the_log_again(bench: Bench, tmp_path: Path) -> None:
    """Tables that another program version read are not trusted: they are made anew at once."""
    bench.put(key("k", 1, True))
    bench.projections.catch_up()
    bench.projections.close()
    later = Projections(tmp_path / "store", bench.log, [PlainReader()], program="test/2")
    later.catch_up()
    assert later.generation == "g2"
    later.close()
