"""Reads entries of GitHub collections: repositories and merged pull requests. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from collectors.fields import Fields, flag, fragment, members, text, text_or_none, time, whole
from collectors.forge.reading import answer, by_resource, is_absent, listed, login, tickets
from collectors.forge.schemas import CHANGE, REPOSITORY
from collectors.items import SeenItem, items_of
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.facts import FactSchema, Fragment, Opened, Reading, Unseen

PLATFORM = "github"
UNPROTECTED = b"Branch not protected"
PASSED = frozenset({"success", "neutral", "skipped"})
Said = Mapping[str, Json]


class GithubReader:
    """Reads ``github/1``."""

    kinds: tuple[str, ...] = ("github/1",)
    schemas: tuple[FactSchema, ...] = (CHANGE, REPOSITORY)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each repository and each merged pull request."""
        for resource, items in by_resource(items_of(opened)).items():
            yield from _change(resource, items) if "#" in resource else _repository(resource, items)


READER = GithubReader()


def _repository(name: str, items: Sequence[SeenItem]) -> Iterator[Fragment]:
    found = answer(items, "repository")
    if isinstance(found, Unseen) or not isinstance(found, dict):
        return
    fields: Fields = {
        "name": lambda: name,
        "platform": lambda: PLATFORM,
        "visibility": lambda: (
            found.get("visibility") or ("private" if flag(found.get("private")) else "public")
        ),
        "private": lambda: flag(found.get("private")),
        "archived": lambda: flag(found.get("archived")),
        "created": lambda: time(found.get("created_at")),
        "default_branch": lambda: text(found.get("default_branch")),
        "secret_scanning": lambda: _scanning(found.get("security_and_analysis")),
    }
    yield fragment(items[0], "repository", name, "repository", fields)
    guard = _Guard(items)
    yield fragment(items[0], "repository", name, "protection", guard.fields())


def _scanning(said: Json) -> bool | None:
    one = said.get("secret_scanning") if isinstance(said, dict) else None
    return None if one is None else one.get("status") == "enabled"


class _Guard:
    """The branch protection and the rules of rulesets, of which each may guard the branch."""

    def __init__(self, items: Sequence[SeenItem]) -> None:
        self._protection: Json | Unseen = (
            {} if is_absent(items, "protection", UNPROTECTED) else answer(items, "protection")
        )
        self._rules = listed(items, "rules")

    def fields(self) -> Fields:
        """How each field is read: what neither of the two states is known not to be asked for."""
        return {
            "protected": self._both(lambda p, rules: bool(p) or bool(rules)),
            "required_approvals": self._both(_approvals),
            "dismiss_stale": self._either("dismiss_stale_reviews", "dismiss_stale_reviews_on_push"),
            "code_owner_review": self._either("require_code_owner_reviews", "require_code_owner_review"),
            "author_may_approve": lambda: False,
            "required_checks": self._both(_checks),
            "checks_required": self._both(lambda p, rules: bool(_checks(p, rules))),
            "admins_exempt": self._both(_admins_exempt),
            "force_push_allowed": self._both(_force_push),
            "direct_push_allowed": self._both(
                lambda p, rules: "required_pull_request_reviews" not in p and not _of(rules, "pull_request")
            ),
            "signed_commits_required": self._both(
                lambda p, rules: _enabled(p, "required_signatures") or bool(_of(rules, "required_signatures"))
            ),
        }

    def _both(self, read: Callable[[Said, Sequence[Said]], Json]) -> Callable[[], Json | Unseen]:
        def reading() -> Json | Unseen:
            if isinstance(self._protection, Unseen):
                return self._protection
            if isinstance(self._rules, Unseen):
                return self._rules
            if not isinstance(self._protection, dict):
                raise InputRefused("the protection is no object")
            return read(self._protection, self._rules)

        return reading

    def _either(self, classic: str, rule: str) -> Callable[[], Json | Unseen]:
        return self._both(
            lambda p, rules: (
                _reviews(p).get(classic) is True
                or any(_parameters(one).get(rule) is True for one in _of(rules, "pull_request"))
            )
        )


def _reviews(protection: Said) -> Said:
    found: Any = protection.get("required_pull_request_reviews") or {}
    if not isinstance(found, dict):
        raise InputRefused("required_pull_request_reviews is no object")
    return found


def _of(rules: Iterable[Said], type_: str) -> list[Said]:
    return [rule for rule in rules if rule.get("type") == type_]


def _parameters(rule: Said) -> Said:
    found: Any = rule.get("parameters") or {}
    if not isinstance(found, dict):
        raise InputRefused("the parameters of a rule are no object")
    return found


def _approvals(protection: Said, rules: Sequence[Said]) -> int:
    stated = [_reviews(protection).get("required_approving_review_count")]
    stated += [_parameters(one).get("required_approving_review_count") for one in _of(rules, "pull_request")]
    return max([whole(one) for one in stated if one is not None], default=0)


def _checks(protection: Said, rules: Sequence[Said]) -> list[str]:
    classic: Any = protection.get("required_status_checks") or {}
    names = [*(classic.get("contexts") or ()), *(one["context"] for one in members(classic.get("checks")))]
    for rule in _of(rules, "required_status_checks"):
        names += [one["context"] for one in members(_parameters(rule).get("required_status_checks"))]
    return sorted({text(name) for name in names})


def _enabled(protection: Said, name: str) -> bool:
    found: Any = protection.get(name) or {}
    return found.get("enabled") is True


def _admins_exempt(protection: Said, rules: Sequence[Said]) -> bool | Unseen:
    """Who may go past a ruleset is stated to its administrators only."""
    if protection:
        return not _enabled(protection, "enforce_admins")
    if rules:
        return Unseen("missing", "GitHub does not say in a branch's rules who may go past them")
    return True


def _force_push(protection: Said, rules: Sequence[Said]) -> bool:
    if _of(rules, "non_fast_forward"):
        return False
    return not protection or _enabled(protection, "allow_force_pushes")


# --- changes -------------------------------------------------------------------------------------


def _change(resource: str, items: Sequence[SeenItem]) -> Iterator[Fragment]:
    pull = answer(items, "pull")
    if isinstance(pull, Unseen):
        names = [one.name for one in CHANGE.fields if one.name not in ("repository", "platform", "number")]
        known: Fields = {**_named(resource), **{name: (lambda: pull) for name in names}}
        yield fragment(items[0], "change", resource, "change", known)
        return
    if not isinstance(pull, dict) or pull.get("merged_at") is None:
        return
    fields: Fields = {
        **_named(resource),
        "title": lambda: text(pull.get("title")),
        "author": lambda: login(pull.get("user")),
        "author_is_bot": lambda: pull["user"].get("type") == "Bot",
        "created": lambda: time(pull.get("created_at")),
        "merged": lambda: time(pull.get("merged_at")),
        "merged_by": lambda: None if pull.get("merged_by") is None else login(pull["merged_by"]),
        "source_branch": lambda: text(pull["head"].get("ref")),
        "target_branch": lambda: text(pull["base"].get("ref")),
        "commit": lambda: text(pull["head"].get("sha")),
        "merge_commit": lambda: text_or_none(pull.get("merge_commit_sha")),
        "tickets": lambda: tickets(pull.get("title"), pull["head"].get("ref")),
        "labels": lambda: sorted(text(one.get("name")) for one in members(pull.get("labels"))),
        **_reviewed(listed(items, "reviews"), pull),
        **_checked(listed(items, "check-runs", "check_runs"), listed(items, "status", "statuses")),
    }
    yield fragment(items[0], "change", resource, "change", fields)


def _named(resource: str) -> Fields:
    repository, _, number = resource.partition("#")
    return {"repository": lambda: repository, "platform": lambda: PLATFORM, "number": lambda: int(number)}


def _reviewed(reviews: list[Said] | Unseen, pull: Said) -> Fields:
    def approvals() -> dict[str, Said]:
        """The last review of each person that decides; a comment after it takes nothing back."""
        last: dict[str, Said] = {}
        for one in reviews if not isinstance(reviews, Unseen) else ():
            if one.get("state") in ("APPROVED", "CHANGES_REQUESTED", "DISMISSED") and one.get("user"):
                last[login(one["user"])] = one
        return {who: one for who, one in last.items() if one["state"] == "APPROVED"}

    def seen(read: Callable[[dict[str, Said]], Json]) -> Callable[[], Json | Unseen]:
        return lambda: reviews if isinstance(reviews, Unseen) else read(approvals())

    return {
        "approvers": seen(sorted),
        "approved_head": seen(
            lambda found: sorted(w for w, one in found.items() if one.get("commit_id") == pull["head"]["sha"])
        ),
        "approved_at": seen(
            lambda found: max((time(one.get("submitted_at")) for one in found.values()), default=None)
        ),
    }


def _checked(runs: list[Said] | Unseen, statuses: list[Said] | Unseen) -> Fields:
    def outcomes() -> dict[str, str]:
        """The last outcome of each check by its name: one that was run again counts as it ended then."""
        found: dict[str, str] = {}
        for one in runs if not isinstance(runs, Unseen) else ():
            ended = one.get("status") == "completed"
            passed = "passed" if one.get("conclusion") in PASSED else "failed"
            found[text(one.get("name"))] = passed if ended else "pending"
        for one in statuses if not isinstance(statuses, Unseen) else ():
            state = {"success": "passed", "pending": "pending"}.get(str(one.get("state")), "failed")
            found[text(one.get("context"))] = state
        return found

    def that(wanted: str) -> Callable[[], Json | Unseen]:
        def reading() -> Json | Unseen:
            for one in (runs, statuses):
                if isinstance(one, Unseen):
                    return one
            return sorted(name for name, outcome in outcomes().items() if outcome == wanted)

        return reading

    return {f"checks_{outcome}": that(outcome) for outcome in ("passed", "failed", "pending")}
