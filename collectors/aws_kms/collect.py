"""Collects KMS of one account, region by region: the listing, and of each key what it is and allows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime

from collectors.aws.asking import KMS_PAGING, Answer, Asker, Walk
from collectors.aws.session import PATIENT, Account, Patience, Place, open_account
from collectors.aws_kms.rotation import rotates
from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from compliance.canonical import Json
from compliance.errors import SourceFailed
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("kms_key",)
PAGE = 1000
ASKED_OF_EACH: tuple[tuple[str, dict[str, Json]], ...] = (
    ("GetKeyPolicy", {"PolicyName": "default"}),
    ("ListResourceTags", {"Limit": 50}),
    ("ListAliases", {"Limit": 100}),
)
"""What is asked of every key beside its description. A key has at most 50 tags and 50 aliases."""
NO_KEY = "00000000-0000-0000-0000-000000000000"


class KmsCollector:
    """KMS of the account that the credentials, or the role, belong to. Each scope is ACCOUNT/REGION."""

    kind = "aws-kms/1"
    name = CollectorName("aws-kms", "1")

    def __init__(
        self, *, regions: Sequence[str], clock: Callable[[], datetime], endpoint_url: str | None = None,
        role_arn: str | None = None, patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        self._regions = tuple(dict.fromkeys(regions))
        self._place = Place(self._regions[0], endpoint_url, role_arn, patience)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every region once. Raises SourceFailed where not even the account can be named."""
        account = open_account(self._place, self._clock)
        for region in self._regions:
            tally = Tally(f"{account.account}/{region}", FACTS)
            with account.client("kms", region) as client:
                yield from _Run(_asker(client, account, region), tally).answers()

    def check(self) -> Sequence[Access]:
        """Ask each call once per region, about the first key that is listed."""
        account = open_account(self._place, self._clock)
        rights: list[Access] = []
        for region in self._regions:
            with account.client("kms", region) as client:
                rights += _rights(_asker(client, account, region), region)
        return rights


def _asker(client: object, account: Account, region: str) -> Asker:
    return Asker(client, account, service="kms", region=region, scope=f"{account.account}/{region}")


def _rights(asker: Asker, region: str) -> Iterator[Access]:
    listing = asker.ask("ListKeys", {"Limit": 1})
    keys = _keys(listing.said)
    key = keys[0]["KeyId"] if keys else NO_KEY
    yield _access(listing, region)
    for operation, parameters in (("DescribeKey", {}), ("GetKeyRotationStatus", {}), *ASKED_OF_EACH):
        yield _access(asker.ask(operation, {"KeyId": key, **parameters}), region)


def _access(answer: Answer, region: str) -> Access:
    """Whether it was permitted; that there is no such key, or that it cannot rotate, was no refusal."""
    problem = answer.problem
    permitted = problem is None or problem.kind in ("absent", "unsupported")
    detail = region if permitted or problem is None else f"{region}: {problem.phrase(answer.action)}"
    return Access(answer.action, permitted, detail, () if permitted else FACTS)


class _Run:
    """One run over one region.

    1. Walk the listing of keys.
    2. Of each key ask for its description, its policy, its tags and its aliases, and for its
       rotation where the description does not rule rotation out.
    3. Walk the listing again: the control total. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, asker: Asker, tally: Tally) -> None:
        self._asker = asker
        self._tally = tally
        self._asked: set[str] = set()

    def answers(self) -> Iterator[Response | Coverage]:
        try:
            yield from reconciled(self._tally, "keys", self._everything, self._listing)
        except SourceFailed as error:
            self._tally.truncated = True
            self._tally.gap(error.message)
        yield self._tally.coverage(expected=self._tally.total_after)

    def _everything(self, moment: str) -> Step[dict[str, str]]:
        keys = yield from self._listing(moment)  # 1
        for arn, key_id in (keys or {}).items():  # 2
            if arn not in self._asked:
                yield from self._key(arn, key_id)
                self._asked.add(arn)
                self._tally.got += 1
        return keys

    def _listing(self, moment: str) -> Step[dict[str, str]]:
        walk = Walk(self._asker, "ListKeys", KMS_PAGING, PAGE, {"moment": moment})
        found: dict[str, str] = {}
        for answer in walk:
            self._tally.pages += 1
            yield answer.response
            found |= {str(key["KeyArn"]): str(key["KeyId"]) for key in _keys(answer.said)}
        if walk.problem:
            self._tally.miss("kms:ListKeys", walk.problem, whole=True)
        elif not walk.whole:
            self._tally.gap("kms:ListKeys never came to a last page")
        self._tally.truncated |= not walk.whole
        return found if walk.whole else None

    def _key(self, arn: str, key_id: str) -> Iterator[Response]:
        described = yield from self._about(arn, key_id, "DescribeKey", {})
        if described.problem or rotates(described.said) is not False:
            yield from self._about(arn, key_id, "GetKeyRotationStatus", {})
        for operation, parameters in ASKED_OF_EACH:
            yield from self._about(arn, key_id, operation, parameters)

    def _about(
        self, arn: str, key_id: str, operation: str, parameters: dict[str, Json]
    ) -> Generator[Response, None, Answer]:
        answer = self._asker.ask(operation, {"KeyId": key_id, **parameters}, resource=arn)
        yield answer.response
        if answer.problem and answer.problem.kind != "unsupported":
            self._tally.miss(answer.action, answer.problem, whole=False)
        return answer


def _keys(said: dict[str, Json]) -> list[dict[str, Json]]:
    keys = said.get("Keys")
    if not isinstance(keys, list):
        return []
    return [key for key in keys if isinstance(key, dict) and {"KeyArn", "KeyId"} <= set(key)]
