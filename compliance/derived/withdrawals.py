"""Whether a run read records whose consent for its purpose had been withdrawn.

Pure. Membership is asked the cheap way round: the withdrawn records are few, so each is looked up in
the manifests once, instead of reading every manifest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import parse_time
from compliance.derived.declared import Declared, Record, key_id_of
from compliance.derived.joining import Looked
from compliance.derived.sight import blind
from compliance.derived.work import Ran, Work
from compliance.facts import FactBase, Unseen
from compliance.lineage.remembered import Remembered, Very

MAX_LOOKUPS = 20_000
"""Records looked up for one fact base; beyond it the count is unseen rather than too low."""
Kind = tuple[str, str | None]
"""Key space, and the id of the secret under which its pseudonyms were made."""


@dataclass(frozen=True)
class _Withdrawn:
    """What was ever withdrawn for one purpose."""

    held: Mapping[str, Sequence[Record]]
    """By the evidence id of a manifest: the records in it that were withdrawn at some time."""
    since: Mapping[Kind, datetime]
    """The first withdrawal of each kind of record."""
    too_many: bool


class Withdrawals:
    """The withdrawals of a fact base, with the manifests that hold those records."""

    def __init__(self, base: FactBase, declared: Declared) -> None:
        self._base = base
        self._declared = declared
        self._no_consents, self._no_register = blind(base, "consent"), blind(base, "purpose")
        self._held: dict[Record, frozenset[str]] = {}
        self._by_purpose: dict[str, _Withdrawn] = {}

    def consent_purposes(self, ran: Ran) -> list[str]:
        """The purposes of the run whose lawful basis was consent when it started."""
        entries = {purpose: self._declared.purpose(purpose, ran.started_at) for purpose in ran.purposes}
        return [p for p, entry in entries.items() if entry is not None and entry.lawful_basis == "consent"]

    def given(self, ran: Ran, work: Work) -> object:
        """What else than the run itself decides the answer for it: equal if that is."""
        read = [
            (
                version,
                work.key_spaces(version.dataset),
                [one.evidence for one in work.manifests.get(version, ())],
            )
            for version in ran.reads
        ]
        few = len(self._declared.consents.by_key) < MAX_LOOKUPS
        known = Very(self._declared, self._base.config(), *([] if few else [self]))
        return known, self._no_consents, self._no_register, read

    def read_by(self, ran: Ran, work: Work) -> Looked:
        """How many withdrawn records were in what the run read, or why that cannot be told."""
        return _READ.of(ran, self.given(ran, work), lambda: self._read_by(ran, work))

    def _read_by(self, ran: Ran, work: Work) -> Looked:
        purposes = self.consent_purposes(ran)
        withdrawn = {purpose: self._withdrawn(purpose) for purpose in purposes}
        manifests = {manifest.evidence for read in ran.reads for manifest in work.manifests.get(read, ())}
        found = {
            record
            for purpose, told in withdrawn.items()
            for record in _held_in(told, manifests)
            if self._declared.consent((*record, purpose), ran.started_at) == "withdrawn"
        }
        if found:
            return len(found)
        return self._blind(ran, work, withdrawn) or 0

    def _blind(self, ran: Ran, work: Work, withdrawn: Mapping[str, _Withdrawn]) -> Unseen | None:
        """Why it cannot be told whether consent was needed, or whether a withdrawn record was read."""
        if any(told.too_many for told in withdrawn.values()):
            return Unseen("incomplete", f"more than {MAX_LOOKUPS} withdrawals would have to be looked up")
        kinds = {k for told in withdrawn.values() for k, at in told.since.items() if at <= ran.started_at}
        unregistered = any(
            self._declared.purpose(purpose, ran.started_at) is None for purpose in ran.purposes
        )
        return (
            _unproven(ran, work, kinds)
            or (self._no_consents if withdrawn else None)
            or (self._no_register if unregistered else None)
        )

    def _withdrawn(self, purpose: str) -> _Withdrawn:
        if purpose not in self._by_purpose:
            self._by_purpose[purpose] = self._looked_up(purpose)
        return self._by_purpose[purpose]

    def _looked_up(self, purpose: str) -> _Withdrawn:
        held: dict[str, list[Record]] = defaultdict(list)
        since: dict[Kind, datetime] = {}
        for (space, pseudonym), told in self._declared.withdrawals(purpose):
            at, kind = parse_time(told.value["at"]), (space, key_id_of(told.value, space, self._base))
            since[kind] = min(at, since.get(kind, at))
            for evidence in self._holding((space, pseudonym)):
                held[evidence].append((space, pseudonym))
        return _Withdrawn(held, since, too_many=len(self._held) >= MAX_LOOKUPS)

    def _holding(self, record: Record) -> frozenset[str]:
        if record not in self._held and len(self._held) < MAX_LOOKUPS:
            self._held[record] = self._base.holding(*record)
        return self._held.get(record, frozenset())


_READ: Remembered[Looked] = Remembered()


def _held_in(told: _Withdrawn, manifests: set[str]) -> set[Record]:
    return {record for evidence in manifests for record in told.held.get(evidence, ())}


def _unproven(ran: Ran, work: Work, kinds: set[Kind]) -> Unseen | None:
    """A version that was read and that no full manifest of the key space and key id describes."""
    for version in sorted(ran.reads):
        for space, key_id in sorted(kinds, key=str):
            if space in work.key_spaces(version.dataset) and not work.is_exact(version, space, key_id):
                return Unseen("missing", f"{version} has no full manifest of key space {space}")
    return None
