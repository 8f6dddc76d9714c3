"""Serving: web application, API and scheduler in one process."""

from __future__ import annotations

import logging
import signal
import socket
import threading

import uvicorn

from compliance.answers import Answers
from compliance.checking import check_and_log
from compliance.cli.composition import carried_out
from compliance.errors import StoreUnavailable
from compliance.schedule import Schedule
from compliance.settings import interval
from compliance.standing import announce_changes
from compliance.store import Store
from compliance.vouching import vouch
from web.app import create_app

GRACE_SECONDS = 10


class Served:
    """A store with its application and schedule, ready to be served."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.answers = Answers(store)
        self.schedule = Schedule(
            store.operations, store.settings.sources, clock=store.clock,
            collect=lambda run: carried_out(store, run), standing=self._stand,
            check=lambda: check_and_log(store), check_every=interval(store.settings.evidence.verify_every),
        )  # fmt: skip
        self.answers.next_runs = self.schedule.next_runs
        self.app = create_app(store, self.answers)

    def _stand(self) -> None:
        self.app.state.refusals.flush()
        self.store.projections.catch_up()
        settings = self.store.settings
        try:
            announce_changes(self.store, self.answers)
        finally:
            # Whoever is to be told being out of reach keeps nobody from vouching.
            vouch(self.store.log, settings.home / "log", settings.evidence, self.store.clock())

    def run(self, host: str, port: int) -> None:
        """Serve until interrupted. Raises StoreUnavailable where the address is taken."""
        _refuse_a_taken_address(host, port)
        config = uvicorn.Config(
            self.app, host=host, port=port, log_level=logging.WARNING, access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS, server_header=False,
        )  # fmt: skip
        self.schedule.start()
        if threading.current_thread() is threading.main_thread():
            # uvicorn raises the signal again once it has ended; what is left to do is done before leaving.
            signal.signal(signal.SIGTERM, _leave)
        try:
            uvicorn.Server(config).run()
        finally:
            self.schedule.stop()
            self.app.state.refusals.flush(closing=True)


def _leave(*_: object) -> None:
    raise SystemExit(0)


def _refuse_a_taken_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            message = f"{host}:{port} cannot be listened on: {error.strerror}. Choose another with --port."
            raise StoreUnavailable(message, field="--port") from error
