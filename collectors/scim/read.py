"""Reads entries of SCIM collections: users and groups. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from collectors.fields import Fields, flag, fragment, members, text, text_or_none, time_or_none
from collectors.items import SeenItem, items_of
from collectors.rest.answers import problem_of, said
from collectors.scim.schemas import GROUP, USER
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading, Unseen

PART = "resource"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
MFA = ("mfaActive", "mfaEnabled", "mfa_active", "mfa_enabled", "twoFactorEnabled", "multiFactorEnabled")
RESISTANT = ("phishingResistant", "phishing_resistant", "phishingResistantMfa")
SIGN_IN = ("lastSignIn", "lastLogin", "lastLoginTime", "last_sign_in", "last_login")
"""SCIM has no attribute for these; providers name them so, at the top or in an extension of their own."""
Said = Mapping[str, Json]


class ScimReader:
    """Reads ``scim/1``."""

    kinds: tuple[str, ...] = ("scim/1",)
    schemas: tuple[FactSchema, ...] = (GROUP, USER)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each user and group."""
        for seen in items_of(opened):
            if not seen.repeated and problem_of(seen.item.status, seen.body) is None:
                yield from _page(seen)


READER = ScimReader()


def _page(seen: SeenItem) -> Iterator[Reading]:
    page = said(seen.body)
    try:
        found = members(page.get("Resources") if isinstance(page, dict) else None, "Resources")
    except InputRefused as error:
        yield Defect(seen.evidence, f"unreadable: {seen.action}: {error.message}")
        return
    for one in found:
        if isinstance(one.get("id"), str) and one["id"]:
            yield _user(seen, one) if seen.operation == "Users" else _group(seen, one)
        else:
            yield Defect(seen.evidence, f"unreadable: a resource in {seen.action} has no id")


def _user(seen: SeenItem, one: Said) -> Fragment:
    extended = one.get(ENTERPRISE)
    enterprise: Said = extended if isinstance(extended, dict) else {}
    fields: Fields = {
        "user_name": lambda: text(one.get("userName")),
        "active": lambda: flag(one.get("active")),
        "external_id": lambda: text_or_none(one.get("externalId")),
        "user_type": lambda: text_or_none(one.get("userType")),
        "department": lambda: text_or_none(enterprise.get("department")),
        "manager": lambda: text_or_none(_value(enterprise.get("manager"))),
        "created": partial(_meta, one, "created"),
        "last_modified": partial(_meta, one, "lastModified"),
        "mfa": lambda: _exposed(one, MFA, flag, "whether a second factor is set up"),
        "phishing_resistant": lambda: _exposed(one, RESISTANT, flag, "whether a factor resists phishing"),
        "last_sign_in": lambda: _exposed(one, SIGN_IN, time_or_none, "the last sign-in"),
        "groups": partial(_values, one, "groups"),
        "roles": partial(_values, one, "roles"),
        "entitlements": partial(_values, one, "entitlements"),
    }
    return fragment(seen, "directory_user", one["id"], PART, fields)


def _group(seen: SeenItem, one: Said) -> Fragment:
    fields: Fields = {
        "name": lambda: text(one.get("displayName")),
        "external_id": lambda: text_or_none(one.get("externalId")),
        "members": lambda: len(_values(one, "members")),
        "member_ids": partial(_values, one, "members"),
        "created": partial(_meta, one, "created"),
        "last_modified": partial(_meta, one, "lastModified"),
    }
    return fragment(seen, "directory_group", one["id"], PART, fields)


def _meta(one: Said, name: str) -> str | None:
    meta = one.get("meta") or {}
    return time_or_none(meta.get(name))


def _value(one: Json) -> Json:
    return one.get("value") if isinstance(one, dict) else one


def _values(one: Said, name: str) -> list[str]:
    """The values of a multi-valued attribute (RFC 7643, section 2.4); an unassigned one is left out, so empty."""
    found = one.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise InputRefused(f"{name} is no list")
    return sorted({text(_value(member)) for member in found})


def _exposed(one: Said, names: Iterable[str], read: Callable[[Json], Json], what: str) -> Json | Unseen:
    """An attribute that a provider may show, wherever it puts it; unseen where it shows none."""
    places = [
        one,
        *(value for key, value in one.items() if key.startswith("urn:") and isinstance(value, dict)),
    ]
    for place in places:
        for name in names:
            if name in place:
                return read(place[name])
    return Unseen("missing", f"the identity provider does not say {what}")
