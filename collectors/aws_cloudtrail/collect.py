"""Collects CloudTrail of one account: the trails, whether they record, and what."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime

from collectors.aws.access import permitted
from collectors.aws.asking import Asker
from collectors.aws.regions import Askers, PagesByToken
from collectors.aws.session import PATIENT, Account, Patience, Place, open_account
from collectors.aws_cloudtrail.read import shown_by
from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from compliance.canonical import Json
from compliance.errors import SourceFailed
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("cloudtrail_trail",)
ASKED_OF_EACH: tuple[tuple[str, str], ...] = (
    ("GetTrail", "Name"), ("GetTrailStatus", "Name"), ("GetEventSelectors", "TrailName"),
    ("GetInsightSelectors", "TrailName"),
)  # fmt: skip
"""Each operation that is asked about a trail, and how it names the trail."""


class CloudTrailCollector:
    """CloudTrail of the account that the credentials, or the role, belong to. Its scope is the account.

    One region lists the trails of all; each is asked about in its home region.
    """

    kind = "aws-cloudtrail/1"
    name = CollectorName("aws-cloudtrail", "1")

    def __init__(
        self, *, region: str, clock: Callable[[], datetime], endpoint_url: str | None = None,
        role_arn: str | None = None, patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        self._place = Place(region, endpoint_url, role_arn, patience)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every trail once. Raises SourceFailed where not even the account can be named."""
        account = open_account(self._place, self._clock)
        with ExitStack() as clients:
            yield from _Run(account, clients, Tally(account.account, FACTS)).answers()

    def check(self) -> Sequence[Access]:
        """Ask each call once, about the first trail that is listed."""
        account = open_account(self._place, self._clock)
        with ExitStack() as clients:
            askers = Askers(account, clients, "cloudtrail", account.account)
            listing = askers.of(self._place.region).ask("ListTrails")
            answers = [listing]
            for arn, region in list(_trails(listing.said).items())[:1]:
                asker = askers.of(region)
                answers += [asker.ask(operation, {named: arn}) for operation, named in ASKED_OF_EACH]
            return [permitted(answer, shown_by(answer.action), account.caller) for answer in answers]


class _Run:
    """One run over one account.

    1. List the trails of every region.
    2. Of each, in its home region, ask for its settings, its status and its selectors.
    3. List them again: the control total. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, account: Account, clients: ExitStack, tally: Tally) -> None:
        self._region = account.place.region
        self._askers = Askers(account, clients, "cloudtrail", account.account)
        self._tally = tally
        self._asked: set[str] = set()

    def answers(self) -> Iterator[Response | Coverage]:
        try:
            yield from reconciled(self._tally, "trails", self._everything, self._trails)
        except SourceFailed as error:
            self._tally.truncated = True
            self._tally.gap(error.message)
        yield self._tally.coverage(expected=self._tally.total_after)

    def _everything(self, moment: str) -> Step[dict[str, str]]:
        trails = yield from self._trails(moment)  # 1
        for arn, region in sorted((trails or {}).items()):  # 2
            if arn not in self._asked:
                yield from self._trail(self._askers.of(region), arn)
                self._asked.add(arn)
                self._tally.got += 1
        return trails

    def _trails(self, moment: str) -> Step[dict[str, str]]:
        pages = PagesByToken(self._askers.of(self._region), "ListTrails", {}, {"moment": moment}, "Trails")
        found: dict[str, str] = {}
        for answer in pages:
            yield answer.response
            found |= _trails(answer.said)
        return found if pages.end(self._tally) else None

    def _trail(self, asker: Asker, arn: str) -> Iterator[Response]:
        for operation, named in ASKED_OF_EACH:
            answer = asker.ask(operation, {named: arn}, resource=arn)
            yield answer.response
            if answer.problem and answer.problem.code != "InsightNotEnabledException":
                self._tally.miss(answer.action, answer.problem, whole=False)


def _trails(said: dict[str, Json]) -> dict[str, str]:
    trails = said.get("Trails")
    return {
        str(trail["TrailARN"]): str(trail["HomeRegion"])
        for trail in (trails if isinstance(trails, list) else [])
        if isinstance(trail, dict) and {"TrailARN", "HomeRegion"} <= set(trail)
    }
