"""Collects OpenLineage events from Marquez: those of the last seven days, literals in SQL masked as at intake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collectors.coverage import Tally
from collectors.lineage.accept import FORM
from collectors.pushed.accepting import accept
from collectors.pushed.redaction import Cleaner
from collectors.reconciling import Step, reconciled
from collectors.rest.asking import PATIENT, Answer, Api, Patience, RestAsker
from collectors.rest.pages import Pages, Request, accesses, accounted
from compliance.canonical import Json, format_time
from compliance.errors import InputRefused, MunimentError
from compliance.evidence import Access, CollectorName, Coverage, Response

SCOPE = "events"
FACTS = ("lineage",)
PATH = "api/v1/events/lineage"
PAGE = 100
WINDOW = timedelta(days=7)
"""What was taken stays; a run asks again for the days in which a late event may have been filed."""


class MarquezCollector:
    """One Marquez. Its one scope is its events."""

    kind = "marquez/1"
    name = CollectorName("marquez", "1")

    def __init__(
        self, *, url: str, clock: Callable[[], datetime], token: str | None = None, patience: Patience = PATIENT,
        cleaner: Cleaner | None = None,
    ) -> None:  # fmt: skip
        self._api = Api("marquez", url, token, patience=patience)
        self._clock = clock
        self._cleaner = cleaner or Cleaner(_no_key)

    def collect(self) -> Iterator[Response | Coverage]:
        """The events of the window. Raises InputRefused for an address that may not be asked."""
        asker = RestAsker(self._api, self._clock)
        tally = Tally(SCOPE, FACTS)
        day = (self._clock() - WINDOW).replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            yield from accounted(tally, _Run(asker, tally, day, self._cleaner).answers())
        finally:
            asker.close()

    def check(self) -> Sequence[Access]:
        """Ask for one event."""
        asker = RestAsker(self._api, self._clock)
        try:
            return accesses(
                [(lambda: asker.ask("events", PATH, {"limit": 1}, scope=SCOPE), FACTS)],
                "marquez:events",
                FACTS,
            )
        finally:
            asker.close()


class _Run:
    """One run over the events since the first day of the window.

    1. Walk the pages, the oldest first, so that a page that is full never changes.
    2. Ask for the total again. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, asker: RestAsker, tally: Tally, since: datetime, cleaner: Cleaner) -> None:
        self._asker = asker
        self._tally = tally
        self._asked: dict[str, Json] = {
            "after": format_time(since),
            "sortDirection": "asc",
            "limit": PAGE,
            "offset": 0,
        }
        self._cleaner = cleaner

    def answers(self) -> Iterator[Response]:
        yield from reconciled(self._tally, "events", self._listing, self._total)

    def _listing(self, moment: str) -> Step[int]:
        pages = Pages(self._asker, "events", (PATH, self._asked), SCOPE, _following, {"moment": moment})
        got = 0
        for answer in pages:
            self._tally.pages += 1
            if answer.problem:
                yield answer.response
                continue
            events = _events(answer)
            got += len(events)
            yield self._kept(answer, events)
        self._tally.got = got
        return got if pages.end(self._tally) else None

    def _total(self, moment: str) -> Step[int]:
        answer = self._asker.ask("events", PATH, {**self._asked, "limit": 1}, scope=SCOPE, moment=moment)
        yield replace(answer.response, body=b"[]") if answer.problem is None else answer.response
        if answer.problem:
            self._tally.miss(answer.action, answer.problem, whole=True)
            return None
        try:
            self._tally.expected = _stated(answer)
        except InputRefused as error:
            self._tally.gap(f"{answer.action}: {error.message}")
        return self._tally.expected

    def _kept(self, answer: Answer, events: Sequence[Json]) -> Response:
        """The page's events as a JSON array, each cleaned as one that is sent to us would be."""
        texts: list[str] = []
        taken_out: set[str] = set()
        for event in events:
            raw = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")
            try:
                accepted = accept(raw, FORM, self._cleaner, only_object=True)
            except MunimentError as error:
                self._tally.gap(
                    f"{answer.action}: an event cannot be read as one of OpenLineage: {error.message}"
                )
                continue
            taken_out |= {f"{one.kind} taken out" for item in accepted.items for one in item.redactions}
            texts.append(accepted.body.decode("utf-8", "surrogatepass"))
        body = f"[{','.join(texts)}]".encode("utf-8", "surrogatepass")
        return replace(answer.response, body=body, redactions=tuple(sorted(taken_out)))


def _events(answer: Answer) -> list[Json]:
    found = answer.said.get("events") if isinstance(answer.said, dict) else None
    return found if isinstance(found, list) else []


def _stated(answer: Answer) -> int:
    total = answer.said.get("totalCount") if isinstance(answer.said, dict) else None
    if isinstance(total, bool) or not isinstance(total, int):
        raise InputRefused("it states no totalCount")
    return total


def _following(answer: Answer, request: Request) -> Request | None:
    path, parameters = request
    listed, offset = len(_events(answer)), int(parameters["offset"])
    if offset + listed >= _stated(answer):
        return None
    if not listed:
        raise InputRefused(f"{offset} of {_stated(answer)} were listed, and then none")
    return path, {**parameters, "offset": offset + listed}


def _no_key(_key_space: str, _key: str) -> str:
    raise InputRefused("an OpenLineage event names no record by key", field="key")
