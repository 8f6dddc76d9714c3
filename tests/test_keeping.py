"""Retention, legal holds and erasure: what may go, what must stay, and that every proof stays whatever goes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from compliance.canonical import format_time
from compliance.derived import DERIVATIONS
from compliance.duties import CUSTODY, Duties
from compliance.erasing import erase, finish_erasures, keys_of_subject
from compliance.errors import ContentGone, ContentHeld, InputRefused, NotFound, StoreTampered
from compliance.evidence import CollectorName, Observation
from compliance.expiring import due, expire
from compliance.holding import holds_in_force, place_hold, release_hold
from compliance.objects import PayloadFolder
from compliance.reperforming import gone_sentences
from compliance.settings import EvidenceSettings, KeySpaceSettings, Settings, SourceSettings
from compliance.verify import verify_store
from tests.keeping import ANN, BEGIN, BOB, SECRET, WHO, YEAR, Bench, Clock, known_as
from tests.small_library import small_library


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    settings = Settings(
        home=tmp_path / "store", controls=small_library(tmp_path / "controls"),
        evidence=EvidenceSettings(origin="example.com/log"),
        key_spaces={"customer": KeySpaceSettings(secret=SECRET)},
        sources=(
            SourceSettings(name="app", kind="push", expect_every="24h"),
            SourceSettings(name="kms", kind="aws-kms", region="us-east-1", schedule="1d"),
        ),
    )  # fmt: skip
    made = Bench(tmp_path / "store", Clock(), settings)
    yield made
    made.store.close()


# --- duties ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "frameworks", "span", "because"),
    [
        ("aws-kms/1", (), 6 * YEAR, "45 CFR 164.316"), ("aws-iam/1", (), 7 * YEAR, "17 CFR 210.2-06"),
        ("mlflow/1", (), 10 * YEAR, "Article 18"), ("aws-iam/1", ("gdpr",), 3 * YEAR, "SMA-04"),
        ("consents/1", (), CUSTODY.span, "as long as any"), ("library/1", (), CUSTODY.span, "as long as any"),
    ],
)  # fmt: skip
def test_evidence_is_kept_for_the_longest_duty_of_what_it_serves(
    bench: Bench, kind: str, frameworks: Sequence[str], span: timedelta, because: str
) -> None:
    """Of the frameworks in scope whose controls check it, the longest counts; what serves none is kept the longest."""
    store = bench.store
    library = store.library_of(store.library_digest(store.log.size))
    duties = Duties(library, kind_facts=store.kind_facts, derivations=DERIVATIONS, frameworks=frameworks)
    assert duties.of(kind).span == span
    assert because in duties.of(kind).because


def test_a_payload_bears_the_date_until_which_it_is_kept(bench: Bench) -> None:
    """The date is the receipt and the duty of its kind, also for one that is put again later."""
    digest = bench.digest(bench.collected(b"k" * 9000))
    assert bench.store.log.payloads.lock(digest).until == BEGIN + 6 * YEAR
    bench.clock.now += YEAR
    bench.collected(b"k" * 9000)
    assert bench.store.log.payloads.lock(digest).until == BEGIN + 7 * YEAR


# --- erasure -----------------------------------------------------------------------------------


def test_an_erased_subject_is_gone_and_every_proof_stays(bench: Bench) -> None:
    """What is about them alone cannot be read any more, by whoever has what; what is about others too stays."""
    alone, shared, other = bench.consent(ANN), bench.consent(ANN, BOB), bench.consent(BOB, action="withdrawn")
    size = bench.store.log.size
    before = bench.received("consent")
    proof, leaf = bench.store.log.prove(alone, size), bench.store.log.leaf(alone)
    by = bench.erase(ANN)
    with pytest.raises(ContentGone, match=f"content erased on 2026-11-23 by entry {by}") as gone:
        bench.body(alone)
    assert gone.value.by == str(by)
    assert bench.body(shared)
    assert bench.body(other)
    assert (bench.store.log.prove(alone, size), bench.store.log.leaf(alone)) == (proof, leaf)
    assert bench.received("consent") == before
    assert bench.sound() == (f"content erased on 2026-11-23 by entry {by} (1 entry)",)


def test_names_of_keys_tell_nobody_who_is_meant(bench: Bench) -> None:
    """An entry names the data key, which is drawn under a secret; neither key nor pseudonym is in it."""
    entry = bench.store.log.leaf(bench.consent(ANN)).decode()
    assert '"sealed":"subject:customer/' in entry
    assert known_as(ANN) not in entry
    assert known_as(ANN)[:8] not in entry
    again = bench.store.log.leaf(bench.consent(ANN, action="withdrawn")).decode()
    sealed = json.loads(entry)["payload"]["sealed"]
    assert json.loads(again)["payload"]["sealed"] == sealed


def test_answers_say_that_they_cannot_be_performed_again(bench: Bench) -> None:
    """From the entry on what needed it is unknown, citing it; at an earlier size the answer says what it lacks."""
    bench.consent(ANN)
    before = bench.answers.basis()
    assert "not_reperformable" not in bench.answers.status(before)
    by = bench.erase(ANN)
    now = bench.answers.basis()
    [app] = [state for state in bench.answers.facts(now).sources() if state.name == "app"]
    assert (app.cause, app.evidence[-1]) == ("unreadable", str(by))
    assert f"content erased on 2026-11-23 by entry {by}" in app.detail
    assert "not_reperformable" not in bench.answers.status(now)
    [said] = bench.answers.status(before)["not_reperformable"]
    assert said == (
        f"of 1 of the first {before.log_size} entries: content erased on 2026-11-23 by entry {by}; what was answered"
        " before can no longer be re-performed in full"
    )
    assert bench.received("consent", before.log_size) == 0
    assert gone_sentences(bench.store.projections, before.log_size) == (said,)


def test_a_lookup_is_erased_with_its_subject(bench: Bench) -> None:
    """That somebody asked for a record, and why, is about its subject too."""
    basis = bench.answers.basis()
    bench.answers.lookup(basis, key_space="customer", key=ANN, reason="complaint 7", who="test")
    index = bench.store.log.size - 1
    assert b"complaint 7" in (bench.body(index) or b"")
    bench.erase(ANN)
    with pytest.raises(ContentGone):
        bench.body(index)
    assert len(bench.sound()) == 1


def test_a_class_is_erased_with_all_that_is_told_by_difference_to_it(bench: Bench) -> None:
    """A manifest kept as a difference says nothing without its base, in a rebuild as in what is served."""
    many = [f"C-{number}" for number in range(1, 80)]
    base = bench.manifest("1", *many)
    bench.clock.now += timedelta(days=31)
    second, third = bench.manifest("2", *many[:-1]), bench.manifest("3", *many[:-2])
    assert bench.received("manifest") == 3
    by = erase(bench.store, ["app/2026-11"], **WHO).index
    assert bench.received("manifest") == 0
    assert bench.answers.facts(bench.answers.basis()).holding("customer", known_as(ANN)) == frozenset()
    assert bench.sound() == (f"content erased on 2026-12-24 by entry {by} (1 entry)",)
    assert bench.body(second)
    assert bench.manifest("4", ANN) > by > third > base
    assert bench.received("manifest") == 1


def test_what_is_not_there_is_not_erased(bench: Bench) -> None:
    """An erasure of nothing, without a reason, or of what says who erased, is refused and leaves no entry."""
    bench.consent(ANN)
    size = bench.store.log.size
    with pytest.raises(NotFound, match="no such data key: nothing is sealed for that subject alone"):
        bench.erase(BOB)
    with pytest.raises(InputRefused, match="needs a reason"):
        erase(
            bench.store,
            keys_of_subject(bench.store, "customer", key=ANN, pseudonym=None),
            who="x",
            reason=" ",
        )
    assert bench.store.log.size == size
    bench.erase(ANN)
    with pytest.raises(InputRefused, match="and why, is kept"):
        erase(bench.store, ["muniment:custody/2026-11"], **WHO)
    with pytest.raises(NotFound):
        bench.erase(ANN)


def test_an_erasure_that_a_crash_cut_short_is_finished(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry comes first: the key that it says is gone is destroyed later, one of its name made since is not."""
    index = bench.consent(ANN)
    keys = bench.store.log.data_keys
    with monkeypatch.context() as patch:
        patch.setattr(keys, "destroy", lambda *_: False)
        bench.erase(ANN)
    assert bench.body(index)
    assert bench.received("consent") == 0
    assert finish_erasures(bench.store) == 1
    with pytest.raises(ContentGone):
        bench.body(index)
    later = bench.consent(ANN, action="withdrawn")
    assert finish_erasures(bench.store) == 0
    assert bench.body(later)
    assert bench.received("consent") == 1
    assert len(bench.sound()) == 1


# --- holds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scope",
    [{}, {"sources": ["app"]}, {"kinds": ["consents/1"]}, {"subjects": [("customer", known_as(ANN))]}],
)
def test_a_legal_hold_blocks_erasure(bench: Bench, scope: Mapping[str, Any]) -> None:
    """Whatever the hold is placed by, it is named in the refusal, and the erasure goes through once it is released."""
    index = bench.consent(ANN)
    hold = place_hold(bench.store, **WHO, **scope)
    with pytest.raises(
        ContentHeld, match=rf"under legal hold {hold.id}, placed by entry {hold.index}, which covers 1"
    ):
        bench.erase(ANN)
    assert bench.body(index)
    assert [one.id for one in holds_in_force(bench.store)] == [hold.id]
    release_hold(bench.store, hold.id, **WHO)
    assert holds_in_force(bench.store) == ()
    bench.erase(ANN)


def test_a_hold_on_others_blocks_nothing(bench: Bench) -> None:
    """A hold covers what it names alone."""
    bench.consent(ANN)
    for scope in (
        {"sources": ["kms"]},
        {"kinds": ["members/1"]},
        {"subjects": [("customer", known_as(BOB))]},
    ):
        place_hold(bench.store, **WHO, **scope)
    bench.erase(ANN)


def test_a_payload_is_held_until_its_last_hold_is_released(bench: Bench) -> None:
    """A hold lies on the payload itself too; one of two that is released leaves it held."""
    digest = bench.digest(bench.collected(b"k" * 9000))
    first = place_hold(bench.store, **WHO, sources=["kms"])
    second = place_hold(bench.store, **WHO)
    release_hold(bench.store, first.id, **WHO)
    assert bench.store.log.payloads.lock(digest).held
    release_hold(bench.store, second.id, **WHO)
    assert not bench.store.log.payloads.lock(digest).held
    with pytest.raises(NotFound, match="No hold"):
        release_hold(bench.store, second.id, **WHO)


# --- expiry ------------------------------------------------------------------------------------


def test_content_goes_when_its_longest_duty_has_ended(bench: Bench) -> None:
    """Not a day before; then the payload is removed, its facts with it, and the proof stays."""
    old = bench.collected(b"k" * 9000)
    bench.clock.now += YEAR
    young = bench.collected(b"l" * 9000)
    bench.clock.now = BEGIN + 6 * YEAR - timedelta(seconds=1)
    assert due(bench.store) == []
    assert expire(bench.store, **WHO) == []
    bench.clock.now += timedelta(seconds=1)
    [one] = due(bench.store)
    assert (one.entry.index, one.ended, one.kept_by) == (old, BEGIN + 6 * YEAR, None)
    [by] = expire(bench.store, **WHO)
    with pytest.raises(ContentGone, match=f"content expired on 2032-11-27 by entry {by}"):
        bench.body(old)
    assert bench.body(young)
    assert bench.store.log.payloads.size(bench.digest(old)) is None
    assert bench.store.log.prove(old)
    assert bench.sound() == (f"content expired on 2032-11-27 by entry {by} (1 entry)",)
    assert due(bench.store) == []


def test_what_expired_is_forgotten_by_every_projection(bench: Bench) -> None:
    """Also what rides in its entry, and so stays in the log: no fact of it remains, served or rebuilt."""
    index = bench.store.log.append(
        [Observation("lineage/1", "app", CollectorName("test", "1"), lineage("run-1"), detail={"items": 1})]
    )[0]
    assert bench.received("lineage") == 1
    bench.clock.now += 11 * YEAR
    assert index in {one.entry.index for one in due(bench.store)}
    expire(bench.store, **WHO)
    assert bench.received("lineage") == 0
    assert bench.store.projections.rebuild() == bench.store.log.size
    assert bench.received("lineage") == 0
    bench.sound()


def test_a_hold_outlasts_every_duty(bench: Bench) -> None:
    """What is held stays, and the list says by which hold."""
    bench.collected(b"k" * 9000)
    hold = place_hold(bench.store, **WHO, sources=["kms"])
    bench.clock.now += 6 * YEAR
    assert [one.kept_by for one in due(bench.store)] == [f"legal hold {hold.id}"]
    assert expire(bench.store, **WHO) == []


def test_a_payload_that_two_entries_have_goes_with_the_last(bench: Bench) -> None:
    """Bytes are stored once; the younger entry's duty keeps them."""
    bench.collected(b"k" * 9000)
    bench.clock.now += YEAR
    young = bench.collected(b"k" * 9000)
    bench.clock.now = BEGIN + 6 * YEAR
    assert [one.kept_by for one in due(bench.store)] == [f"its lock until {format_time(BEGIN + 7 * YEAR)}"]
    bench.clock.now = BEGIN + 7 * YEAR
    expire(bench.store, **WHO)
    with pytest.raises(ContentGone):
        bench.body(young)
    bench.sound()


def test_a_payload_that_is_missing_without_such_an_entry_is_no_expiry(bench: Bench) -> None:
    """Removing a file is not letting it expire: the verifier and every reader say that it is missing."""
    index = bench.collected(b"k" * 9000)
    PayloadFolder(bench.home / "payloads").path(bench.digest(index)).unlink()
    with pytest.raises(StoreTampered, match="is missing"):
        bench.body(index)
    assert not verify_store(bench.home).ok


def lineage(run: str) -> bytes:
    return json.dumps({
        "eventType": "COMPLETE", "eventTime": format_time(BEGIN), "run": {"runId": run},
        "job": {"namespace": "lake", "name": "job"}, "inputs": [], "outputs": [],
    }).encode()  # fmt: skip


def test_what_a_source_still_has_is_brought_anew(bench: Bench, tmp_path: Path) -> None:
    """An answer that was erased is not named as unchanged: then nothing would ever be known of it again."""
    (tmp_path / "deletions").mkdir()
    line = {
        "key_space": "customer", "key": BOB, "datasets": "*", "requested_at": format_time(BEGIN - YEAR),
        "completed_at": format_time(BEGIN - YEAR), "method": "delete", "request_id": "DSR-1",
    }  # fmt: skip
    (tmp_path / "deletions" / "a.jsonl").write_text(json.dumps(line) + "\n")
    assert bench.collect_deletions(tmp_path / "deletions") == 1
    assert bench.collect_deletions(tmp_path / "deletions") == 1
    erase(bench.store, ["gone/2026-11"], **WHO)
    assert bench.received("erasure") == 0
    assert bench.collect_deletions(tmp_path / "deletions") == 1
    bench.sound()
