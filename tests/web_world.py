"""A store with a real log and real tables behind the real application, for the tests of the web."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, create_engine

from collectors.members.difference import Difference
from compliance.errors import InputRefused
from compliance.evidence import Entry
from compliance.facts import Opened, Reader, Reading
from compliance.keyspaces import KeySpaces
from compliance.log import EvidenceLog
from compliance.settings import KeySpaceSettings, Settings
from compliance.tables import OPERATIONS
from web.access import create_token
from web.app import create_app

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECRET = "00112233445566778899aabbccddeeff"
KEY_SPACES = {"customer": KeySpaceSettings(secret=SECRET)}


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """The time of day."""
        return self.now

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span


class WebStore:
    """What the web asks of a store, over a real log in a folder."""

    def __init__(self, home: Path, settings: Settings) -> None:
        self.clock = Clock()
        self.settings = settings
        self.log = EvidenceLog.create(home, origin="log.example/test", clock=self.clock)
        self.operations: Engine = create_engine(f"sqlite:///{home / 'operations.db'}")
        OPERATIONS.create_all(self.operations)
        self.key_spaces = KeySpaces.from_settings(settings.key_spaces)
        self.sample = False

    def manifest_base(
        self, namespace: str, name: str, key_space: str, key_id: str
    ) -> tuple[int, Sequence[str]] | None:
        """The newest manifest of the dataset, found by reading the whole log."""
        wanted = {"namespace": namespace, "name": name, "key_space": key_space, "key_id": key_id}
        found: dict[int, tuple[str, ...]] = {}
        for index, entry in self.log.entries(0):
            if entry.kind == "members/1" and wanted.items() <= dict(entry.detail).items():
                kept = Difference.from_bytes(self.log.body(entry) or b"")
                found[index] = kept.applied(() if kept.base is None else found[kept.base])
        return max(found.items()) if found else None

    def close(self) -> None:
        """Let go of log and database."""
        self.log.close()
        self.operations.dispose()


@dataclass
class Asked:
    """Answers that say what they were asked."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def basis(self, **asked: Any) -> dict[str, Any]:
        """What it was asked for, refusing one log size."""
        if asked.get("log_size") == 999:
            raise InputRefused("The log size is 999; the log has fewer entries.", field="log_size")
        return asked

    def lookup(self, basis: Any, **asked: Any) -> Mapping[str, Any]:
        """An empty answer."""
        self.calls.append({"basis": basis, **asked})
        return {"uses": [], "complete": True}

    def findings(self, basis: Any, **asked: Any) -> list[Mapping[str, Any]]:
        """One finding."""
        self.calls.append({"basis": basis, **asked})
        return [{"check": "c1"}]

    def status(self, basis: Any, **asked: Any) -> Mapping[str, Any]:
        """No framework."""
        self.calls.append({"basis": basis, **asked})
        return {"frameworks": {}}


@dataclass
class World:
    """The application, a client of it, and what lies behind."""

    store: WebStore
    answers: Asked
    app: FastAPI
    client: TestClient

    held: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def token(self, *scopes: str, source: str | None = None, valid_for: timedelta | None = None) -> str:
        """A new token."""
        made = create_token(
            self.store, scopes=scopes, created_by="local:test", source=source, valid_for=valid_for
        )
        return made.token

    def bearer(self, *scopes: str, source: str | None = None) -> dict[str, str]:
        """The headers of a token with these scopes, the same one each time."""
        if (scopes, source) not in self.held:
            self.held[scopes, source] = self.token(*scopes, source=source)
        return {"Authorization": f"Bearer {self.held[scopes, source]}"}

    def evidence(self, kind: str) -> list[tuple[int, Entry, bytes]]:
        """The entries of a kind with their bodies, unsealed."""
        return [
            (index, entry, self.store.log.body(entry) or b"")
            for index, entry in self.store.log.entries(0)
            if entry.kind == kind
        ]

    def readings(self, reader: Reader, kind: str) -> list[Reading]:
        """Everything that a reader makes of the entries of a kind."""
        return [
            reading
            for index, entry, body in self.evidence(kind)
            for reading in reader.read(Opened(index, entry, body))
        ]

    def everything(self) -> bytes:
        """Every byte that lies in the store's folder, and every payload unsealed."""
        home = Path(str(self.store.operations.url.database)).parent
        files = [path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()]
        bodies = [self.store.log.body(entry) or b"" for _, entry in self.store.log.entries(0)]
        return b"\n".join([*files, *bodies])


@contextmanager
def web_world(home: Path, **settings: Any) -> Iterator[World]:
    """A world with these settings, closed at the end."""
    store = WebStore(home, Settings(home=home, key_spaces=KEY_SPACES, **settings))
    answers = Asked()
    app = create_app(store, answers)
    with TestClient(app, follow_redirects=False) as client:
        yield World(store, answers, app, client)
    store.close()


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application served by uvicorn on a free port of the loopback, and its base URL."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def field_of(answer: httpx.Response) -> Any:
    """The field that a refusal names."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json().get("field")
