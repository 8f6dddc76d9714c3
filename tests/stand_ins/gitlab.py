"""GitLab's REST API, version 4, as far as projects and merged merge requests go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.fault_proxy import Asked, Reply
from tests.stand_ins.answering import allowed, by_link, raw_path, said

NAME = "shop/ml/scorer"
PREFIX = "/api/v4/projects/shop%2Fml%2Fscorer"


def merge_request(number: int, **more: Any) -> dict[str, Any]:
    """A merged merge request."""
    return {
        "iid": number, "title": f"PAY-{number} mend it", "state": "merged", "author": {"username": "ann"},
        "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-21T10:00:00Z", "merged_at": "2026-11-21T10:00:00Z",
        "merge_user": {"username": "cam"}, "source_branch": f"mend-{number}", "target_branch": "main",
        "sha": f"a{number}", "merge_commit_sha": f"m{number}", "labels": ["fix"], "head_pipeline": {"id": number}, **more,
    }  # fmt: skip


@dataclass
class GitlabApi:
    """One project. ``base`` is where links lead; it is set when the stand-in listens."""

    base: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    protected: bool = True
    premium: bool = True
    runners_token: str = "GR1348941abcdefghijklmnopqrst"

    def __call__(self, asked: Asked) -> Reply:
        """What the edition lacks is a 404, as is what is not protected."""
        if not allowed(asked, "private-token", ""):
            return said({"message": "401 Unauthorized"}, 401)
        path = raw_path(asked).removeprefix(PREFIX)
        if path == "":
            return said({"path_with_namespace": NAME, "default_branch": "main", "visibility": "private",
                         "archived": False, "created_at": "2025-01-01T00:00:00Z", "runners_token": self.runners_token,
                         "only_allow_merge_if_pipeline_succeeds": True})  # fmt: skip
        if path == "/merge_requests":
            return by_link(asked, self.requests, self.base, {"X-Total": str(len(self.requests))})
        return self._settings(asked, path) or self._about(asked, path)

    def _settings(self, asked: Asked, path: str) -> Reply | None:
        absent = said({"message": "404 Not Found"}, 404)
        match path:
            case "/protected_branches":
                return by_link(asked, [{"name": "main"}] if self.protected else [], self.base)
            case "/protected_branches/main":
                return said({"name": "main", "push_access_levels": [{"access_level": 0}], "allow_force_push": False,
                             "merge_access_levels": [{"access_level": 40}], "code_owner_approval_required": True,
                            }) if self.protected else absent  # fmt: skip
            case "/approvals":
                return said({"approvals_before_merge": 0, "reset_approvals_on_push": True,
                             "merge_requests_author_approval": False}) if self.premium else absent  # fmt: skip
            case "/approval_rules":
                return (
                    by_link(asked, [{"approvals_required": 2, "protected_branches": []}], self.base)
                    if self.premium
                    else absent
                )
            case "/push_rule":
                return (
                    said({"reject_unsigned_commits": True, "prevent_secrets": True})
                    if self.premium
                    else absent
                )
        return None

    def _about(self, asked: Asked, path: str) -> Reply:
        if match := re.fullmatch(r"/merge_requests/(\d+)", path):
            return said(next(one for one in self.requests if one["iid"] == int(match[1])))
        if re.fullmatch(r"/merge_requests/(\d+)/approvals", path):
            return said(
                {"approved_by": [{"user": {"username": "ben"}, "approved_at": "2026-11-21T09:00:00Z"}]}
            )
        if re.fullmatch(r"/pipelines/(\d+)/jobs", path):
            return by_link(
                asked, [{"id": 1, "name": "tests", "status": "success", "allow_failure": False}], self.base
            )
        return said({"message": "404 Not Found"}, 404)
