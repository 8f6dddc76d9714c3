"""Collects Secrets Manager of one account, region by region: descriptions and policies, never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime

from collectors.aws.access import permitted
from collectors.aws.asking import Asker
from collectors.aws.regions import Askers, PagesByToken
from collectors.aws.session import PATIENT, Patience, Place, open_account
from collectors.aws_secretsmanager.read import shown_by
from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from compliance.canonical import Json
from compliance.errors import SourceFailed
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("secret",)
PAGE = 100
ASKED_OF_EACH = ("DescribeSecret", "GetResourcePolicy")


class SecretsManagerCollector:
    """Secrets Manager of the account of the credentials or the role. Each scope is ACCOUNT/REGION."""

    kind = "aws-secretsmanager/1"
    name = CollectorName("aws-secretsmanager", "1")

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
            scope = f"{account.account}/{region}"
            with ExitStack() as clients:
                asker = Askers(account, clients, "secretsmanager", scope).of(region)
                yield from _Run(asker, Tally(scope, FACTS)).answers()

    def check(self) -> Sequence[Access]:
        """Ask each call once per region, about the first secret that is listed."""
        account = open_account(self._place, self._clock)
        found: list[Access] = []
        for region in self._regions:
            with ExitStack() as clients:
                asker = Askers(account, clients, "secretsmanager", account.account).of(region)
                answers = [asker.ask("ListSecrets", {"MaxResults": 1})]
                for arn in _secrets(answers[0].said)[:1]:
                    answers += [asker.ask(operation, {"SecretId": arn}) for operation in ASKED_OF_EACH]
                found += [
                    permitted(answer, shown_by(answer.action), account.caller, region) for answer in answers
                ]
        return found


class _Run:
    """One run over one region.

    1. List the secrets, those that wait for their deletion included.
    2. Of each ask for its description and its policy.
    3. List them again: the control total. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, asker: Asker, tally: Tally) -> None:
        self._asker = asker
        self._tally = tally
        self._asked: set[str] = set()

    def answers(self) -> Iterator[Response | Coverage]:
        try:
            yield from reconciled(self._tally, "secrets", self._everything, self._secrets)
        except SourceFailed as error:
            self._tally.truncated = True
            self._tally.gap(error.message)
        yield self._tally.coverage(expected=self._tally.total_after)

    def _everything(self, moment: str) -> Step[set[str]]:
        secrets = yield from self._secrets(moment)  # 1
        for arn in sorted((secrets or set()) - self._asked):  # 2
            for operation in ASKED_OF_EACH:
                answer = self._asker.ask(operation, {"SecretId": arn}, resource=arn)
                yield answer.response
                if answer.problem:
                    self._tally.miss(answer.action, answer.problem, whole=False)
            self._asked.add(arn)
            self._tally.got += 1
        return secrets

    def _secrets(self, moment: str) -> Step[set[str]]:
        asked: dict[str, Json] = {"MaxResults": PAGE, "IncludePlannedDeletion": True}
        pages = PagesByToken(self._asker, "ListSecrets", asked, {"moment": moment}, "SecretList")
        found: set[str] = set()
        for answer in pages:
            yield answer.response
            found |= set(_secrets(answer.said))
        return found if pages.end(self._tally) else None


def _secrets(said: dict[str, Json]) -> list[str]:
    secrets = said.get("SecretList")
    return [
        str(secret["ARN"])
        for secret in (secrets if isinstance(secrets, list) else [])
        if isinstance(secret, dict) and "ARN" in secret
    ]
