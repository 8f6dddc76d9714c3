"""GitHub's REST API (version 2022-11-28), as far as repositories and merged pull requests go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.fault_proxy import Asked, Reply
from tests.stand_ins.answering import allowed, by_link, path_of, said

NAME = "shop/scorer"
PROTECTION: dict[str, Any] = {
    "required_pull_request_reviews": {"required_approving_review_count": 1, "dismiss_stale_reviews": True},
    "required_status_checks": {"strict": True, "contexts": ["tests"], "checks": [{"context": "tests"}]},
    "enforce_admins": {"enabled": True}, "allow_force_pushes": {"enabled": False},
    "required_signatures": {"enabled": True},
}  # fmt: skip


def pull(number: int, **more: Any) -> dict[str, Any]:
    """A merged pull request."""
    return {
        "number": number, "title": f"PAY-{number} mend it", "state": "closed", "user": {"login": "ann", "type": "User"},
        "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-21T10:00:00Z", "merged_at": "2026-11-21T10:00:00Z",
        "merged_by": {"login": "cam", "type": "User"}, "merge_commit_sha": f"m{number}", "labels": [{"name": "fix"}],
        "head": {"ref": f"mend-{number}", "sha": f"a{number}", "repo": {"stargazers_count": 1}},
        "base": {"ref": "main", "sha": "b", "repo": {"stargazers_count": 1}}, **more,
    }  # fmt: skip


@dataclass
class GithubApi:
    """One repository. ``base`` is where links lead; it is set when the stand-in listens."""

    base: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    protection: dict[str, Any] | None = field(default_factory=lambda: dict(PROTECTION))
    rules: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] | None = None
    runs: list[dict[str, Any]] | None = None

    def __call__(self, asked: Asked) -> Reply:
        """GitHub answers 404 for what the token may not see."""
        path = path_of(asked).removeprefix(f"/repos/{NAME}")
        if not allowed(asked):
            return said({"message": "Bad credentials"}, 401)
        if path == path_of(asked):
            return said({"message": "Not Found"}, 404)
        if path == "":
            return said({"full_name": NAME, "default_branch": "main", "private": True, "visibility": "private",
                         "archived": False, "created_at": "2025-01-01T00:00:00Z", "stargazers_count": len(self.pulls),
                         "security_and_analysis": {"secret_scanning": {"status": "enabled"}}})  # fmt: skip
        if path == "/branches/main/protection":
            return (
                said({"message": "Branch not protected"}, 404)
                if self.protection is None
                else said(self.protection)
            )
        lists = {"/rules/branches/main": self.rules,
                 "/pulls": sorted(self.pulls, key=lambda one: one["updated_at"], reverse=True)}  # fmt: skip
        return by_link(asked, lists[path], self.base) if path in lists else self._about(asked, path)

    def _about(self, asked: Asked, path: str) -> Reply:
        if match := re.fullmatch(r"/pulls/(\d+)", path):
            return said(next(one for one in self.pulls if one["number"] == int(match[1])))
        if match := re.fullmatch(r"/pulls/(\d+)/reviews", path):
            default = [{"user": {"login": "ben"}, "state": "APPROVED", "commit_id": f"a{match[1]}",
                        "submitted_at": "2026-11-21T09:00:00Z"}]  # fmt: skip
            return by_link(asked, default if self.reviews is None else self.reviews, self.base)
        if path.endswith("/check-runs"):
            runs = [{"name": "tests", "status": "completed", "conclusion": "success"}]
            runs = runs if self.runs is None else self.runs
            return said({"total_count": len(runs), "check_runs": runs})
        if path.endswith("/status"):
            return said(
                {"state": "success", "total_count": 1, "statuses": [{"context": "ci", "state": "success"}]}
            )
        return said({"message": "Not Found"}, 404)
