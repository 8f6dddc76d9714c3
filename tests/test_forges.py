"""What GitHub and GitLab say of a repository and a change, as facts."""

from __future__ import annotations

from typing import Any

from collectors.github.collect import GithubCollector
from collectors.github.read import READER as GITHUB
from collectors.gitlab.collect import GitlabCollector
from collectors.gitlab.read import READER as GITLAB
from tests.collecting import Clock, Joined, facts_of, read, run
from tests.fault_proxy import Reply, StandIn, served
from tests.stand_ins.answering import TOKEN
from tests.stand_ins.github import NAME, GithubApi, pull
from tests.stand_ins.gitlab import NAME as PROJECT
from tests.stand_ins.gitlab import GitlabApi, merge_request


def on_github(api: GithubApi, fact: str, denied: str = "") -> dict[str, Joined]:
    with served(StandIn(api)) as stand_in:
        api.base = stand_in.url
        if denied:
            stand_in.when(denied, Reply(403, b"{}"))
        ran = run(GithubCollector(url=stand_in.url, repositories=(NAME,), token=TOKEN, clock=Clock()))
    return facts_of(read(GITHUB, "github/1", ran.responses), fact)


def on_gitlab(api: GitlabApi, fact: str) -> dict[str, Joined]:
    with served(StandIn(api)) as stand_in:
        api.base = stand_in.url
        ran = run(GitlabCollector(url=stand_in.url, repositories=(PROJECT,), token=TOKEN, clock=Clock()))
    return facts_of(read(GITLAB, "gitlab/1", ran.responses), fact)


def chosen(fact: Joined, *names: str) -> dict[str, Any]:
    return {name: fact.value[name] for name in names}


def test_what_guards_a_branch_of_github() -> None:
    """Branch protection and rulesets are read side by side; what either asks for is asked for."""
    rule = {"type": "pull_request", "parameters": {"required_approving_review_count": 2}}
    repository = on_github(GithubApi(rules=[rule]), "repository")[NAME]
    names = ("protected", "required_approvals", "required_checks", "admins_exempt", "force_push_allowed")
    assert list(chosen(repository, *names).values()) == [True, 2, ["tests"], False, False]


def test_an_unprotected_branch_is_known_to_be_so() -> None:
    """GitHub says in words that a branch is not protected; a refusal says nothing of it."""
    open_branch = on_github(GithubApi(protection=None), "repository")[NAME]
    assert chosen(open_branch, "protected", "force_push_allowed") == {
        "protected": False,
        "force_push_allowed": True,
    }
    refused = on_github(GithubApi(), "repository", denied="/protection")[NAME]
    assert refused.unseen["protected"].cause == "incomplete"
    assert "denied (403)" in refused.unseen["protected"].why


def test_the_last_review_of_each_person_counts() -> None:
    """Who approved and then asked for changes approves no more; a comment takes nothing back."""

    def review(who: str, state: str, commit: str = "a7") -> dict[str, Any]:
        return {
            "user": {"login": who},
            "state": state,
            "commit_id": commit,
            "submitted_at": "2026-11-21T09:00:00Z",
        }

    reviews = [review("ben", "APPROVED"), review("ben", "CHANGES_REQUESTED"), review("cam", "APPROVED", "a6"),
               review("cam", "COMMENTED"), review("dee", "APPROVED")]  # fmt: skip
    change = on_github(GithubApi(pulls=[pull(7)], reviews=reviews), "change")[f"{NAME}#7"]
    assert chosen(change, "approvers", "approved_head") == {
        "approvers": ["cam", "dee"],
        "approved_head": ["dee"],
    }
    assert chosen(change, "author", "merged_by", "tickets") == {
        "author": "ann", "merged_by": "cam", "tickets": ["PAY-7"],
    }  # fmt: skip


def test_checks_by_their_outcome() -> None:
    """Passed, failed and pending checks are told apart."""
    runs = [
        {"name": "lint", "status": "completed", "conclusion": "failure"},
        {"name": "slow", "status": "queued"},
    ]
    change = on_github(GithubApi(pulls=[pull(7)], runs=runs), "change")[f"{NAME}#7"]
    names = ("checks_passed", "checks_failed", "checks_pending")
    assert list(chosen(change, *names).values()) == [["ci"], ["lint"], ["slow"]]


def test_what_guards_a_branch_of_gitlab() -> None:
    """Protection, rules of approval and of pushes; what the edition lacks is known to be absent."""
    names = (
        "protected",
        "required_approvals",
        "dismiss_stale",
        "direct_push_allowed",
        "signed_commits_required",
    )
    premium = on_gitlab(GitlabApi(), "repository")[PROJECT]
    assert list(chosen(premium, *names).values()) == [True, 2, True, False, True]
    free = on_gitlab(GitlabApi(premium=False, protected=False), "repository")[PROJECT]
    assert list(chosen(free, *names).values()) == [False, 0, False, True, False]


def test_a_change_of_gitlab() -> None:
    """Who approved is known; of which commit GitLab does not say."""
    change = on_gitlab(GitlabApi(requests=[merge_request(3)]), "change")[f"{PROJECT}#3"]
    assert chosen(change, "author", "approvers", "checks_passed") == {
        "author": "ann", "approvers": ["ben"], "checks_passed": ["tests"],
    }  # fmt: skip
    assert change.unseen["approved_head"].cause == "missing"
