"""Notification: a webhook is told of each change once, and never of anything personal."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import Engine

from compliance.database import sqlite_engine
from compliance.errors import InputRefused, SourceFailed
from compliance.notify import announce, refuse_link_local, unannounced
from compliance.settings import NotifySettings
from compliance.tables import OPERATIONS

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BROKEN = {"KMS-03": ("deficient", "Keys rotate", "alias/raw has rotation_enabled = false")}
MENDED = {"KMS-03": ("effective", "Keys rotate", "")}


class Receiver:
    """A webhook's receiver on loopback; ``answer`` is the status that it gives."""

    def __init__(self) -> None:
        self.got: list[tuple[str | None, dict[str, object]]] = []
        self.answer = 204
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Take a message."""
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((self.headers.get("Authorization"), json.loads(body)))
                self.send_response(receiver.answer)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that is stopped afterwards."""
    started = Receiver()
    yield started
    started.server.shutdown()
    started.server.server_close()
    started.thread.join()


@pytest.fixture
def operations(tmp_path: Path) -> Engine:
    """An operational database of its own."""
    engine = sqlite_engine(tmp_path / "operations.db")
    OPERATIONS.create_all(engine)
    return engine


def told(operations: Engine, receiver: Receiver, statuses: dict[str, tuple[str, str, str]]) -> None:
    """Announce what changed against what was announced before."""
    settings = NotifySettings(webhook_url=receiver.url)
    announce(operations, settings, unannounced(operations, statuses), at=NOON, sample=False)


def test_a_change_is_announced_once(operations: Engine, receiver: Receiver) -> None:
    """A control that turns deficient is announced; the same status again is not; its mending is."""
    for statuses in (BROKEN, BROKEN, MENDED, MENDED):
        told(operations, receiver, statuses)
    said = [message["changes"] for _, message in receiver.got]
    assert [[(c["before"], c["after"]) for c in changes] for changes in said] == [  # type: ignore[attr-defined]
        [(None, "deficient")],
        [("deficient", "effective")],
    ]


def test_what_was_always_effective_is_no_news(operations: Engine, receiver: Receiver) -> None:
    """A control first seen effective is not announced."""
    told(operations, receiver, MENDED)
    assert receiver.got == []


def test_what_the_receiver_refused_is_sent_again(operations: Engine, receiver: Receiver) -> None:
    """A message that was answered with an error counts as not announced."""
    receiver.answer = 500
    with pytest.raises(SourceFailed, match="500"):
        told(operations, receiver, BROKEN)
    receiver.answer = 200
    told(operations, receiver, BROKEN)
    assert len(receiver.got) == 2


def test_the_token_comes_from_a_file(operations: Engine, receiver: Receiver, tmp_path: Path) -> None:
    """A webhook token is read from its file and sent as bearer; an unreadable one is refused."""
    (tmp_path / "token").write_text("hush\n")
    settings = NotifySettings(webhook_url=receiver.url, webhook_token_file=tmp_path / "token")
    announce(operations, settings, unannounced(operations, BROKEN), at=NOON, sample=True)
    assert receiver.got[0][0] == "Bearer hush"
    absent = NotifySettings(webhook_url=receiver.url, webhook_token_file=tmp_path / "absent")
    with pytest.raises(InputRefused):
        announce(operations, absent, unannounced(operations, MENDED), at=NOON, sample=True)


@pytest.mark.filterwarnings("ignore:'[a-z]+' is deprecated:DeprecationWarning")
def test_channels_come_from_a_file_and_are_named_in_no_message(
    operations: Engine, receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A change goes to each URL of the file; one that refuses it, or is none, is told without the URL."""
    urls = tmp_path / "urls"
    urls.write_text(f"# chat\n{receiver.url.replace('http:', 'json:')}?token=hush\n")
    settings = NotifySettings(urls_file=urls)
    announce(operations, settings, unannounced(operations, BROKEN), at=NOON, sample=False)
    ((_, message),) = receiver.got
    assert "KMS-03 Keys rotate: new -> deficient" in str(message["message"])
    assert unannounced(operations, BROKEN) == []
    receiver.answer = 500
    with pytest.raises(SourceFailed, match="urls_file") as refused:
        announce(operations, settings, unannounced(operations, MENDED), at=NOON, sample=False)
    urls.write_text("hush://never\n")
    with pytest.raises(InputRefused, match="Line 1") as unknown:
        announce(operations, settings, unannounced(operations, MENDED), at=NOON, sample=False)
    for said in (refused.value.message, unknown.value.message, caplog.text):
        assert "hush" not in said


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest", "http://[fe80::1]/", "ftp://127.0.0.1/", "nonsense"]
)
def test_a_webhook_never_points_at_link_local_addresses(url: str) -> None:
    """Instance metadata and other link-local addresses, and other schemes, are refused."""
    with pytest.raises(InputRefused):
        refuse_link_local(url)
