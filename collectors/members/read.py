"""Membership manifests read back: what the entry states of them, and their members. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collectors.members.difference import Difference
from compliance.canonical import evidence_id
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Members, Opened, Reading, Received

STATED = ("namespace", "name", "version", "key_space", "completeness", "key_id", "digest")


@dataclass
class MembersReader:
    """Reads one manifest into its header and the difference that it is stored as."""

    kinds: tuple[str, ...] = ("members/1",)
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterator[Reading]:
        """The header of kind ``manifest``, and its members."""
        evidence = evidence_id(opened.index)
        try:
            kept = Difference.from_bytes(opened.body or b"")
        except InputRefused as error:
            yield Defect(evidence, f"unreadable: {error}")
            return
        value = {name: opened.entry.detail[name] for name in STATED}
        yield Received("manifest", opened.entry.source, value, opened.entry.instant, evidence)
        base = None if kept.base is None else evidence_id(kept.base)
        yield Members(evidence, kept.added, base, kept.removed)


READER = MembersReader()
