"""Collects IAM of one account: summary, authorization details, roles, credential report, password policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from collectors.aws.asking import IAM_PAGING, Answer, Asker, Walk
from collectors.aws.content import listed
from collectors.aws.session import PATIENT, Account, Patience, Place, open_account
from collectors.coverage import Tally
from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused, SourceFailed
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("iam_account", "iam_role", "iam_user")
PAGE = 200
"""Entities per page: documents of this many stay well below the size of one observation."""
REPORT_TRIES = 10
REPORT_PAUSE = 2.0
"""Seconds between two looks for a credential report that is being generated."""
NOT_YET = frozenset({"ReportNotPresent", "ReportInProgress", "ReportExpired"})
RIGHTS: tuple[tuple[str, dict[str, Json], tuple[str, ...]], ...] = (
    ("GetAccountSummary", {}, ("iam_account",)),
    ("GetAccountAuthorizationDetails", {"MaxItems": 1}, FACTS),
    ("ListRoles", {"MaxItems": 1}, ("iam_role",)),
    ("GenerateCredentialReport", {}, ("iam_user",)),
    ("GetCredentialReport", {}, ("iam_user",)),
    ("GetAccountPasswordPolicy", {}, ("iam_account",)),
)
"""Each call that a run needs, as little as it can be asked for, and the facts it brings."""


class IamCollector:
    """IAM of the account that the credentials, or the role to assume, belong to. Its scope is the account."""

    kind = "aws-iam/1"
    name = CollectorName("aws-iam", "1")

    def __init__(
        self, *, region: str, clock: Callable[[], datetime], endpoint_url: str | None = None,
        role_arn: str | None = None, patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        self._place = Place(region, endpoint_url, role_arn, patience)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Everything once. Raises SourceFailed where not even the account can be named."""
        account = open_account(self._place, self._clock)
        with account.client("iam", self._place.region) as client:
            asker = self._asker(client, account)
            yield from _Run(asker, Tally(account.account, FACTS), self._place.patience.pause).answers()

    def check(self) -> Sequence[Access]:
        """Ask each call once, for as little as it can be asked for."""
        account = open_account(self._place, self._clock)
        with account.client("iam", self._place.region) as client:
            asker = self._asker(client, account)
            return [
                _access(asker.ask(operation, parameters), account, facts)
                for operation, parameters, facts in RIGHTS
            ]

    def _asker(self, client: object, account: Account) -> Asker:
        return Asker(client, account, service="iam", region=self._place.region, scope=account.account)


def _access(answer: Answer, account: Account, facts: tuple[str, ...]) -> Access:
    problem = answer.problem
    permitted = problem is None or problem.kind == "absent" or problem.code in NOT_YET
    detail = f"as {account.caller}" if permitted or problem is None else problem.phrase(answer.action)
    return Access(answer.action, permitted, detail, () if permitted else facts)


class _Run:
    """One run over one account.

    1. Ask for the account summary: the control total before.
    2. Walk the authorization details: users, groups, roles and policies. The pages are joined,
       because what a user may do stands in groups and policies of other pages.
    3. Walk the roles again for what the details leave out: the longest session.
    4. Ask for the tags of users whose details state none.
    5. Have the credential report generated and fetch it.
    6. Ask for the password policy.
    7. Ask for the summary again: the control total after, which must equal what was listed.
    """

    def __init__(self, asker: Asker, tally: Tally, pause: Callable[[float], None]) -> None:
        self._asker = asker
        self._tally = tally
        self._pause = pause
        self._untagged: list[tuple[str, str]] = []

    def answers(self) -> Iterator[Response | Coverage]:
        try:
            yield from self._summary("")  # 1
            yield from self._details()  # 2
            yield from self._roles()  # 3
            yield from self._tags()  # 4
            yield from self._report()  # 5
            yield from self._password_policy()  # 6
            yield from self._summary("after")  # 7
        except SourceFailed as error:
            self._tally.truncated = True
            self._tally.gap(error.message)
        self._reconcile()
        yield self._tally.coverage(expected=self._tally.total_after)

    def _summary(self, moment: str) -> Iterator[Response]:
        answer = self._asker.ask("GetAccountSummary", moment=moment)
        yield answer.response
        if answer.problem:
            self._tally.miss(answer.action, answer.problem, whole=True)
            return
        total = _total(answer.said)
        if total is None:
            self._tally.gap(f"{answer.action} stated no number of users and roles")
        if moment:
            self._tally.total_after = total
        else:
            self._tally.total_before = total

    def _details(self) -> Iterator[Response]:
        walk = Walk(
            self._asker,
            "GetAccountAuthorizationDetails",
            IAM_PAGING,
            PAGE,
            {"joined": "authorization-details"},
        )
        for answer in walk:
            self._tally.pages += 1
            yield answer.response
            users = _named(answer.said, "UserDetailList")
            self._tally.got += len(users) + len(_named(answer.said, "RoleDetailList"))
            self._untagged += [
                (str(user.get("UserName", "")), str(user["Arn"])) for user in users if "Tags" not in user
            ]
        self._end_of(walk)

    def _roles(self) -> Iterator[Response]:
        walk = Walk(self._asker, "ListRoles", IAM_PAGING, PAGE)
        for answer in walk:
            self._tally.pages += 1
            yield answer.response
        self._end_of(walk)

    def _end_of(self, walk: Walk) -> None:
        action = f"iam:{walk.operation}"
        if walk.problem:
            self._tally.miss(action, walk.problem, whole=True)
        elif not walk.whole:
            self._tally.gap(f"{action} never came to a last page")
        self._tally.truncated |= not walk.whole

    def _tags(self) -> Iterator[Response]:
        for name, arn in self._untagged:
            answer = self._asker.ask("ListUserTags", {"UserName": name}, resource=arn)
            yield answer.response
            if answer.problem:
                self._tally.miss(answer.action, answer.problem, whole=False)

    def _report(self) -> Iterator[Response]:
        started = self._asker.ask("GenerateCredentialReport")
        if started.problem:
            yield started.response
            self._tally.miss(started.action, started.problem, whole=False)
        answer = self._asker.ask("GetCredentialReport")
        for _ in range(REPORT_TRIES):
            if started.problem or not (answer.problem and answer.problem.code in NOT_YET):
                break
            self._pause(REPORT_PAUSE)
            answer = self._asker.ask("GetCredentialReport")
        yield _dated(answer)
        if answer.problem:
            self._tally.miss(answer.action, answer.problem, whole=True)

    def _password_policy(self) -> Iterator[Response]:
        answer = self._asker.ask("GetAccountPasswordPolicy")
        yield answer.response
        if answer.problem and answer.problem.code != "NoSuchEntity":
            self._tally.miss(answer.action, answer.problem, whole=False)

    def _reconcile(self) -> None:
        before, after, got = self._tally.total_before, self._tally.total_after, self._tally.got
        if before is not None and after is not None and not before == after == got:
            self._tally.gap(
                f"the account summary counted {before} users and roles before and {after} after, {got} were listed"
            )


def _total(said: dict[str, Json]) -> int | None:
    numbers = said.get("SummaryMap", {})
    try:
        return int(numbers["Users"]) + int(numbers["Roles"])
    except (TypeError, KeyError, ValueError):
        return None


def _named(said: dict[str, Json], list_name: str) -> list[dict[str, Json]]:
    try:
        members = listed(said.get(list_name))
    except InputRefused:
        return []
    return [member for member in members if isinstance(member, dict) and "Arn" in member]


def _dated(answer: Answer) -> Response:
    """The report as evidence of the time at which AWS generated it."""
    if answer.problem:
        return answer.response
    try:
        return replace(answer.response, source_time=parse_time(answer.said.get("GeneratedTime")))
    except InputRefused:
        return answer.response
