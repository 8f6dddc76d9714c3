"""Collects S3 of one account: the listing of buckets, and of each what guards it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime

from collectors.aws.access import permitted
from collectors.aws.asking import Answer
from collectors.aws.regions import Askers
from collectors.aws.session import PATIENT, Account, Patience, Place, open_account
from collectors.aws_s3.content import content, every, one
from collectors.aws_s3.read import ASKED_OF_EACH, HOME_REGION, location_of, shown_by
from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from compliance.canonical import Json
from compliance.errors import InputRefused, SourceFailed
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("s3_bucket",)
PAGE = 1000
PAGES_AT_MOST = 100
"""An account has at most 100,000 buckets."""


class S3Collector:
    """S3 of the account that the credentials, or the role, belong to. Its scope is the account."""

    kind = "aws-s3/1"
    name = CollectorName("aws-s3", "1")

    def __init__(
        self, *, region: str, clock: Callable[[], datetime], endpoint_url: str | None = None,
        role_arn: str | None = None, patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        self._place = Place(region, endpoint_url, role_arn, patience)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every bucket once. Raises SourceFailed where not even the account can be named."""
        account = open_account(self._place, self._clock)
        with ExitStack() as clients:
            yield from _Run(account, clients, Tally(account.account, FACTS)).answers()

    def check(self) -> Sequence[Access]:
        """Ask each call once, about the first bucket that is listed."""
        account = open_account(self._place, self._clock)
        with ExitStack() as clients:
            asker = Askers(account, clients, "s3", account.account, content).of(self._place.region)
            listing = asker.ask("ListBuckets", {"MaxBuckets": 1})
            answers = [listing]
            for bucket in _buckets(listing.said)[:1]:
                operations = ("GetBucketLocation", *ASKED_OF_EACH)
                answers += [asker.ask(operation, {"Bucket": bucket}) for operation in operations]
            return [permitted(answer, shown_by(answer.action), account.caller) for answer in answers]


class _Run:
    """One run over one account.

    1. List the buckets.
    2. Of each bucket ask where it lies, and there for everything that guards it; of a bucket to which
       it is copied, where that lies.
    3. List the buckets again: the control total. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, account: Account, clients: ExitStack, tally: Tally) -> None:
        self._account = account
        self._askers = Askers(account, clients, "s3", account.account, content)
        self._tally = tally
        self._asked: set[str] = set()

    def answers(self) -> Iterator[Response | Coverage]:
        try:
            yield from reconciled(self._tally, "buckets", self._everything, self._names)
        except SourceFailed as error:
            self._tally.truncated = True
            self._tally.gap(error.message)
        yield self._tally.coverage(expected=self._tally.total_after)

    def _everything(self, moment: str) -> Step[set[str]]:
        names = yield from self._names(moment)  # 1
        for name in sorted((names or set()) - self._asked):  # 2
            yield from self._bucket(name)
            self._asked.add(name)
            self._tally.got += 1
        return names

    def _names(self, moment: str) -> Step[set[str]]:
        names: set[str] = set()
        token = ""
        for _ in range(PAGES_AT_MOST):
            asked: dict[str, Json] = {"MaxBuckets": PAGE} | ({"ContinuationToken": token} if token else {})
            answer = self._askers.of(self._account.place.region).ask("ListBuckets", asked, moment=moment)
            self._tally.pages += 1
            yield answer.response
            if answer.problem:
                self._tally.miss(answer.action, answer.problem, whole=True)
                self._tally.truncated = True
                return None
            found = _buckets(answer.said)
            if "Buckets" not in answer.said or set(found) & names:
                break
            names |= set(found)
            token = str(one(answer.said, "ContinuationToken") or "")
            if not token:
                return names
        self._tally.truncated = True
        self._tally.gap("s3:ListBuckets gave no list of buckets, or never came to a last page")
        return None

    def _bucket(self, name: str) -> Iterator[Response]:
        arn = f"arn:{self._account.caller.split(':')[1]}:s3:::{name}"
        located = self._ask(HOME_REGION, "GetBucketLocation", name, arn)
        yield located.response
        try:
            region = location_of(located.said) if located.problem is None else HOME_REGION
        except InputRefused:
            region = HOME_REGION
        for operation in ASKED_OF_EACH:
            answer = self._ask(region, operation, name, arn, joined=_joined(operation, arn))
            yield answer.response
            if operation == "GetBucketReplication" and answer.problem is None:
                for destination in _destinations(answer.said):
                    yield self._ask(HOME_REGION, "GetBucketLocation", destination, arn,
                                    joined=_joined(operation, arn), moment="destination").response  # fmt: skip

    def _ask(self, region: str, operation: str, bucket: str, arn: str, **about: str) -> Answer:
        answer = self._askers.of(region).ask(operation, {"Bucket": bucket}, resource=arn, **about)
        if answer.problem and answer.problem.kind != "absent":
            self._tally.miss(answer.action, answer.problem, whole=False)
        return answer


def _joined(operation: str, arn: str) -> str:
    return arn if operation == "GetBucketReplication" else ""


def _buckets(said: dict[str, Json]) -> list[str]:
    try:
        return [
            str(name) for bucket in every(one(said, "Buckets"), "Bucket") if (name := one(bucket, "Name"))
        ]
    except InputRefused:
        return []


def _destinations(said: dict[str, Json]) -> list[str]:
    try:
        found = {str(one(rule, "Destination", "Bucket") or "") for rule in every(said, "Rule")}
    except InputRefused:
        return []
    return sorted(arn.rsplit(":", 1)[-1] for arn in found if arn)
