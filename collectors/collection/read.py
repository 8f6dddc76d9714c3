"""Reads the entries that end collection runs: one listing for each scope. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from compliance.canonical import Json, evidence_id, expand_ranges, strict_json
from compliance.facts import FactSchema, Listing, Opened, Reading

WHOLE_SOURCE = ""
"""The scope of a run that failed: whatever it did not say, nothing of its source was seen since."""


class CollectionReader:
    """Reads ``collection/1``."""

    kinds: tuple[str, ...] = ("collection/1",)
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A listing for each scope; of a run that failed, one of no scope and no fact besides."""
        said = strict_json(opened.body or b"", what="collection entry")
        yield from (_listing(opened, scope) for scope in said["scopes"])
        yield from _failure(opened, said["error"])


READER = CollectionReader()


def _listing(opened: Opened, scope: Mapping[str, Json]) -> Listing:
    return Listing(
        facts=tuple(scope["facts"]), source=opened.entry.source, scope=scope["scope"],
        instant=opened.entry.instant, complete=scope["complete"], items=frozenset(expand_ranges(scope["items"])),
        detail=scope["detail"], evidence=evidence_id(opened.index), expected=scope["expected"], got=scope["got"],
    )  # fmt: skip


def _failure(opened: Opened, error: str | None) -> Iterator[Listing]:
    if error is not None:
        yield Listing(
            facts=(), source=opened.entry.source, scope=WHOLE_SOURCE, instant=opened.entry.instant,
            complete=False, items=frozenset(), detail=error, evidence=evidence_id(opened.index),
        )  # fmt: skip
