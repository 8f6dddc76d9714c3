"""What the web asks of a store and of its answers; ``compliance.store`` and ``compliance.answers`` give it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Engine

from compliance.canonical import Json
from compliance.keyspaces import KeySpaces
from compliance.log import EvidenceLog
from compliance.settings import Settings


class StorePort(Protocol):
    """One opened store."""

    @property
    def log(self) -> EvidenceLog:
        """Where evidence is appended and read."""
        ...

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        ...

    @property
    def operations(self) -> Engine:
        """The database of tokens, links and sessions."""
        ...

    @property
    def key_spaces(self) -> KeySpaces:
        """The secrets under which raw keys become pseudonyms."""
        ...

    @property
    def clock(self) -> Callable[[], datetime]:
        """The time of day, in UTC."""
        ...

    @property
    def sample(self) -> bool:
        """Whether this is sample data."""
        ...

    def manifest_base(
        self, namespace: str, name: str, key_space: str, key_id: str
    ) -> tuple[int, Sequence[str]] | None:
        """The newest manifest of a dataset under a key id, from whichever source: its log index and members.

        None where there is none, or where its members cannot be read any more.
        """
        ...


class AnswersPort(Protocol):
    """The answers of one opened store. A basis is the four values that an answer is a function of."""

    def basis(
        self, *, at: datetime | None = None, log_size: int | None = None, library: str | None = None
    ) -> Any:
        """The basis of a question: by default now, all entries, the library in force at that size."""
        ...

    def lookup(
        self, basis: Any, *, key_space: str, reason: str, who: str, key: str | None = None,
        pseudonym: str | None = None, from_: datetime | None = None, to: datetime | None = None,
    ) -> Mapping[str, Json]:  # fmt: skip
        """Record usage (CONTRACT section 4); the lookup is appended, sealed, before the answer leaves."""
        ...

    def findings(
        self, basis: Any, *, control: str | None = None, outcome: str | None = None
    ) -> Sequence[Mapping[str, Json]]:
        """Resource-level results (CONTRACT section 1), in a stated order."""
        ...

    def status(self, basis: Any, *, framework: str | None = None) -> Mapping[str, Json]:
        """Status per requirement and control (CONTRACT section 1)."""
        ...
