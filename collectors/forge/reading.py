"""What readers of code forges share. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from collectors.fields import text
from collectors.items import SeenItem
from collectors.rest.answers import problem_of, said
from compliance.canonical import Json
from compliance.facts import Unseen

TICKET = re.compile(r"\b[A-Z][A-Z0-9]{1,15}-[1-9][0-9]{0,8}\b|(?<![\w/])#[1-9][0-9]{0,8}\b")
"""PAY-12 or #12."""


def tickets(*texts: Json) -> list[str]:
    """The tickets that title and branch name, sorted."""
    return sorted({found for one in texts for found in TICKET.findall(str(one or ""))})


def by_resource(items: Iterable[SeenItem]) -> dict[str, list[SeenItem]]:
    """The items about each resource, in their order."""
    found: dict[str, list[SeenItem]] = {}
    for seen in items:
        if seen.resource:
            found.setdefault(seen.resource, []).append(seen)
    return found


def answer(items: Iterable[SeenItem], operation: str) -> Json | Unseen:
    """What the one answer to an operation says, or why it says nothing."""
    seen = next((one for one in items if one.operation == operation), None)
    if seen is None:
        return Unseen("incomplete", f"{operation} was not asked")
    problem = problem_of(seen.item.status, seen.body)
    return problem.unseen(seen.action) if problem else said(seen.body)


def listed(items: Iterable[SeenItem], operation: str, name: str = "") -> list[Mapping[str, Json]] | Unseen:
    """The members of all pages of a listing, or why they are not all there. ``name`` is the list's in each page."""
    pages = [one for one in items if one.operation == operation]
    if not pages:
        return Unseen("incomplete", f"{operation} was not asked")
    found: list[Mapping[str, Json]] = []
    total = 0
    for seen in pages:
        problem = problem_of(seen.item.status, seen.body)
        if problem:
            return problem.unseen(seen.action)
        page = said(seen.body)
        total = max(total, page.get("total_count", 0)) if isinstance(page, dict) else total
        members = page.get(name) if isinstance(page, dict) else page
        if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
            return Unseen("unreadable", f"{seen.action} gave no list of objects")
        found += members
    if len(found) < total:
        return Unseen("incomplete", f"{operation} listed {len(found)} of {total}")
    return found


def login(user: Json, name: str = "login") -> str:
    """A person's or program's name on the forge. Raises InputRefused."""
    return text(user.get(name) if isinstance(user, dict) else None)


def is_absent(items: Iterable[SeenItem], operation: str, saying: bytes = b"") -> bool:
    """Whether the forge says that there is no such thing, in these words where a bare 404 may be a refusal."""
    return any(
        one.operation == operation
        and (problem := problem_of(one.item.status, one.body)) is not None
        and problem.kind == "absent"
        and saying in one.body
        for one in items
    )
