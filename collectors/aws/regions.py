"""Askers of several regions, and listings that go on by ``NextToken``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from collectors.aws.asking import PAGES_AT_MOST, Answer, Asker
from collectors.aws.content import Said, content
from collectors.aws.session import Account
from collectors.coverage import Tally
from collectors.problems import Problem
from compliance.canonical import Json


class Askers:
    """One asker for each region of one service, made when it is needed and closed with the stack."""

    def __init__(
        self, account: Account, clients: ExitStack, service: str, scope: str, read: Said = content
    ) -> None:
        self._account = account
        self._clients = clients
        self._service = service
        self._scope = scope
        self._read = read
        self._made: dict[str, Asker] = {}

    def of(self, region: str) -> Asker:
        """The asker of a region. Raises SourceFailed where no client can be made for it."""
        if region not in self._made:
            client = self._clients.enter_context(self._account.client(self._service, region))
            self._made[region] = Asker(
                client,
                self._account,
                service=self._service,
                region=region,
                scope=self._scope,
                read=self._read,
            )
        return self._made[region]


@dataclass
class PagesByToken:
    """The pages of one listing as they came; whole only if the last one named no further one.

    ``members`` names the list that every page must have: what lacks it is no page of the listing.
    """

    asker: Asker
    operation: str
    parameters: Mapping[str, Json]
    about: dict[str, str]
    members: str
    whole: bool = False
    problem: Problem | None = None
    _seen: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Answer]:
        """Ask page after page. A token given twice, or a page with a problem, ends the listing unwhole."""
        token = ""
        while len(self._seen) < PAGES_AT_MOST:
            asked = dict(self.parameters) | ({"NextToken": token} if token else {})
            answer = self.asker.ask(self.operation, asked, **self.about)
            self.problem = answer.problem
            if self.problem is None and not isinstance(answer.said.get(self.members), list):
                self.problem = Problem("unreadable", answer.response.status)
            yield answer
            if self.problem:
                return
            token = str(answer.said.get("NextToken") or "")
            if not token:
                self.whole = True
                return
            if token in self._seen:
                return
            self._seen.add(token)

    def end(self, tally: Tally) -> bool:
        """Note in the tally how the listing ended; whether it was seen whole."""
        action = f"{self.asker.service}:{self.operation}"
        tally.pages += len(self._seen) + 1
        if self.problem:
            tally.miss(action, self.problem, whole=True)
        elif not self.whole:
            tally.gap(f"{action} never came to a last page")
        tally.truncated |= not self.whole
        return self.whole
