"""Collects projects of GitLab: protection of the default branch, and merged merge requests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

from collectors.coverage import Tally
from collectors.forge.running import FACTS, WINDOW, answers
from collectors.reconciling import Step
from collectors.rest.asking import PATIENT, Answer, Api, Patience, RestAsker
from collectors.rest.pages import Pages, Request, accesses, accounted
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

PAGE = 100
FLEETING = frozenset({
    "forks_count", "last_activity_at", "open_issues_count", "star_count", "statistics", "updated_at", "user_notes_count",
    "description_html",
})  # fmt: skip
"""What changes about a project from day to day without saying anything of what guards it."""


class GitlabCollector:
    """Projects of GitLab. Each is a scope; its observations must be sealed."""

    kind = "gitlab/1"
    name = CollectorName("gitlab", "1")

    def __init__(
        self, *, url: str, repositories: Sequence[str], clock: Callable[[], datetime], token: str | None = None,
        patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        base = url if url.rstrip("/").endswith("/api/v4") else f"{url.rstrip('/')}/api/v4"
        self._api = Api("gitlab", base, token, sent_in="PRIVATE-TOKEN", sent_behind="", patience=patience)
        self._repositories = tuple(dict.fromkeys(named(one) for one in repositories))
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every project once. Raises InputRefused for an address that may not be asked."""
        for repository in self._repositories:
            asker = RestAsker(self._api, self._clock)
            tally = Tally(repository, FACTS)
            since = (self._clock() - WINDOW).date().isoformat()
            try:
                yield from accounted(tally, answers(_Project(asker, tally, repository, since), tally))
            finally:
                asker.close()

    def check(self) -> Sequence[Access]:
        """Ask of each project for itself, its protection and one merge request."""
        asker = RestAsker(self._api, self._clock)
        try:
            return [
                access
                for repository in self._repositories
                for access in accesses(_tries(asker, repository), f"gitlab:GET {repository}", FACTS)
            ]
        finally:
            asker.close()


def named(repository: str) -> str:
    """A project as GROUP/…/NAME. Raises InputRefused where it is none."""
    parts = repository.split("/")
    if len(parts) < 2 or not all(part.strip(".") and part.isprintable() for part in parts):  # noqa: PLR2004 (group and name)
        raise InputRefused(f"{repository!r} is no project; expected GROUP/NAME.", field="repositories")
    return repository


def _path(repository: str) -> str:
    return f"projects/{quote(repository, safe='')}"


def _tries(asker: RestAsker, repository: str) -> list[tuple[Callable[[], Answer], Sequence[str]]]:
    def itself() -> Answer:
        return asker.ask("project", _path(repository), scope=repository)

    def protection() -> Answer:
        path = f"{_path(repository)}/protected_branches"
        return asker.ask("protected_branches", path, {"per_page": 1}, scope=repository)

    def requests() -> Answer:
        path = f"{_path(repository)}/merge_requests"
        return asker.ask("merge_requests", path, {"state": "merged", "per_page": 1}, scope=repository)

    guarded = tuple(
        f"repository.{name}" for name in ("protected", "force_push_allowed", "direct_push_allowed")
    )
    return [(itself, FACTS), (protection, guarded), (requests, ("change",))]


class _Project:
    """What is asked of one project (GitLab REST API, version 4)."""

    def __init__(self, asker: RestAsker, tally: Tally, name: str, since: str) -> None:
        self._asker = asker
        self._tally = tally
        self._name = name
        self._since = since

    def repository(self) -> Generator[Response, None, str | None]:
        """Itself, its branch's protection and its rules of approval; read side by side. What GitLab's edition lacks is absent."""
        found = yield from self._one("project", "", self._name, ignoring=FLEETING)
        branch = found.said.get("default_branch") if isinstance(found.said, dict) else None
        if found.problem or not isinstance(branch, str) or not branch:
            why = "" if found.problem else ": it states no default branch"
            self._tally.gap(f"nothing of {self._name} could be asked for{why}")
            return None
        yield from self._one("protected_branch", f"/protected_branches/{quote(branch, safe='')}", self._name)
        for operation in ("approvals", "push_rule"):
            yield from self._one(operation, f"/{operation}", self._name)
        yield from self._pages("approval_rules", "/approval_rules", self._name)
        return branch

    def merged(self, branch: str, moment: str) -> Step[set[int]]:
        """Pages of requests merged to the branch and changed since the window's first day."""
        asked: dict[str, Json] = {
            "state": "merged", "target_branch": branch, "updated_after": f"{self._since}T00:00:00Z", "scope": "all",
            "order_by": "updated_at", "sort": "asc", "per_page": PAGE,
        }  # fmt: skip
        pages = Pages(
            self._asker, "merge_requests", (f"{_path(self._name)}/merge_requests", asked), self._name,
            about={"moment": moment},
        )  # fmt: skip
        numbers: set[int] = set()
        every: set[int] = set()
        for answer in pages:
            self._tally.pages += 1
            yield answer.response
            every |= {one["iid"] for one in _objects(answer)}
            numbers |= {
                one["iid"] for one in _objects(answer) if str(one.get("merged_at") or "") >= self._since
            }
            stated = answer.headers.get("x-total", "")
            self._tally.expected = (
                int(stated) if stated.isascii() and stated.isdigit() else self._tally.expected
            )
        if not pages.end(self._tally):
            return None
        if self._tally.expected is not None and self._tally.expected != len(every):
            self._tally.gap(f"gitlab:merge_requests listed {len(every)} of {self._tally.expected}")
        self._tally.expected = None
        return numbers

    def change(self, number: int) -> Iterator[Response]:
        """The merge request, its approvals, and the jobs of its last pipeline; read side by side."""
        resource = f"{self._name}#{number}"
        found = yield from self._one(
            "merge_request", f"/merge_requests/{number}", resource, ignoring=FLEETING
        )
        yield from self._one(
            "merge_request_approvals", f"/merge_requests/{number}/approvals", resource, ignoring=FLEETING
        )
        pipeline = found.said.get("head_pipeline") if isinstance(found.said, dict) else None
        if isinstance(pipeline, dict) and isinstance(pipeline.get("id"), int):
            yield from self._pages("jobs", f"/pipelines/{pipeline['id']}/jobs", resource)

    def _one(
        self, operation: str, path: str, resource: str, *, ignoring: frozenset[str] = frozenset()
    ) -> Generator[Response, None, Answer]:
        answer = self._asker.ask(
            operation, f"{_path(self._name)}{path}", scope=self._name, resource=resource, joined=resource,
            ignoring=ignoring,
        )  # fmt: skip
        yield answer.response
        if answer.problem and answer.problem.kind != "absent":
            self._tally.miss(answer.action, answer.problem, whole=False)
        elif answer.problem and operation in ("project", "merge_request"):
            self._tally.miss(answer.action, answer.problem, whole=True)
        return answer

    def _pages(self, operation: str, path: str, resource: str) -> Iterator[Response]:
        first: Request = (f"{_path(self._name)}{path}", {"per_page": PAGE})
        pages = Pages(
            self._asker, operation, first, self._name, about={"resource": resource, "joined": resource}
        )
        for answer in pages:
            yield answer.response
        if pages.problem is None or pages.problem.kind != "absent":
            pages.end(self._tally, whole=False)


def _objects(answer: Answer) -> list[dict[str, Json]]:
    found = answer.said if isinstance(answer.said, list) else []
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("iid"), int)]
