from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.aws_iam.collect import IamCollector
from collectors.aws_kms.collect import KmsCollector
from collectors.collection.read import READER
from collectors.deletion_log.collect import DeletionLogCollector
from collectors.registry import READERS
from compliance.canonical import Json, evidence_ranges, expand_ranges, strict_json
from compliance.collecting import CollectionOutcome, Former, collect_once, former_items
from compliance.errors import InputRefused, SourceFailed, StoreUnavailable
from compliance.evidence import Access, CollectorName, Coverage, Entry, Observation, Response
from compliance.facts import FactSchema, Listing, Opened
from compliance.log import EvidenceLog
from tests.collecting import NOON, Clock
from tests.moto_server import REGION, client, moto_server, reset, use_credentials

SCRIPT = CollectorName("script", "1")


@dataclass
class Script:
    """A source whose answers are written down, as a stand-in for one that is pulled."""

    yields: Sequence[Response | Coverage | Exception]
    kind: str = "aws-kms/1"
    name: CollectorName = SCRIPT

    def collect(self) -> Iterator[Response | Coverage]:
        """What is written down, in order; an exception is raised."""
        for seen in self.yields:
            if isinstance(seen, Exception):
                raise seen
            yield seen

    def check(self) -> Sequence[Access]:
        """Nothing to try."""
        return ()


def answer(about: str, body: str = "{}", *, scope: str = "A", **more: Any) -> Response:
    request: dict[str, Json] = {"operation": "get", "about": about}
    return Response(scope, request, more.pop("status", 200), body.encode(), "caller", NOON, **more)


def whole(scope: str = "A", got: int = 1) -> Coverage:
    return Coverage(scope, ("kms_key",), complete=True, got=got)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EvidenceLog]:
    with EvidenceLog.create(tmp_path, origin="example.org/log", clock=Clock()) as made:
        yield made


def collect(log: EvidenceLog, *yields: Response | Coverage | Exception, **options: Any) -> CollectionOutcome:
    return collect_once(
        options.pop("collector", Script(yields)), source="src", log=log, clock=Clock(),
        former=lambda source: former_items(log, source), **options,
    )  # fmt: skip


def entries(log: EvidenceLog, kind: str) -> list[tuple[int, Entry]]:
    return [(index, entry) for index, entry in log.entries(0) if entry.kind == kind]


def said(log: EvidenceLog, outcome: CollectionOutcome) -> dict[str, Any]:
    value: dict[str, Any] = strict_json(log.body(log.entry(int(outcome.evidence))) or b"")
    return value


def listings(log: EvidenceLog, outcome: CollectionOutcome) -> list[Listing]:
    index = int(outcome.evidence)
    entry = log.entry(index)
    return [r for r in READER.read(Opened(index, entry, log.body(entry))) if isinstance(r, Listing)]


# --- what a run leaves behind ------------------------------------------------------------------


def test_a_run_leaves_its_answers_and_an_account_of_itself(log: EvidenceLog) -> None:
    """The answers are items of one entry, byte for byte; the run's own entry names them by scope."""
    outcome = collect(log, answer("a", '{"x": 1}'), answer("b", '{"y":2}'), whole(got=2))
    ((index, entry),) = entries(log, "aws-kms/1")
    assert [Opened(index, entry, log.body(entry)).item_body(n) for n in (0, 1)] == [b'{"x": 1}', b'{"y":2}']
    assert [(item.scope, item.status, item.caller, item.observed_at) for item in entry.items] == [
        ("A", 200, "caller", NOON)
    ] * 2
    assert said(log, outcome)["scopes"][0] == whole(got=2).as_json() | {"items": [f"{index}/0-1"]}
    (listing,) = listings(log, outcome)
    assert (listing.complete, listing.items, listing.source) == (
        True, frozenset({f"{index}/0", f"{index}/1"}), "src",
    )  # fmt: skip
    assert (outcome.complete, outcome.new, outcome.unchanged, outcome.error) == (True, 2, 0, None)


def test_an_unchanged_run_adds_one_entry(log: EvidenceLog) -> None:
    """What came back unchanged is named by its former item; nothing is stored but that it was seen again."""
    yields = (answer("a", "1"), answer("b", "2"), whole(got=2))
    first = collect(log, *yields)
    size = log.size
    second = collect(log, *yields)
    assert log.size == size + 1
    assert (second.new, second.unchanged) == (0, 2)
    assert said(log, second)["scopes"] == said(log, first)["scopes"]
    assert listings(log, second)[0].items == listings(log, first)[0].items


def test_only_what_changed_is_stored(log: EvidenceLog) -> None:
    """Of a changed answer the new item is named, of the others the former."""
    collect(log, answer("a", "1"), answer("b", "2"), whole())
    outcome = collect(log, answer("a", "1"), answer("b", "3"), whole())
    (old, _), (new, entry) = entries(log, "aws-kms/1")
    assert log.body(entry) == b"3"
    assert said(log, outcome)["scopes"][0]["items"] == [f"{old}/0", f"{new}/0"]


def test_what_changed_back_is_stored_again(log: EvidenceLog) -> None:
    """Only the last answer to a request can come back unchanged, not an earlier one."""
    for body in ("1", "2", "1"):
        collect(log, answer("a", body), whole())
    assert [log.body(entry) for _, entry in entries(log, "aws-kms/1")] == [b"1", b"2", b"1"]


@pytest.mark.parametrize("change", [{"status": 403}, {"scope": "B"}, {"fingerprint": "other"}])
def test_equal_bytes_are_not_always_unchanged(log: EvidenceLog, change: dict[str, Any]) -> None:
    """The status, the scope and a stated fingerprint must be equal too."""
    collect(log, answer("a", "1"), whole())
    outcome = collect(log, answer("a", "1", **change), whole(change.get("scope", "A")))
    assert (outcome.new, outcome.unchanged) == (1, 0)


def test_a_stated_fingerprint_tells_what_is_unchanged(log: EvidenceLog) -> None:
    """Bytes that differ by a request id alone are not stored again."""
    collect(log, answer("a", "id 1", fingerprint="same"), whole())
    outcome = collect(log, answer("a", "id 2", fingerprint="same"), whole())
    assert (outcome.new, outcome.unchanged) == (0, 1)
    ((_, entry),) = entries(log, "aws-kms/1")
    assert entry.items[0].fingerprint == "same"


def test_joined_answers_are_kept_together(log: EvidenceLog) -> None:
    """If one page of a document changed, all of its pages are stored again, in one entry."""
    pages = [answer(f"page {n}", str(n), joined="document") for n in range(3)]
    collect(log, *pages, answer("other"), whole())
    changed = [*pages[:2], replace(pages[2], body=b"new")]
    outcome = collect(log, *changed, answer("other"), whole())
    assert (outcome.new, outcome.unchanged) == (3, 1)
    assert log.body(entries(log, "aws-kms/1")[-1][1]) == b"01new"
    again = collect(log, *changed, answer("other"), whole())
    assert (again.new, again.unchanged) == (0, 4)


def test_joined_answers_do_not_straddle_entries(log: EvidenceLog) -> None:
    """Pages that no longer fit an entry go into the next one, side by side."""
    before = [answer(f"key {n}") for n in range(98)]
    pages = [answer(f"page {n}", joined="document") for n in range(5)]
    collect(log, *before, *pages, whole())
    held = [[str(item.request["about"]) for item in entry.items] for _, entry in entries(log, "aws-kms/1")]
    assert [names for names in held if "page 0" in names] == [[f"page {n}" for n in range(5)]]


def test_the_index_of_an_entry_stays_below_its_limit(log: EvidenceLog) -> None:
    """Many answers, and answers with long requests, are spread over entries; none is lost."""
    many = [answer(f"{n}-" + "x" * 900) for n in range(150)]
    collect(log, *many, whole(got=150))
    held = entries(log, "aws-kms/1")
    assert sum(len(entry.items) for _, entry in held) == 150
    assert all(len(entry.items) <= 100 for _, entry in held)
    assert all(len(entry.to_bytes()) <= 65_535 for _, entry in held)


def test_a_large_answer_has_an_entry_of_its_own(log: EvidenceLog) -> None:
    """An observation holds at most 8 MiB, but no answer is cut."""
    big = "x" * (9 * 1024 * 1024)
    collect(log, answer("small"), answer("big", big), answer("small too"), whole(got=3))
    sizes = [entry.payload.size for _, entry in entries(log, "aws-kms/1") if entry.payload]
    assert sizes == [2, len(big), 2]


def test_sealed_answers_leave_no_digest_that_confirms_a_guess(log: EvidenceLog, tmp_path: Path) -> None:
    """The items of a sealed observation state no digest of their bytes, and are recognised all the same."""
    folder = tmp_path / "deletions"
    folder.mkdir()
    line = {
        "key_space": "customer", "pseudonym": "0" * 32, "datasets": "*", "requested_at": "2026-11-01T00:00:00Z",
        "completed_at": "2026-11-02T00:00:00Z", "method": "delete", "request_id": "r",
    }  # fmt: skip
    (folder / "a.jsonl").write_text(json.dumps(line) + "\n")
    collector = DeletionLogCollector(path=folder, pseudonymise=lambda _, key: key, clock=Clock())
    first = collect(log, collector=collector, sealed=True)
    second = collect(log, collector=collector, sealed=True)
    assert (first.new, second.new, second.unchanged) == (1, 0, 1)
    ((index, entry),) = entries(log, "deletion-log/1")
    (item,) = entry.items
    assert item.sha256 == ""
    assert entry.payload is not None
    assert entry.payload.sealed
    leaf = log.leaf(index).decode()
    assert "0" * 32 not in leaf
    for response in collector.collect():
        if isinstance(response, Response):
            assert response.unchanged_as() not in leaf


# --- what goes wrong ---------------------------------------------------------------------------


def test_a_source_that_fails_is_never_an_empty_listing(log: EvidenceLog) -> None:
    """A run that could not even begin says so, of its whole source, and not that there was nothing."""
    outcome = collect(log, SourceFailed("AWS refused it."))
    assert (outcome.complete, outcome.error) == (False, "AWS refused it.")
    (listing,) = listings(log, outcome)
    assert (listing.scope, listing.facts, listing.complete, listing.detail) == (
        "",
        (),
        False,
        "AWS refused it.",
    )


def test_a_run_that_breaks_off_keeps_what_it_saw(log: EvidenceLog) -> None:
    """Scopes that were finished stand; of the one under way, what came is kept and it is not complete."""
    outcome = collect(log, answer("a"), whole("A"), answer("b", scope="B"), SourceFailed("Lost."), whole("B"))
    scopes = {listing.scope: listing for listing in listings(log, outcome)}
    assert {name: listing.complete for name, listing in scopes.items()} == {"A": True, "B": False, "": False}
    assert len(scopes["B"].items) == 1
    assert outcome.sentence().endswith("NOT seen whole: B: Lost.")


def test_a_defect_of_ours_is_recorded_without_what_it_says(log: EvidenceLog) -> None:
    """The job boundary: an unforeseen exception ends the run and is evidence, its text is not."""
    outcome = collect(log, answer("a"), ValueError("token s3cret"))
    assert outcome.error == "a defect ended the run: ValueError"
    assert b"s3cret" not in (log.body(log.entry(int(outcome.evidence))) or b"")
    assert len(entries(log, "aws-kms/1")) == 1


def test_a_collector_that_names_no_scope_failed(log: EvidenceLog) -> None:
    """A run without an account of any scope saw nothing whole."""
    outcome = collect(log)
    assert outcome.error == "the collector named no scope"
    assert not listings(log, outcome)[0].complete


def test_an_answer_that_the_log_cannot_hold_ends_the_run(log: EvidenceLog) -> None:
    """A request without a canonical form is a refusal that is recorded, not a run that vanishes."""
    bad = replace(answer("a"), request={"number": 0.5})
    outcome = collect(log, answer("good"), bad, whole())
    assert outcome.error is not None
    assert outcome.error.startswith("InputRefused: A float stands at")
    assert said(log, outcome)["scopes"][0]["complete"] is False


def test_a_run_that_cannot_be_recorded_is_refused() -> None:
    """Only the log's own failure is raised: then nothing could be said about the run."""

    class Full:
        dedupe_key = b"k"

        def append(self, observations: Sequence[Observation]) -> Sequence[int | None]:
            raise StoreUnavailable(f"no space for {len(observations)}")

    with pytest.raises(StoreUnavailable):
        collect_once(
            Script([answer("a"), whole()]), source="s", log=Full(), former=lambda _: {}, clock=Clock()
        )


def test_what_a_broken_run_did_not_ask_is_remembered_from_before(log: EvidenceLog) -> None:
    """After a run that broke off, answers of the run before it are still recognised."""
    yields = (answer("a", "1"), answer("b", "2"), whole(got=2))
    collect(log, *yields)
    collect(log, answer("a", "changed"), SourceFailed("Lost."))
    outcome = collect(log, answer("a", "changed"), answer("b", "2"), whole(got=2))
    assert (outcome.new, outcome.unchanged) == (0, 2)


def test_sources_do_not_recognise_each_others_answers(log: EvidenceLog) -> None:
    """What one source brought is not taken for known when another brings it."""
    collect(log, answer("a"), whole())
    assert former_items(log, "other") == {}
    known = former_items(log, "src", newest_first=[index for index, _ in entries(log, "collection/1")])
    assert known == former_items(log, "src")
    assert len(known) == 1


def test_progress_is_told_as_it_goes(log: EvidenceLog) -> None:
    """Whoever waits for a run hears which scope it is in and how it ended."""
    heard: list[str] = []
    collect(log, answer("a"), answer("b"), whole(), progress=heard.append)
    assert heard == ["A: 1 answers", "A: 2 answers", "A: seen whole"]


def test_no_two_readers_read_the_same_kind() -> None:
    """Every kind of entry has one reader; a type of fact that several show has one schema."""
    kinds = [kind for reader in READERS for kind in reader.kinds]
    assert len(kinds) == len(set(kinds))
    schemas: dict[str, FactSchema] = {}
    for schema in (schema for reader in READERS for schema in reader.schemas):
        assert schemas.setdefault(schema.name, schema) is schema


# --- ranges ------------------------------------------------------------------------------------


@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 50))))
def test_ranges_stand_for_exactly_their_ids(pairs: set[tuple[int, int]]) -> None:
    """Shortened and expanded again, evidence ids are the same, each once and in order."""
    ids = [f"{index}/{item}" for index, item in sorted(pairs)]
    assert expand_ranges(evidence_ranges(reversed(ids))) == ids


@pytest.mark.parametrize("text", ["", "7", "7-9", "7/", "7/1-", "7/1-x", "a/1", "7/-1"])
def test_what_is_no_range_is_refused(text: str) -> None:
    """A range names an entry and items in it."""
    with pytest.raises(InputRefused):
        expand_ranges([text])


# --- against moto ------------------------------------------------------------------------------


@contextmanager
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    use_credentials(monkeypatch)
    with moto_server() as url:
        reset(url)
        yield url


def test_an_unchanged_account_adds_one_entry(log: EvidenceLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM and KMS, collected again unchanged, add nothing but that they were seen again."""
    with aws(monkeypatch) as url, client("kms", url) as kms, client("iam", url) as iam:
        kms.create_key()
        iam.create_user(UserName="ada")
        for collector in (
            KmsCollector(regions=[REGION], endpoint_url=url, clock=Clock()),
            IamCollector(region=REGION, endpoint_url=url, clock=Clock(NOON + timedelta(hours=1))),
        ):
            first = collect(log, collector=collector)
            size = log.size
            second = collect(log, collector=collector)
            assert (second.new, second.unchanged) == (0, first.new)
            assert (second.complete, log.size) == (True, size + 1)


def test_former_items_may_be_known_otherwise(log: EvidenceLog) -> None:
    """The former items are whatever the store says they are; an item it does not name is new."""
    collect(log, answer("a"), whole())
    nothing: Former = {}
    outcome = collect_once(
        Script([answer("a"), whole()]), source="src", log=log, former=lambda _: nothing, clock=Clock()
    )
    assert outcome.new == 1
