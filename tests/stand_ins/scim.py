"""A SCIM 2.0 service provider (RFC 7644): users and groups, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fault_proxy import Asked, Reply
from tests.stand_ins.answering import PAGE, allowed, path_of, query_of, said

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


def user(name: str, **more: Any) -> dict[str, Any]:
    """A user as a provider states one."""
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE], "id": f"id-{name}", "userName": name,
        "active": True, "meta": {"created": "2026-01-02T03:04:05Z", "lastModified": "2026-02-03T04:05:06Z"},
        "groups": [{"value": "g1"}], ENTERPRISE: {"department": "ml", "manager": {"value": "id-boss"}}, **more,
    }  # fmt: skip


@dataclass
class ScimProvider:
    """The directory."""

    users: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        """RFC 7644, sections 3.4.2 and 3.12."""
        if not allowed(asked):
            return said({"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "401"}, 401)
        members = {"/Users": self.users, "/Groups": self.groups}.get(path_of(asked))
        if members is None:
            return said({"status": "404"}, 404)
        query = query_of(asked)
        start, count = int(query.get("startIndex", "1")), min(int(query.get("count", PAGE)), PAGE)
        part = members[start - 1 : start - 1 + count]
        return said({
            "schemas": [LIST], "totalResults": len(members), "startIndex": start, "itemsPerPage": len(part),
            **({"Resources": part} if part else {}),
        })  # fmt: skip
