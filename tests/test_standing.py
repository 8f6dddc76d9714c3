"""Standing work: what is announced of itself, and the proof that projections are what the log says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from compliance.errors import SourceFailed
from compliance.settings import NotifySettings
from compliance.standing import announce_changes, projections_equal_a_rebuild
from tests.small_store import Organisation, small_organisation


class Receiver(BaseHTTPRequestHandler):
    """Takes what is announced, or answers as it is told."""

    heard: list[Any]
    code = 204

    def do_POST(self) -> None:
        """Remember the message."""
        self.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.code)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def receiving(code: int = 204) -> Iterator[tuple[str, list[Any]]]:
    """The URL of a receiver, and what it has heard."""
    handler = type("Taking", (Receiver,), {"heard": [], "code": code})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", handler.heard  # type: ignore[attr-defined]  # of Receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    """A small organisation whose evidence is pushed."""
    with small_organisation(tmp_path_factory.mktemp("standing")) as made:
        yield made


def telling(small: Organisation, monkeypatch: pytest.MonkeyPatch, url: str | None) -> None:
    """Let it announce to this address."""
    changed = small.store.settings.model_copy(update={"notify": NotifySettings(webhook_url=url)})
    monkeypatch.setattr(small.store, "settings", changed)


def test_without_a_channel_nothing_is_worked_out(small: Organisation) -> None:
    """Nobody is told where no webhook is configured."""
    assert announce_changes(small.store, small.answers) == 0


def test_what_could_not_be_told_is_told_later_and_once(
    small: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refused message stays unannounced; the next one brings it, and then it is no news any more."""
    with receiving(500) as (url, _):
        telling(small, monkeypatch, url)
        with pytest.raises(SourceFailed, match="500"):
            announce_changes(small.store, small.answers)
    with receiving() as (url, heard):
        telling(small, monkeypatch, url)
        told = announce_changes(small.store, small.answers)
        assert announce_changes(small.store, small.answers) == 0
    (message,) = heard
    assert message["sample"] is True
    assert len(message["changes"]) == told > 0


def test_a_message_names_no_resource(small: Organisation, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves for another system: controls, statuses and numbers, never a user, key, dataset or record."""
    with small.store.operations.begin() as connection:
        connection.execute(text("DELETE FROM announced"))
    with receiving() as (url, heard):
        telling(small, monkeypatch, url)
        announce_changes(small.store, small.answers)
    said = json.dumps(heard)
    found = small.answers.found(small.answers.basis())
    assert heard[0]["changes"]
    silent = r"silent for \d+ \w+; at most \d+ \w+ is expected"
    for change in heard[0]["changes"]:
        of_a_source = change["control"].startswith("source:")
        allowed = silent if of_a_source else r"\d+ of \d+ fail(; unknown: [a-z]+)?"
        assert re.fullmatch(allowed, change["because"])
    assert [change["after"] for change in heard[0]["changes"] if change["control"] == "source:assistant"] == [
        "silent"
    ]
    for name in {finding.resource_id for finding in found if "/" in finding.resource_id}:
        assert name not in said


def test_projections_that_are_what_the_log_says_have_no_difference(small: Organisation) -> None:
    """After any number of steps the tables equal those that a rebuild makes, row by row."""
    assert projections_equal_a_rebuild(small.store) == []


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("entry", "UPDATE entry SET instant = instant + 1 WHERE log_index = 3"),
        ("received", "DELETE FROM received WHERE id = (SELECT min(id) FROM received)"),
        ("member", "UPDATE member SET until = 1 WHERE since = (SELECT max(since) FROM member)"),
        ("listing", "UPDATE listing SET complete = 1 - complete"),
    ],
)
def test_a_row_that_was_changed_is_named_by_its_table(small: Organisation, table: str, change: str) -> None:
    """Whatever was changed, taken away or added is found, and told without its values; a rebuild mends it."""
    small.store.projections.catch_up()
    path = Path(small.store.settings.home / "projections" / f"{small.store.projections.generation}.db")
    assert path.exists()
    with small.store.projections.connect() as connection:
        connection.execute(text(change))
        connection.commit()
    (problem, *_) = projections_equal_a_rebuild(small.store)
    assert problem.startswith(f"projection {table} differs")
    assert "customer" not in problem
    small.store.projections.rebuild()
    assert projections_equal_a_rebuild(small.store) == []
