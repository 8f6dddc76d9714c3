"""Content that is gone by entries that say so, as verification meets it going through a log in order. Pure."""

from __future__ import annotations

from collections import Counter

from compliance.bounds import EXPIRED, Bound
from compliance.evidence import Entry

Fault = tuple[int, str, str]
"""The index of an entry whose payload is missing, what was found, and what was expected."""


class Gone:
    """Tells what a later entry accounts for from what is simply missing."""

    def __init__(self) -> None:
        self._sealed: Counter[str] = Counter()
        self._missing: dict[int, Fault] = {}
        self._told: list[str] = []

    def pass_by(self, index: int, entry: Entry) -> None:
        """An entry, after all that come before it. Raises LookupError, ValueError for a malformed one."""
        bound = Bound.of(index, entry)
        if bound is not None:
            self._by(bound)
        if entry.payload is not None and entry.payload.sealed is not None:
            self._sealed[entry.payload.sealed] += 1

    def missed(self, index: int, what: str, expected: str) -> None:
        """The payload of an entry is not there."""
        self._missing[index] = index, what, expected

    def unexplained(self) -> list[Fault]:
        """What is missing though no later entry says that it has expired."""
        return list(self._missing.values())

    def told(self) -> tuple[str, ...]:
        """Each bound with the number of entries that it concerns, in their order."""
        return tuple(self._told)

    def _by(self, bound: Bound) -> None:
        concerned = sum(self._sealed.pop(name, 0) for name, _ in bound.keys)
        for first, last in bound.spans if bound.kind == EXPIRED else ():
            concerned += max(0, min(last, bound.index - 1) - first + 1)
            for index in [index for index in self._missing if first <= index <= last]:
                del self._missing[index]
        self._told.append(f"{bound.sentence} ({concerned} {'entry' if concerned == 1 else 'entries'})")
