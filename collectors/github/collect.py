"""Collects repositories of GitHub: protection of the default branch, and merged pull requests."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime

from collectors.coverage import Tally
from collectors.forge.running import FACTS, WINDOW, answers
from collectors.reconciling import Step
from collectors.rest.asking import PATIENT, Answer, Api, Patience, RestAsker
from collectors.rest.pages import Pages, Request, accesses, accounted, by_link
from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
PAGE = 100
UNPROTECTED = b"Branch not protected"
FLEETING = frozenset({
    "base_repo", "forks", "forks_count", "network_count", "open_issues", "open_issues_count", "pushed_at", "repo",
    "size", "stargazers_count", "subscribers_count", "updated_at", "watchers", "watchers_count",
})  # fmt: skip
"""What changes about a repository from day to day without saying anything of what guards it."""


class GithubCollector:
    """Repositories of GitHub or GitHub Enterprise. Each is a scope; its observations must be sealed."""

    kind = "github/1"
    name = CollectorName("github", "1")

    def __init__(
        self, *, url: str, repositories: Sequence[str], clock: Callable[[], datetime], token: str | None = None,
        patience: Patience = PATIENT,
    ) -> None:  # fmt: skip
        self._api = Api("github", url, token, headers=HEADERS, patience=patience)
        self._repositories = tuple(dict.fromkeys(named(one) for one in repositories))
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every repository once. Raises InputRefused for an address that may not be asked."""
        for repository in self._repositories:
            asker = RestAsker(self._api, self._clock)
            tally = Tally(repository, FACTS)
            since = self._clock() - WINDOW
            try:
                yield from accounted(tally, answers(_Repository(asker, tally, repository, since), tally))
            finally:
                asker.close()

    def check(self) -> Sequence[Access]:
        """Ask of each repository for itself, its protection and one pull request."""
        asker = RestAsker(self._api, self._clock)
        try:
            return [
                access
                for repository in self._repositories
                for access in accesses(_tries(asker, repository), f"github:GET {repository}", FACTS)
            ]
        finally:
            asker.close()


def named(repository: str) -> str:
    """A repository as OWNER/NAME. Raises InputRefused where it is none."""
    owner, slash, name = repository.partition("/")
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    if not slash or not owner or not name or not set(owner + name) <= allowed or {owner, name} & {".", ".."}:
        raise InputRefused(f"{repository!r} is no repository; expected OWNER/NAME.", field="repositories")
    return repository


def _tries(asker: RestAsker, repository: str) -> list[tuple[Callable[[], Answer], Sequence[str]]]:
    path = f"repos/{repository}"

    def itself() -> Answer:
        return asker.ask("repository", path, scope=repository)

    def pulls() -> Answer:
        return asker.ask("pulls", f"{path}/pulls", {"state": "closed", "per_page": 1}, scope=repository)

    def protection() -> Answer:
        branch = itself().said.get("default_branch", "main")
        return asker.ask("protection", f"{path}/branches/{branch}/protection", scope=repository)

    guarded = tuple(f"repository.{name}" for name in ("protected", "required_approvals", "required_checks"))
    return [(itself, FACTS), (protection, guarded), (pulls, ("change",))]


class _Repository:
    """What is asked of one repository (GitHub REST API, version 2022-11-28)."""

    def __init__(self, asker: RestAsker, tally: Tally, repository: str, since: datetime) -> None:
        self._asker = asker
        self._tally = tally
        self._name = repository
        self._since = since

    def repository(self) -> Generator[Response, None, str | None]:
        """Itself, its branch's protection and the rules that hold for the branch; read side by side."""
        found = yield from self._one("repository", "", ignoring=FLEETING)
        branch = found.said.get("default_branch") if isinstance(found.said, dict) else None
        if found.problem or not isinstance(branch, str) or not branch:
            why = "" if found.problem else ": it states no default branch"
            self._tally.gap(f"nothing of {self._name} could be asked for{why}")
            return None
        yield from self._one("protection", f"/branches/{branch}/protection", absent=UNPROTECTED)
        yield from self._pages("rules", f"/rules/branches/{branch}", self._name)
        return branch

    def merged(self, branch: str, moment: str) -> Step[set[int]]:
        """Pages of closed pull requests, the last changed first, until one was last changed before the window."""
        asked: dict[str, Json] = {
            "state": "closed", "base": branch, "sort": "updated", "direction": "desc", "per_page": PAGE,
        }  # fmt: skip
        pages = Pages(
            self._asker, "pulls", (f"repos/{self._name}/pulls", asked), self._name, self._until_window,
            {"moment": moment},
        )  # fmt: skip
        numbers: set[int] = set()
        for answer in pages:
            self._tally.pages += 1
            yield answer.response
            numbers |= {
                int(one["number"]) for one in _objects(answer) if self._is_recent(one.get("merged_at"))
            }
        return numbers if pages.end(self._tally) else None

    def _until_window(self, answer: Answer, request: Request) -> Request | None:
        changed = [one.get("updated_at") for one in _objects(answer)]
        if any(when is None for when in changed):
            raise InputRefused("a pull request states no updated_at")
        old = changed and not self._is_recent(changed[-1])
        return None if old else by_link(answer, request)

    def _is_recent(self, when: Json) -> bool:
        try:
            return when is not None and parse_time(when) >= self._since
        except InputRefused:
            return False

    def change(self, number: int) -> Iterator[Response]:
        """The pull request, its reviews, and the checks on its last commit; read side by side."""
        resource = f"{self._name}#{number}"
        found = yield from self._one("pull", f"/pulls/{number}", resource, ignoring=FLEETING)
        yield from self._pages("reviews", f"/pulls/{number}/reviews", resource)
        head = found.said.get("head") if isinstance(found.said, dict) else None
        commit = head.get("sha") if isinstance(head, dict) else None
        if isinstance(commit, str) and commit.isalnum():
            yield from self._pages("check-runs", f"/commits/{commit}/check-runs", resource)
            yield from self._pages("status", f"/commits/{commit}/status", resource)

    def _one(
        self, operation: str, path: str, resource: str = "", *, ignoring: frozenset[str] = frozenset(),
        absent: bytes = b"",
    ) -> Generator[Response, None, Answer]:  # fmt: skip
        about = resource or self._name
        answer = self._asker.ask(
            operation,
            f"repos/{self._name}{path}",
            scope=self._name,
            resource=about,
            joined=about,
            ignoring=ignoring,
        )
        yield answer.response
        if answer.problem and not (absent and absent in answer.response.body):
            self._tally.miss(answer.action, answer.problem, whole=False)
        return answer

    def _pages(self, operation: str, path: str, resource: str) -> Iterator[Response]:
        first: Request = (f"repos/{self._name}{path}", {"per_page": PAGE})
        pages = Pages(
            self._asker, operation, first, self._name, about={"resource": resource, "joined": resource}
        )
        for answer in pages:
            yield answer.response
        pages.end(self._tally, whole=False)


def _objects(answer: Answer) -> list[dict[str, Json]]:
    found = answer.said if isinstance(answer.said, list) else []
    return [one for one in found if isinstance(one, dict) and isinstance(one.get("number"), int)]
