"""Answers across a break: every one says where the log goes on as the successor of one that was lost."""

import shutil
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from compliance.answers import Answers
from compliance.backup import backup
from compliance.breaks import Break, breaks_of, with_gaps
from compliance.cli.composition import create_store, open_store
from compliance.databases import databases_of
from compliance.note import Checkpoint, split_note
from compliance.recovery import Decision, recover
from compliance.settings import EvidenceSettings, KeySpaceSettings, Settings
from compliance.store import ITSELF, Store
from tests.logs import ORIGIN, Clock, observation
from web.access import create_sign_in_link
from web.app import create_app

PERSON = "0" * 32


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store that was recovered from a backup two entries behind."""
    folder = tmp_path_factory.mktemp("broken")
    spaces = {"customer": KeySpaceSettings(secret="00112233445566778899aabbccddeeff")}
    settings = Settings(home=folder / "home", evidence=EvidenceSettings(origin=ORIGIN), key_spaces=spaces)
    first = create_store(settings, Clock())
    backup(settings.home, folder / "copy")
    first.log.append([observation(b"{}"), observation(b"[]")])
    known = Checkpoint.parse(split_note(first.log.checkpoint())[0])
    first.close()
    shutil.rmtree(settings.home)
    decision = Decision("local:ann", "a test")
    recover(folder / "copy", settings.home, decision, known=[known], collector=ITSELF, clock=Clock())
    databases_of(settings).upgrade()
    opened = open_store(settings, Clock())
    yield opened
    opened.close()


SENTENCE = (
    f"the log goes on at entry 2 as the successor of {ORIGIN}, of which the first 2 entries were recovered;"
    " 2 later entries are lost"
)


def test_answers_tell_of_a_break(store: Store) -> None:
    """Status states it; an answer at a size before the break has nothing to state."""
    answers = Answers(store)
    assert answers.status(answers.basis())["breaks"] == [SENTENCE]
    assert breaks_of(store, 2) == ()
    assert "breaks" not in answers.status(answers.basis(log_size=2))


def test_what_was_lost_is_a_gap_of_record_usage(store: Store) -> None:
    """Nobody can tell whether lost entries spoke of the record: no answer across the break is complete."""
    answers = Answers(store)
    said = answers.lookup(
        answers.basis(), key_space="customer", pseudonym=PERSON, reason="test", who="local:ann"
    )
    assert said["complete"] is False
    assert {"namespace": "", "name": ORIGIN, "version": None, "why": SENTENCE} in said["gaps"]


def test_a_break_without_loss_is_no_gap() -> None:
    """Where nothing is known to be gone the break is told and takes nothing from the answer."""
    whole = Break(2, ORIGIN, 2, 0, 0, keys=True)
    answer = {"gaps": [], "complete": True}
    assert with_gaps(answer, (whole,)) == answer
    for incomplete in (Break(2, ORIGIN, 2, 0, 3, keys=True), Break(2, ORIGIN, 2, 0, 0, keys=False)):
        assert with_gaps(answer, (incomplete,))["complete"] is False
        assert incomplete.sentence().endswith(("3 payloads are missing", "sealed are lost"))


def test_pages_show_a_break(store: Store) -> None:
    """A banner on every page says so."""
    app = create_app(store, Answers(store))
    with TestClient(app, base_url="https://testserver") as client:
        client.get(
            f"/sign-in?link={create_sign_in_link(store, person='ann', role='auditor', created_by='local:x')}"
        )
        page = client.get("/verify")
    assert page.status_code == 200
    assert f"A break in the evidence: {SENTENCE}." in page.text
