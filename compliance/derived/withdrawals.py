"""Whether a run read records whose consent for its purpose had been withdrawn.

Pure. Membership is asked the cheap way round: the withdrawn records are few, so each is looked up in
the manifests once, instead of reading every manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from compliance.derived.declared import Declared, Record, key_id_of
from compliance.derived.joining import Looked
from compliance.derived.sight import blind
from compliance.derived.work import Ran, Work
from compliance.facts import FactBase, Unseen

MAX_LOOKUPS = 20_000
"""Records looked up for one fact base; beyond it the count is unseen rather than too low."""


class Withdrawals:
    """The withdrawals of a fact base, with the manifests that hold those records, looked up once each."""

    def __init__(self, base: FactBase, declared: Declared) -> None:
        self._base = base
        self._declared = declared
        self._no_consents, self._no_register = blind(base, "consent"), blind(base, "purpose")
        self._held: dict[Record, frozenset[str]] = {}
        self._subjects: dict[str, list[Record]] = {}
        for key_space, pseudonym, purpose in declared.consents.by_key:
            self._subjects.setdefault(purpose, []).append((key_space, pseudonym))

    def consent_purposes(self, ran: Ran) -> list[str]:
        """The purposes of the run whose lawful basis was consent when it started."""
        entries = {purpose: self._declared.purpose(purpose, ran.started_at) for purpose in ran.purposes}
        return [p for p, entry in entries.items() if entry is not None and entry.lawful_basis == "consent"]

    def read_by(self, ran: Ran, work: Work) -> Looked:
        """How many withdrawn records were in what the run read, or why that cannot be told."""
        purposes = self.consent_purposes(ran)
        withdrawn = {one for purpose in purposes for one in self._withdrawn(purpose, ran.started_at)}
        if len(self._held.keys() | {record for record, _ in withdrawn}) > MAX_LOOKUPS:
            return Unseen("incomplete", f"more than {MAX_LOOKUPS} withdrawals would have to be looked up")
        manifests = {manifest.evidence for read in ran.reads for manifest in work.manifests.get(read, ())}
        found = sum(bool(self._holding(record) & manifests) for record, _ in withdrawn)
        spaces = {(space, key_id) for (space, _), key_id in withdrawn}
        return found or _unproven(ran, work, spaces) or self._blind(ran, purposes) or 0

    def _blind(self, ran: Ran, by_consent: Sequence[str]) -> Unseen | None:
        """Why it cannot be told whether consent is needed, or whether it was withdrawn."""
        unregistered = any(
            self._declared.purpose(purpose, ran.started_at) is None for purpose in ran.purposes
        )
        return (self._no_consents if by_consent else None) or (self._no_register if unregistered else None)

    def _withdrawn(self, purpose: str, at: datetime) -> Iterator[tuple[Record, str | None]]:
        """Each withdrawn record with the id of the secret that its pseudonym was made under."""
        for key_space, pseudonym in self._subjects.get(purpose, ()):
            subject = (key_space, pseudonym, purpose)
            if self._declared.consent(subject, at) == "withdrawn":
                told = self._declared.consents.in_force(subject, at)[-1]
                yield (key_space, pseudonym), key_id_of(told.value, key_space, self._base)

    def _holding(self, record: Record) -> frozenset[str]:
        if record not in self._held:
            self._held[record] = self._base.holding(*record)
        return self._held[record]


def _unproven(ran: Ran, work: Work, spaces: set[tuple[str, str | None]]) -> Unseen | None:
    """A version that was read and that no full manifest of the key space and key id describes."""
    for version in sorted(ran.reads):
        for space, key_id in sorted(spaces, key=str):
            if space in work.key_spaces(version.dataset) and not work.is_exact(version, space, key_id):
                return Unseen("missing", f"{version} has no full manifest of key space {space}")
    return None
