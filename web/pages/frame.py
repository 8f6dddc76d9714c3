"""What every page bears around its content: who is signed in, where one can go, what it was computed from.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode

NAVIGATION: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/", "Gaps", ("engineer", "auditor")),
    ("/controls", "Controls", ("engineer", "auditor")),
    ("/records", "Records", ("dpo",)),
    ("/erasures", "Erasures", ("dpo",)),
    ("/evidence", "Evidence", ("auditor",)),
    ("/reports", "Reports", ("auditor",)),
    ("/sources", "Sources", ("engineer", "auditor")),
)
"""Address, title, and the scopes of which one lets a person in. Each route asks for itself again."""
BELOW = {"/frameworks": "/controls", "/changes": "/", "/verify": ""}
"""Pages that belong to another one of the navigation."""
ROLE_NAMES = {
    "auditor": "Auditor", "engineer": "Engineer", "dpo": "Data protection officer", "admin": "Administrator",
}  # fmt: skip


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation."""

    path: str
    title: str
    current: bool


@dataclass(frozen=True)
class Foot:
    """The values that a page was computed from."""

    as_of: datetime
    log_size: int
    root: str
    """Root of the first ``log_size`` entries, in hex."""
    library: str
    program: str
    origin: str
    breaks: tuple[str, ...] = ()
    """Where the log goes on as the successor of one that was lost, in sentences."""


@dataclass(frozen=True)
class Frame:
    """Everything of a page but its content."""

    path: str
    person: str
    """Who is signed in, without the prefix that entries bear."""
    role: str
    """The role in words."""
    scopes: frozenset[str]
    csrf: str
    navigation: tuple[NavItem, ...]
    sample: bool
    """Whether the store holds sample data."""
    foot: Foot
    asked: tuple[tuple[str, str], ...] = ()
    """``at``, ``log_size`` and ``library``, as far as the address names them: links carry them on."""
    kept: tuple[tuple[str, str], ...] = ()
    """The address's other parameters, which the form for another instant carries on."""
    movable: bool = True
    """Whether the page can be asked for another instant."""

    @property
    def past(self) -> bool:
        """Whether the page was asked for as of something other than now."""
        return bool(self.asked)

    @property
    def opens_evidence(self) -> bool:
        """Whether evidence may be linked to."""
        return "auditor" in self.scopes

    def to(self, path: str, **query: str | int | None) -> str:
        """The address of another page as of the same instant and entries; empty parameters are left out."""
        given = {name: str(value) for name, value in query.items() if value not in {None, ""}}
        parameters = urlencode({**dict(self.asked), **given})
        return f"{path}?{parameters}" if parameters else path

    def now(self) -> str:
        """The address of the same page as of now."""
        parameters = urlencode(self.kept)
        return f"{self.path}?{parameters}" if parameters else self.path

    def evidence(self, name: str) -> str:
        """The address of a piece of evidence."""
        return f"/evidence/{quote(name, safe='/')}"


def navigation(path: str, scopes: frozenset[str], role: str | None) -> tuple[NavItem, ...]:
    """The entries that the scopes open, the current one marked."""
    top = "/" + path.strip("/").split("/")[0]
    here = BELOW.get(top, top)
    return tuple(
        NavItem(target, title, target == here)
        for target, title, opens in NAVIGATION
        if scopes.intersection(opens) and not (target == "/" and role == "dpo")
    )
