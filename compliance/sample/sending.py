"""How the bank's systems send their evidence: over HTTP, each with a token bound to its source."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from urllib.parse import quote

import httpx
import uvicorn
from fastapi import FastAPI

from compliance.canonical import Json
from compliance.sample.pipelines import Manifest, Work
from compliance.store import Store
from web.access import create_token

BUILDER = "local:sample"
STARTS_WITHIN = 10.0
"""Seconds that the application may take to listen."""


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """The application on a free port of the loopback, and its base URL."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False)
    )
    thread = threading.Thread(target=server.run, name="sample-intake", daemon=True)
    thread.start()
    waited = time.monotonic() + STARTS_WITHIN
    while not server.started and time.monotonic() < waited:
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


class Sender:
    """The systems of the bank that push evidence. Several at once share the log's transactions."""

    def __init__(self, store: Store, client: httpx.Client, pool: ThreadPoolExecutor) -> None:
        self._store = store
        self._client = client
        self._pool = pool
        self._tokens: dict[tuple[str, str | None], str] = {}

    def pipeline(self, source: str, work: Work) -> None:
        """A day's events in one batch, then the manifests of what was written."""
        events = [event for run in work.runs for event in run.events()]
        if events:
            self._sent(source, "ingest:lineage", "POST", "lineage/batch", json=events)
        self._token("ingest:members", source)
        list(self._pool.map(partial(self._manifest, source), work.manifests))

    def _manifest(self, source: str, manifest: Manifest) -> None:
        dataset, version = manifest.copy.dataset, manifest.copy.version or ""
        path = "/".join(quote(part, safe="") for part in (dataset.namespace, dataset.name, version))
        held = (self._store.key_spaces.pseudonym(manifest.key_space, key) for key in manifest.keys)
        body = "".join(f'"{pseudonym}"\n' for pseudonym in held)
        self._sent(
            source, "ingest:members", "PUT", f"members/{path}", params={"key_space": manifest.key_space}, content=body,
            headers={"Content-Type": "application/x-ndjson"},
        )  # fmt: skip

    def documents(self, source: str, kind: str, items: Sequence[Json]) -> None:
        """Consents, contracts or purposes, in one body."""
        self._sent(source, f"ingest:{kind}", "POST", kind, json=list(items))

    def decisions(self, source: str, entries: Sequence[Json]) -> None:
        """A batch of the decision log."""
        self._sent(source, "ingest:decisions", "POST", "opa/logs", json=list(entries))

    def statements(self, kind: str, scope: str, items: Iterable[Json]) -> None:
        """Attestations or exceptions."""
        self._sent(None, scope, "POST", kind, json=list(items))

    def _sent(self, source: str | None, scope: str, method: str, path: str, **more: Json) -> None:
        headers = {"Authorization": f"Bearer {self._token(scope, source)}", **more.pop("headers", {})}
        self._client.request(method, f"/api/v1/{path}", headers=headers, **more).raise_for_status()

    def _token(self, scope: str, source: str | None) -> str:
        if (scope, source) not in self._tokens:
            made = create_token(self._store, scopes=[scope], source=source, created_by=BUILDER)
            self._tokens[scope, source] = made.token
        return self._tokens[scope, source]
