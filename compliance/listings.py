"""The listings of one fact type: what they say about which resources are there, and how fresh they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from compliance.canonical import evidence_id, from_micros
from compliance.evidence import Cause
from compliance.facts import ScopeState
from compliance.history import SeenFragment, SeenListing


class ScopeListings:
    """The listings of one fact type in view, by source and scope, oldest first."""

    def __init__(self, rows: Iterable[SeenListing]) -> None:
        self._by_scope: dict[tuple[str, str], list[SeenListing]] = defaultdict(list)
        self._whole_source: dict[str, list[SeenListing]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row.instant, row.index)):
            if row.scope == "":
                self._whole_source[row.source].append(row)
            else:
                self._by_scope[row.source, row.scope].append(row)
        self._named_at: dict[tuple[str, str], dict[str, int]] = {}

    def scopes_of(self, source: str) -> list[str]:
        """The scopes that a source was ever seen in."""
        return sorted(scope for held, scope in self._by_scope if held == source)

    def live(self, row: SeenFragment) -> bool:
        """Whether nothing seen whole since then says that the resource is gone.

        A fragment is live if it is newer than the last complete listing, or if that listing or
        any later one names its item.
        """
        whole = self._last_complete(row.source, row.scope)
        if whole is None or row.instant > whole.instant:
            return True
        named_at = self._names(row.source, row.scope).get(row.evidence)
        return named_at is not None and named_at >= whole.instant

    def seen_at(self, row: SeenFragment) -> int:
        """When the content was last seen: its own time, or the last listing that names its item."""
        if row.dated:
            return row.instant
        return max(row.instant, self._names(row.source, row.scope).get(row.evidence, row.instant))

    def _names(self, source: str, scope: str) -> dict[str, int]:
        key = source, scope
        if key not in self._named_at:
            named: dict[str, int] = {}
            for listing in self._by_scope.get(key, ()):
                named.update(dict.fromkeys(listing.items, listing.instant))
            self._named_at[key] = named
        return self._named_at[key]

    def _last_complete(self, source: str, scope: str) -> SeenListing | None:
        rows = self._by_scope.get((source, scope), ())
        return next((row for row in reversed(rows) if row.complete), None)

    def state(self, fact: str, source: str, scope: str) -> ScopeState:
        """How well one scope is known: by its last run, or by the last failure of its whole source."""
        rows = self._by_scope.get((source, scope), [])
        failed = self._whole_source.get(source, [])
        last = max([*rows[-1:], *failed[-1:]], key=lambda row: (row.instant, row.index), default=None)
        whole = self._last_complete(source, scope)
        seen_whole_at = None if whole is None else from_micros(whole.instant)
        if last is None:
            return ScopeState(fact, source, scope, None, "missing", "it was never collected", ())
        cause: Cause | None = None if last.complete else "incomplete"
        return ScopeState(
            fact, source, scope, seen_whole_at, cause, last.detail, (evidence_id(last.index),),
            from_micros(last.instant),
        )  # fmt: skip
