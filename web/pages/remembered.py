"""What pages remember between requests, in memory alone: the last basis, time lines under way, answers looked up.

A page always says as of which instant it is; remembering only lets several pages share one.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.datastructures import State

from compliance.answers import Answers, Basis
from compliance.assessment import Span
from compliance.canonical import Json
from compliance.errors import NotFound

SHARED_FOR = timedelta(seconds=60)
"""How long pages share one basis while nothing new is in the log."""
WAITS_SECONDS = 2.0
"""How long a page waits for time lines that are being worked out."""
ANSWERS_KEPT = 200
ANSWERS_KEPT_FOR = timedelta(hours=1)
LINES_KEPT = 8

Lines = Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True)
class LookedUp:
    """The answer of one lookup, for the person who asked."""

    answer: Mapping[str, Json]
    who: str
    reason: str
    asked_at: datetime


class Remembered:
    """The memory of one application. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._basis: Basis | None = None
        self._lines: OrderedDict[Basis, threading.Thread] = OrderedDict()
        self._answers: OrderedDict[str, LookedUp] = OrderedDict()

    # --- the basis -------------------------------------------------------------------------------

    def recent(self, answers: Answers) -> Basis:
        """A basis of now: at most a minute old, and never older than the last entry."""
        held, size = self._basis, answers.store.log.size
        if (
            held is not None
            and held.log_size == size
            and timedelta() <= answers.store.clock() - held.at <= SHARED_FOR
        ):
            return held
        self._basis = made = answers.basis()
        return made

    # --- time lines ------------------------------------------------------------------------------

    def lines(self, answers: Answers, basis: Basis, wait: float | None = WAITS_SECONDS) -> Lines | None:
        """The time lines of all controls, or None while they are being worked out in the background.

        One set at a time: working out several at once would only make each later.
        """
        with self._lock:
            worker = self._lines.get(basis)
            if worker is None:
                if any(other.is_alive() for other in self._lines.values()):
                    return None
                worker = threading.Thread(
                    target=answers.timelines, args=(basis,), daemon=True, name="time-lines"
                )
                self._lines[basis] = worker
                worker.start()
                while len(self._lines) > LINES_KEPT:
                    self._lines.popitem(last=False)
        worker.join(wait)
        return None if worker.is_alive() else answers.timelines(basis)

    def finish(self) -> None:
        """Wait for what is being worked out in the background."""
        for worker in list(self._lines.values()):
            worker.join()

    # --- answers ---------------------------------------------------------------------------------

    def keep_answer(self, looked_up: LookedUp) -> str:
        """Keep an answer for the person who asked, and return the name to find it by."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._answers[name] = looked_up
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        return name

    def answer(self, name: str, who: str, now: datetime) -> LookedUp:
        """An answer that this person looked up within the last hour. Raises NotFound."""
        with self._lock:
            found = self._answers.get(name)
        if found is None or found.who != who or now - found.asked_at > ANSWERS_KEPT_FOR:
            raise NotFound(
                "This answer is not kept any more, or was looked up by somebody else; look it up again."
            )
        return found


_MAKING = threading.Lock()


def remembered_by(state: State) -> Remembered:
    """The memory of an application, made at its first page."""
    with _MAKING:
        found: Remembered | None = getattr(state, "remembered", None)
        if found is None:
            found = state.remembered = Remembered()
        return found
