"""The scope as entries: which frameworks, roles and criteria an organisation is judged by, and what is excluded.

Each entry of kind ``scope/1`` states the whole scope from there on. While there is none, the scope of the
configuration stands. Pure but for ``append_scope``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from compliance.canonical import Json, canonical, format_time
from compliance.errors import InputRefused
from compliance.evidence import CollectorName, Observation
from compliance.library import Library
from compliance.log import EvidenceLog

SCOPE_KIND = "scope/1"
LONGEST = 2000
ROLES = (
    "provider", "deployer", "importer", "distributor", "authorised-representative", "gpai-provider",
    "gpai-systemic-risk-provider", "merchant", "service-provider", "controller", "processor", "covered-entity",
    "business-associate", "business", "financial-institution", "issuer",
)  # fmt: skip
"""Roles that can be stated; those of the AI Act and of PCI DSS leave requirements out (see ``assessment.scoping``)."""
LISTS = ("frameworks", "roles", "elected")


@dataclass(frozen=True)
class Exclusion:
    """A requirement, or a group of them, that is out of scope, with who approved that."""

    requirement: str
    reason: str
    approver: str

    def as_json(self) -> dict[str, Json]:
        """As an entry states it."""
        return {"requirement": self.requirement, "reason": self.reason, "approver": self.approver}


@dataclass(frozen=True)
class StatedScope:
    """A whole scope. No frameworks named means all of the library's."""

    frameworks: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    elected: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = field(default=())

    @classmethod
    def of(cls, value: Json) -> StatedScope:
        """The scope that a JSON object states. Raises InputRefused naming the field."""
        if not isinstance(value, Mapping):
            raise InputRefused("A scope is a JSON object.", field="")
        strange = sorted(set(value) - {*LISTS, "exclusions"})
        if strange:
            allowed = ", ".join((*LISTS, "exclusions"))
            raise InputRefused(
                f"A scope has no field {strange[0]!r}; it has {allowed}.", field=f"/{strange[0]}"
            )
        lists = {name: _texts(value.get(name, ()), f"/{name}") for name in LISTS}
        exclusions = value.get("exclusions", ())
        if not isinstance(exclusions, list | tuple):
            raise InputRefused("/exclusions is no list.", field="/exclusions")
        return cls(**lists, exclusions=tuple(_exclusion(one, n) for n, one in enumerate(exclusions)))

    def as_json(self) -> dict[str, Json]:
        """As an entry, a configuration and the commands state it."""
        return {
            "frameworks": list(self.frameworks), "roles": list(self.roles), "elected": list(self.elected),
            "exclusions": [one.as_json() for one in self.exclusions],
        }  # fmt: skip

    def checked(self, library: Library) -> StatedScope:
        """The scope, each name held against the library. Raises InputRefused listing those there are."""
        _known(self.frameworks, library.frameworks, "/frameworks", "framework")
        _known(self.roles, ROLES, "/roles", "role")
        categories = {f"soc2:{name}" for name in ("A", "PI", "C", "P")}
        _known(self.elected, categories, "/elected", "criterion to elect")
        for position, one in enumerate(self.exclusions):
            if one.requirement not in library.requirements:
                message = f"No requirement is named {one.requirement!r}; expected framework:citation."
                raise InputRefused(message, field=f"/exclusions/{position}/requirement")
        return self

    def excluding(self, one: Exclusion) -> StatedScope:
        """This scope with a further exclusion, in place of a former one of the same requirement."""
        kept = tuple(held for held in self.exclusions if held.requirement != one.requirement)
        return replace(self, exclusions=(*kept, one))

    def including(self, requirement: str) -> StatedScope:
        """This scope without an exclusion. Raises InputRefused where there is none."""
        kept = tuple(held for held in self.exclusions if held.requirement != requirement)
        if kept == self.exclusions:
            raise InputRefused(f"{requirement} is not excluded.", field="requirement")
        return replace(self, exclusions=kept)


def append_scope(
    log: EvidenceLog, scope: StatedScope, *, who: str, by: CollectorName, clock: Callable[[], datetime]
) -> int:
    """Append a scope: it stands from this entry on. Who stated it, and when, is in the entry."""
    body = canonical({**scope.as_json(), "who": who, "stated_at": format_time(clock())})
    (index,) = log.append([Observation(SCOPE_KIND, "muniment", by, body)])
    assert index is not None  # noqa: S101 (it has no item that could be known)
    return index


def _exclusion(value: Json, position: int) -> Exclusion:
    place = f"/exclusions/{position}"
    if not isinstance(value, Mapping):
        raise InputRefused(f"{place} is no object with requirement, reason and approver.", field=place)
    parts = [_text(value.get(name), f"{place}/{name}") for name in ("requirement", "reason", "approver")]
    return Exclusion(*parts)


def _text(value: Json, place: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        raise InputRefused(f"{place} is no text of 1 to {LONGEST} characters.", field=place)
    return value.strip()


def _texts(value: Json, place: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise InputRefused(f"{place} is no list of texts.", field=place)
    return tuple(dict.fromkeys(_text(one, f"{place}/{n}") for n, one in enumerate(value)))


def _known(names: Iterable[str], known: Iterable[str], place: str, what: str) -> None:
    listed = sorted(known)
    for name in names:
        if name not in listed:
            raise InputRefused(f"There is no {what} {name!r}; there are {', '.join(listed)}.", field=place)
