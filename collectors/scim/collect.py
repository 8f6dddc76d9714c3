"""Collects a SCIM 2.0 directory: its users and its groups, page by page (RFC 7644, section 3.4.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from collectors.rest.asking import PATIENT, Answer, Api, Patience, RestAsker
from collectors.rest.pages import Pages, Request, accesses, accounted
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

PAGE = 100
SCOPES = {"users": ("Users", "directory_user"), "groups": ("Groups", "directory_group")}
"""Scope → the resource's endpoint and the fact that it shows. One denied does not hide the other."""
NOT_ASKED_FOR = (
    "addresses,displayName,emails,ims,name,nickName,phoneNumbers,photos,profileUrl,x509Certificates"
)
"""What no check needs is not asked for: it would only be kept."""
SCIM_JSON = "application/scim+json"


class ScimCollector:
    """One identity provider. Its observations must be sealed."""

    kind = "scim/1"
    name = CollectorName("scim", "1")

    def __init__(
        self,
        *,
        url: str,
        clock: Callable[[], datetime],
        token: str | None = None,
        patience: Patience = PATIENT,
    ) -> None:
        self._api = Api("scim", url, token, headers={"Accept": SCIM_JSON}, patience=patience)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Users, then groups. Raises InputRefused for an address that may not be asked."""
        for scope, (endpoint, fact) in SCOPES.items():
            asker = RestAsker(self._api, self._clock)
            try:
                tally = Tally(scope, (fact,))
                yield from accounted(tally, _Run(asker, tally, scope, endpoint).answers())
            finally:
                asker.close()

    def check(self) -> Sequence[Access]:
        """Ask for one user and one group."""
        asker = RestAsker(self._api, self._clock)
        facts = [fact for _, fact in SCOPES.values()]
        try:
            tries = [
                (lambda e=endpoint, s=scope: asker.ask(e, e, {"startIndex": 1, "count": 1}, scope=s), (fact,))
                for scope, (endpoint, fact) in SCOPES.items()
            ]
            return accesses(tries, "scim:Users", facts)
        finally:
            asker.close()


class _Run:
    """One run over one kind of resource.

    1. Walk the pages; a page shorter than asked for is not the last before the stated total is reached.
    2. Ask for the total again. Where it moved, or is not what was listed, go back to 1, at most three times.
    """

    def __init__(self, asker: RestAsker, tally: Tally, scope: str, endpoint: str) -> None:
        self._asker = asker
        self._tally = tally
        self._scope = scope
        self._endpoint = endpoint

    def answers(self) -> Iterator[Response]:
        yield from reconciled(self._tally, self._scope, self._listing, self._total)

    def _listing(self, moment: str) -> Step[int]:
        first: dict[str, Json] = {
            "startIndex": 1, "count": PAGE, **({"excludedAttributes": NOT_ASKED_FOR} if self._scope == "users" else {}),
        }  # fmt: skip
        pages = Pages(
            self._asker, self._endpoint, (self._endpoint, first), self._scope, _following, {"moment": moment}
        )
        ids: set[str] = set()
        for answer in pages:
            self._tally.pages += 1
            yield answer.response
            ids |= {str(one.get("id")) for one in _resources(answer)}
        self._tally.got = len(ids)
        return len(ids) if pages.end(self._tally) else None

    def _total(self, moment: str) -> Step[int]:
        answer = self._asker.ask(
            self._endpoint, self._endpoint, {"startIndex": 1, "count": 0}, scope=self._scope, moment=moment
        )
        yield answer.response
        if answer.problem:
            self._tally.miss(answer.action, answer.problem, whole=True)
            return None
        try:
            self._tally.expected = _stated(answer)
        except InputRefused as error:
            self._tally.gap(f"{answer.action}: {error.message}")
        return self._tally.expected


def _following(answer: Answer, request: Request) -> Request | None:
    path, parameters = request
    listed = len(_resources(answer))
    total, start = _stated(answer), int(parameters["startIndex"])
    if start + listed > total:
        return None
    if not listed:
        raise InputRefused(f"{start - 1} of {total} were listed, and then none")
    return path, {**parameters, "startIndex": start + listed}


def _stated(answer: Answer) -> int:
    total = answer.said.get("totalResults") if isinstance(answer.said, dict) else None
    if isinstance(total, bool) or not isinstance(total, int):
        raise InputRefused("it states no totalResults")
    return total


def _resources(answer: Answer) -> list[dict[str, Json]]:
    found = answer.said.get("Resources", []) if isinstance(answer.said, dict) else []
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
