"""The listings of one fact type: what they say about which resources are there, and how fresh they are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from compliance.canonical import evidence_id, from_micros
from compliance.evidence import Cause
from compliance.facts import ScopeState
from compliance.history import SeenFragment, SeenListing, SeenUnreadable


def by_time(row: SeenListing) -> tuple[int, bool, bool, str, str, int]:
    """The order of listings. Of one instant, what ended the run comes last, and seeing less counts as later.

    So whatever a failed run finished before it failed does not hide that it failed, and no order of
    arrival changes what is known.
    """
    return row.instant, row.scope == "", not row.complete, row.detail, row.ranges, row.index


class ScopeListings:
    """The listings of one fact type in view, by source and scope, oldest first."""

    def __init__(self, rows: Iterable[SeenListing], unreadable: Iterable[SeenUnreadable] = ()) -> None:
        """``unreadable`` are the entries in view that could not be read, of any source."""
        self._by_scope: dict[tuple[str, str], list[SeenListing]] = defaultdict(list)
        self._whole_source: dict[str, list[SeenListing]] = defaultdict(list)
        for row in sorted(rows, key=by_time):
            if row.scope == "":
                self._whole_source[row.source].append(row)
            else:
                self._by_scope[row.source, row.scope].append(row)
        self._scopes: dict[str, list[str]] = defaultdict(list)
        for source, scope in sorted(self._by_scope):
            self._scopes[source].append(scope)
        self._named_at: dict[tuple[str, str], dict[str, int]] = {}
        self._unreadable: dict[str, list[SeenUnreadable]] = defaultdict(list)
        for entry in unreadable:
            self._unreadable[entry.source].append(entry)

    def live(self, row: SeenFragment) -> bool:
        """Whether nothing seen whole since then says that the resource is gone.

        A fragment is live if it is newer than the last complete listing, or if that listing or
        any later one names its item.
        """
        whole = self._last_complete(row.source, row.scope)
        return (
            whole is None or row.instant > whole.instant or row.evidence in self._names(row.source, row.scope)
        )

    def seen_at(self, row: SeenFragment) -> int:
        """When the content was last seen: its own time, or the last listing that names its item."""
        if row.dated:
            return row.instant
        return max(row.instant, self._names(row.source, row.scope).get(row.evidence, row.instant))

    def _names(self, source: str, scope: str) -> dict[str, int]:
        """Item → the last listing that names it, of the last complete one and those after it."""
        key = source, scope
        if key not in self._named_at:
            named: dict[str, int] = {}
            for listing in self._standing(source, scope):
                named.update(dict.fromkeys(listing.items, listing.instant))
            self._named_at[key] = named
        return self._named_at[key]

    def _standing(self, source: str, scope: str) -> list[SeenListing]:
        """The last complete listing of a scope and those after it; all where none was complete."""
        rows = self._by_scope.get((source, scope), [])
        last = next((n for n in range(len(rows) - 1, -1, -1) if rows[n].complete), 0)
        return rows[last:]

    def _last_complete(self, source: str, scope: str) -> SeenListing | None:
        first = next(iter(self._standing(source, scope)), None)
        return first if first is not None and first.complete else None

    # --- how well scopes are known -------------------------------------------------------------

    def states(self, fact: str, source: str) -> Iterator[ScopeState]:
        """Each scope that a source was ever seen in, and what is the matter with the source as a whole."""
        scopes = [self._state(fact, source, scope) for scope in self._scopes[source] or [source]]
        yield from scopes
        failed = self._failed_since(source)
        if failed is not None and all(state.cause is None for state in scopes):
            # Its scopes were seen, but what it had not reached when it failed is not even named.
            yield ScopeState(
                fact, source, source, None, "incomplete", failed.detail, (evidence_id(failed.index),),
                from_micros(failed.instant),
            )  # fmt: skip
        unread = self.unread(source)
        if unread:
            yield ScopeState(
                fact, source, source, None, "unreadable", told(unread),
                cited(unread), from_micros(unread[-1].instant),
            )  # fmt: skip

    def _state(self, fact: str, source: str, scope: str) -> ScopeState:
        """How well one scope is known: by its last run, or by the last failure of its whole source."""
        rows = self._by_scope.get((source, scope), [])
        failed = self._whole_source.get(source, [])
        last = max([*rows[-1:], *failed[-1:]], key=lambda row: (row.instant, row.scope != ""), default=None)
        whole = self._last_complete(source, scope)
        seen_whole_at = None if whole is None else from_micros(whole.instant)
        if last is None:
            return ScopeState(fact, source, scope, None, "missing", "it was never collected", ())
        cause: Cause | None = None if last.complete else "incomplete"
        return ScopeState(
            fact, source, scope, seen_whole_at, cause, last.detail, (evidence_id(last.index),),
            from_micros(last.instant),
        )  # fmt: skip

    def _failed_since(self, source: str) -> SeenListing | None:
        """The failure that ended the last run of a source, if it did."""
        failed = self._whole_source.get(source, [])
        if not failed:
            return None
        others = [self._by_scope[source, scope][-1].instant for scope in self._scopes[source]]
        return failed[-1] if failed[-1].instant >= max(others, default=0) else None

    def unread(self, source: str) -> list[SeenUnreadable]:
        """The entries of a source that could not be read and that something known of it rests on.

        What was pushed is said once, so it is missed for good. What was pulled is asked for again: it is
        missed until a later run, seen whole, no longer names it.
        """
        entries = self._unreadable.get(source, [])
        if not entries or not (self._scopes[source] or self._whole_source.get(source)):
            return entries
        named = {
            name.partition("/")[0]
            for scope in self._scopes[source]
            for listing in self._standing(source, scope)
            for name in listing.items
        }
        whole = [self._last_complete(source, scope) for scope in self._scopes[source]]
        since = min((row.instant for row in whole if row is not None), default=0)
        return [entry for entry in entries if entry.instant > since or str(entry.index) in named]


def cited(unread: list[SeenUnreadable]) -> tuple[str, ...]:
    """The entries that cannot be read, then those by which their content is gone."""
    by = sorted({entry.by for entry in unread if entry.by is not None})
    return tuple(evidence_id(index) for index in dict.fromkeys([*(entry.index for entry in unread), *by]))


def told(unread: list[SeenUnreadable]) -> str:
    """Which entries cannot be read, and why the first of them cannot."""
    more = f", and {len(unread) - 1} more" if len(unread) > 1 else ""
    return f"entry {unread[0].index} cannot be read{more}: {unread[0].why.rstrip('.')}"
