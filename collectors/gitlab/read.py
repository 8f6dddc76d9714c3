"""Reads entries of GitLab collections: projects and merged merge requests. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from collectors.fields import Fields, flag, fragment, members, text, text_or_none, texts, time, whole
from collectors.forge.reading import answer, by_resource, is_absent, listed, login, tickets
from collectors.forge.schemas import CHANGE, REPOSITORY
from collectors.items import SeenItem, items_of
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.facts import FactSchema, Fragment, Opened, Reading, Unseen

PLATFORM = "gitlab"
NOBODY, ADMINISTRATORS = 0, 60
"""Access levels (GitLab documentation, protected branches API)."""
PENDING = frozenset({"created", "pending", "running", "preparing", "scheduled", "waiting_for_resource"})
LEFT_OUT = frozenset({"manual", "skipped"})
NO_COMMIT = Unseen("missing", "GitLab does not say which commit an approval was of")
NO_TIME = Unseen("missing", "GitLab does not say when an approval was given")
Said = Mapping[str, Json]
Answered = Json | Unseen


class GitlabReader:
    """Reads ``gitlab/1``."""

    kinds: tuple[str, ...] = ("gitlab/1",)
    schemas: tuple[FactSchema, ...] = (CHANGE, REPOSITORY)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each project and each merged merge request."""
        for resource, items in by_resource(items_of(opened)).items():
            yield from _change(resource, items) if "#" in resource else _project(resource, items)


READER = GitlabReader()


def _of(said: Answered, read: Callable[[Said], Answered]) -> Callable[[], Answered]:
    """A reading of one answer, unseen as the answer is."""

    def reading() -> Answered:
        if isinstance(said, Unseen):
            return said
        if not isinstance(said, dict):
            raise InputRefused("the answer is no object")
        return read(said)

    return reading


def _project(name: str, items: Sequence[SeenItem]) -> Iterator[Fragment]:
    project = answer(items, "project")
    if isinstance(project, Unseen):
        return
    rules = [] if is_absent(items, "approval_rules") else listed(items, "approval_rules")
    branch = {} if is_absent(items, "protected_branch") else answer(items, "protected_branch")
    approvals = {} if is_absent(items, "approvals") else answer(items, "approvals")
    push = {} if is_absent(items, "push_rule") else answer(items, "push_rule")
    fields: Fields = {
        "name": lambda: name,
        "platform": lambda: PLATFORM,
        "visibility": _of(project, lambda said: text(said.get("visibility"))),
        "private": _of(project, lambda said: text(said.get("visibility")) == "private"),
        "archived": _of(project, lambda said: flag(said.get("archived"))),
        "created": _of(project, lambda said: time(said.get("created_at"))),
        "default_branch": _of(project, lambda said: text(said.get("default_branch"))),
        "checks_required": _of(project, lambda said: flag(said.get("only_allow_merge_if_pipeline_succeeds"))),
        "required_checks": list,
        "protected": _of(branch, bool),
        "force_push_allowed": _of(branch, lambda said: not said or flag(said.get("allow_force_push"))),
        "direct_push_allowed": _of(
            branch, lambda said: not said or any(level > NOBODY for level in _levels(said))
        ),
        "admins_exempt": _of(branch, lambda said: not said or ADMINISTRATORS in _levels(said)),
        "code_owner_review": _of(branch, lambda said: bool(said.get("code_owner_approval_required"))),
        "required_approvals": _approvals(approvals, rules),
        "dismiss_stale": _of(approvals, lambda said: said.get("reset_approvals_on_push") is True),
        "author_may_approve": _of(
            approvals, lambda said: said.get("merge_requests_author_approval") is not False
        ),
        "signed_commits_required": _of(push, lambda said: said.get("reject_unsigned_commits") is True),
        "secret_scanning": _of(push, lambda said: said.get("prevent_secrets")),
    }
    yield fragment(items[0], "repository", name, "repository", fields)


def _levels(branch: Said) -> list[int]:
    """Who may push; a rule for one user, group or key has its level too."""
    return [whole(one.get("access_level")) for one in members(branch.get("push_access_levels"))]


def _approvals(approvals: Answered, rules: list[Said] | Unseen) -> Callable[[], Answered]:
    """The most that a rule for every branch asks for; rules for some branches only are left to those."""

    def reading(said: Said) -> Answered:
        if isinstance(rules, Unseen):
            return rules
        general = [
            rule
            for rule in rules
            if rule.get("applies_to_all_protected_branches") or not rule.get("protected_branches")
        ]
        stated = [rule.get("approvals_required") for rule in general] + [said.get("approvals_before_merge")]
        return max([whole(one) for one in stated if one is not None], default=0)

    return _of(approvals, reading)


# --- changes -------------------------------------------------------------------------------------


def _change(resource: str, items: Sequence[SeenItem]) -> Iterator[Fragment]:
    request = answer(items, "merge_request")
    if isinstance(request, dict) and request.get("state") != "merged":
        return
    repository, _, number = resource.partition("#")
    fields: Fields = {
        "repository": lambda: repository,
        "platform": lambda: PLATFORM,
        "number": lambda: int(number),
        "title": _of(request, lambda said: text(said.get("title"))),
        "author": _of(request, lambda said: login(said.get("author"), "username")),
        "author_is_bot": _of(request, lambda said: said["author"].get("bot") is True),
        "created": _of(request, lambda said: time(said.get("created_at"))),
        "merged": _of(request, lambda said: time(said.get("merged_at"))),
        "merged_by": _of(request, _merged_by),
        "source_branch": _of(request, lambda said: text(said.get("source_branch"))),
        "target_branch": _of(request, lambda said: text(said.get("target_branch"))),
        "commit": _of(request, lambda said: text(said.get("sha"))),
        "merge_commit": _of(request, lambda said: text_or_none(said.get("merge_commit_sha"))),
        "tickets": _of(request, lambda said: tickets(said.get("title"), said.get("source_branch"))),
        "labels": _of(request, lambda said: texts(said.get("labels"))),
        **_approved(answer(items, "merge_request_approvals")),
        **_checked(request, items),
    }
    yield fragment(items[0], "change", resource, "change", fields)


def _merged_by(said: Said) -> str | None:
    who = said.get("merge_user") or said.get("merged_by")
    return None if who is None else login(who, "username")


def _approved(said: Answered) -> Fields:
    def approvers(found: Said) -> list[str]:
        return sorted(login(one.get("user"), "username") for one in members(found.get("approved_by")))

    def when(found: Said) -> Answered:
        times = [one.get("approved_at") for one in members(found.get("approved_by"))]
        return (
            NO_TIME if any(one is None for one in times) else max((time(one) for one in times), default=None)
        )

    return {
        "approvers": _of(said, approvers),
        "approved_head": _of(said, lambda found: NO_COMMIT if approvers(found) else []),
        "approved_at": _of(said, when),
    }


def _checked(request: Answered, items: Sequence[SeenItem]) -> Fields:
    jobs = listed(items, "jobs")

    def outcomes(found: list[Said]) -> dict[str, str]:
        """The last outcome of each job; one that may fail, or waits for a hand, is left out."""
        said: dict[str, str] = {}
        for job in sorted(found, key=lambda one: int(one.get("id") or 0)):
            status = text(job.get("status"))
            if status not in LEFT_OUT and not (status != "success" and job.get("allow_failure")):
                ended = "passed" if status == "success" else "failed"
                said[text(job.get("name"))] = "pending" if status in PENDING else ended
        return said

    def that(wanted: str) -> Callable[[], Answered]:
        def reading(found: Said) -> Answered:
            if found.get("head_pipeline") is None:
                return []
            return (
                jobs
                if isinstance(jobs, Unseen)
                else sorted(n for n, o in outcomes(jobs).items() if o == wanted)
            )

        return _of(request, reading)

    return {f"checks_{outcome}": that(outcome) for outcome in ("passed", "failed", "pending")}
