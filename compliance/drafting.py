"""From an observation to the draft of an entry: sealed, stored, and measured.

Everything that costs time and needs no order happens here, in the thread that brings the
observation, before it queues for the log.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from compliance.canonical import sha256_hex
from compliance.commit import Draft
from compliance.errors import TooLarge
from compliance.evidence import MAX_ENTRY_BYTES, Entry, Observation, Payload
from compliance.objects import LONGEST, Payloads
from compliance.sealing import DataKeys, key_name

INLINE_BYTES = 4096
"""Payloads up to this size ride in their entry, if it stays small enough."""
_TIME_ROOM = 2 * len(".000001")
"""What both times of an entry can grow by when the receipt is moved behind the last one's."""


Keeps: TypeAlias = Callable[[str], timedelta]
"""How long the payloads of a kind of entry are kept from their receipt."""


def keep_longest(_kind: str) -> timedelta:
    """Where nobody says which duties an entry serves, it is kept for the longest of all."""
    return LONGEST


class Drafter:
    """Makes drafts for one store."""

    def __init__(self, payloads: Payloads, data_keys: DataKeys, keeps: Keeps) -> None:
        self._payloads = payloads
        self._data_keys = data_keys
        self.keeps = keeps

    def draft(self, observations: Sequence[Observation], received_at: datetime) -> list[Draft]:
        """Draft all, or none: TooLarge and unfit values are raised before a payload is stored."""
        made = [self._made(observation, received_at) for observation in observations]
        for draft, stored in made:
            if stored is not None:
                self._payloads.put(stored, received_at + self.keeps(draft.entry.kind))
        return [draft for draft, _ in made]

    def _made(self, observation: Observation, received_at: datetime) -> tuple[Draft, bytes | None]:
        """The draft, and the bytes that must lie in a file before it may be appended."""
        stored, sealed = observation.body, None
        if stored is not None and observation.sealed:
            sealed = observation.key or key_name(observation.source, received_at)
            stored = self._data_keys.seal(sealed, stored)
        if stored is None:
            return _draft(observation, received_at, None), None
        digest, size = sha256_hex(stored), len(stored)
        if size <= INLINE_BYTES:
            try:
                payload = Payload(digest, size, observation.media_type, stored, sealed)
                return _draft(observation, received_at, payload), None
            except TooLarge:
                pass  # the index of items is long: its payload goes into a file
        payload = Payload(digest, size, observation.media_type, None, sealed)
        return _draft(observation, received_at, payload), stored


def _draft(observation: Observation, received_at: datetime, payload: Payload | None) -> Draft:
    entry = Entry(
        kind=observation.kind,
        source=observation.source,
        collector=observation.collector,
        observed_at=observation.observed_at or received_at,
        received_at=received_at,
        payload=payload,
        items=observation.items,
        detail=observation.detail,
    )
    leaf = entry.to_bytes()
    if len(leaf) > MAX_ENTRY_BYTES - _TIME_ROOM:
        limit = MAX_ENTRY_BYTES - _TIME_ROOM
        raise TooLarge(
            f"The entry has {len(leaf)} bytes; at most {limit} fit. Split the observation into fewer items."
        )
    return Draft(entry, leaf, timed=observation.observed_at is not None, known=observation.known)
