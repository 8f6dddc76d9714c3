"""Going through the pages of a listing, and ending a run so that it always accounts for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from collectors.coverage import Tally
from collectors.problems import Problem
from collectors.rest.asking import Answer, RestAsker
from compliance.canonical import Json
from compliance.errors import InputRefused, SourceFailed
from compliance.evidence import Access, Coverage, Response

PAGES_AT_MOST = 10_000
Request: TypeAlias = tuple[str, Mapping[str, Json]]
"""A path and its parameters."""
Advance: TypeAlias = Callable[[Answer, Request], "Request | None"]
"""The request for the page after an answer; None after the last. Raises InputRefused where it cannot tell."""


def by_link(answer: Answer, _request: Request) -> Request | None:
    """The next page as a Link header names it (RFC 8288)."""
    if not answer.following:
        return None
    parts = urlsplit(answer.following)
    return parts.path, dict(parse_qsl(parts.query, keep_blank_values=True))


@dataclass
class Pages:
    """The pages of one listing as they came; whole only if the last one was reached without a problem."""

    asker: RestAsker
    operation: str
    first: Request
    scope: str
    advance: Advance = by_link
    about: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    problem: Problem | None = None
    why: str = "never came to a last page"

    def __iter__(self) -> Iterator[Answer]:
        """Ask page after page. One that comes twice, or has a problem, ends the listing unwhole."""
        request: Request | None = self.first
        asked: set[str] = set()
        while request is not None and len(asked) < PAGES_AT_MOST:
            path, parameters = request
            if repr((path, sorted(parameters.items()))) in asked:
                return
            asked.add(repr((path, sorted(parameters.items()))))
            answer = self.asker.ask(self.operation, path, parameters, scope=self.scope, **self.about)
            self.problem = answer.problem
            yield answer
            if self.problem:
                return
            try:
                request = self.advance(answer, request)
            except InputRefused as error:
                self.why = f"gave a page that does not say how to go on: {error.message}"
                return
        self.whole = request is None

    def end(self, tally: Tally, *, whole: bool = True) -> bool:
        """Note in the tally how the listing ended; whether it was seen whole."""
        action = f"{self.asker.service}:{self.operation}"
        if self.problem:
            tally.miss(action, self.problem, whole=whole)
        elif not self.whole:
            tally.gap(f"{action} {self.why}")
        tally.truncated |= not self.whole
        return self.whole


def accounted(tally: Tally, answers: Iterator[Response]) -> Iterator[Response | Coverage]:
    """The answers, then the account of the scope, also where the source was lost in the middle."""
    try:
        yield from answers
    except SourceFailed as error:
        tally.truncated = True
        tally.gap(error.message)
    yield tally.coverage()


def access(answer: Answer, facts: Sequence[str], detail: str = "") -> Access:
    """Whether a request is permitted; that there is no such thing is no refusal."""
    problem = answer.problem
    permitted = problem is None or problem.kind in ("absent", "unsupported")
    said = detail if permitted or problem is None else problem.phrase(answer.action)
    return Access(answer.action, permitted, said, () if permitted else tuple(facts))


def accesses(
    tries: Sequence[tuple[Callable[[], Answer], Sequence[str]]], action: str, facts: Sequence[str]
) -> list[Access]:
    """Each request tried once; where the source is lost, what was not tried is refused with it."""
    found: list[Access] = []
    try:
        for ask, shown in tries:
            found.append(access(ask(), shown))
    except SourceFailed as error:
        found.append(Access(action, permitted=False, detail=error.message, facts=tuple(facts)))
    return found
