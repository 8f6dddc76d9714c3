"""Entries that bound what can be performed again: content erased, or expired. Pure.

An ``erased/1`` entry names data keys that were destroyed: what was sealed under them by earlier
entries is gone. An ``expired/1`` entry names entries whose duty to be kept has ended. From such an
entry on nothing is known from that content, in whichever order things are read: every projection
says of each entry concerned what ``Bound.of`` says.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json
from compliance.evidence import Entry

ERASED = "erased/1"
EXPIRED = "expired/1"
BOUNDS = (ERASED, EXPIRED)
_MARKS = tuple(f'"kind":"{kind}"'.encode() for kind in BOUNDS)
Span = tuple[int, int]
"""The first and the last of consecutive log indices."""


@dataclass(frozen=True)
class Bound:
    """One such entry. ``keys`` are names and fingerprints of data keys, ``spans`` the entries it names."""

    index: int
    kind: str
    at: datetime
    keys: tuple[tuple[str, str], ...] = ()
    spans: tuple[Span, ...] = ()

    @classmethod
    def of(cls, index: int, entry: Entry) -> Bound | None:
        """The bound that an entry sets, or None."""
        if entry.kind not in BOUNDS:
            return None
        keys = tuple((key["name"], key["fingerprint"]) for key in entry.detail.get("keys", ()))
        spans = tuple(_span(text) for text in entry.detail.get("entries", ()))
        return cls(index, entry.kind, entry.received_at, keys, spans)

    @property
    def sentence(self) -> str:
        """What is said of the content of each entry concerned."""
        how = "erased" if self.kind == ERASED else "expired"
        return f"content {how} on {self.at:%Y-%m-%d} by entry {self.index}"

    def concerns(self, index: int, entry: Entry) -> bool:
        """Whether the content of an entry is gone by this one."""
        if index >= self.index or entry.payload is None:
            return False
        sealed = entry.payload.sealed
        return any(sealed == name for name, _ in self.keys) or any(
            first <= index <= last for first, last in self.spans
        )


def spans_of(indexes: Sequence[int]) -> list[Span]:
    """Ascending indices as spans of consecutive ones."""
    found: list[Span] = []
    for index in indexes:
        if found and index == found[-1][1] + 1:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found


def written(spans: Sequence[Span]) -> list[Json]:
    """Spans as an entry states them: ``"5"``, ``"7-9"``."""
    return [str(first) if first == last else f"{first}-{last}" for first, last in spans]


def _span(text: Json) -> Span:
    first, _, last = str(text).partition("-")
    return int(first), int(last or first)


class Bounds:
    """The bounds of one log, read on demand: most logs have none, and nothing asks until content is missed."""

    def __init__(self, leaves: Callable[[int, int], Iterator[tuple[int, bytes]]]) -> None:
        """``leaves`` gives entries of the log from an index up to another."""
        self._leaves = leaves
        self._lock = threading.Lock()
        self._read = 0
        self._found: tuple[Bound, ...] = ()

    def up_to(self, size: int) -> tuple[Bound, ...]:
        """Every bound among the first entries."""
        with self._lock:
            if self._read < size:
                bounds = (
                    Bound.of(index, Entry.from_bytes(leaf))
                    for index, leaf in self._leaves(self._read, size)
                    if any(mark in leaf for mark in _MARKS)
                )
                self._found += tuple(bound for bound in bounds if bound is not None)
                self._read = size
            return self._found

    def on(self, index: int, entry: Entry, size: int) -> Bound | None:
        """The first bound by which the content of an entry is gone, or None."""
        return next((bound for bound in self.up_to(size) if bound.concerns(index, entry)), None)
