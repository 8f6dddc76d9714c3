"""What the entries of a log have as content: read where it lies, checked, unsealed, or told to be gone."""

from __future__ import annotations

from collections.abc import Callable

from compliance.bounds import Bounds
from compliance.canonical import sha256_hex
from compliance.errors import ContentGone, InputRefused, StoreTampered
from compliance.evidence import Entry, Payload
from compliance.objects import Payloads
from compliance.sealing import DataKeys


class Content:
    """Reads the content of entries. Safe to share between threads."""

    def __init__(
        self, payloads: Payloads, bounds: Bounds, data_keys: Callable[[], DataKeys], size: Callable[[], int]
    ) -> None:
        """``data_keys`` raises Forbidden where there is no right to them; ``size`` is that of the log now."""
        self._payloads = payloads
        self._bounds = bounds
        self._data_keys = data_keys
        self._size = size

    def stored(self, entry: Entry, index: int | None) -> bytes | None:
        """A payload as stored, sealed if it is; None where there is none."""
        payload = entry.payload
        if payload is None:
            return None
        try:
            stored = self._payloads.get(payload.sha256) if payload.inline is None else payload.inline
        except StoreTampered:
            self._say_gone(entry, index)
            raise
        _check(payload, stored)
        return stored

    def body(self, entry: Entry, index: int | None) -> bytes | None:
        """A payload as received, unsealed."""
        stored = self.stored(entry, index)
        if stored is None or entry.payload is None or entry.payload.sealed is None:
            return stored
        try:
            return self._data_keys().unseal(entry.payload.sealed, stored)
        except ContentGone:
            self._say_gone(entry, index)
            raise

    def _say_gone(self, entry: Entry, index: int | None) -> None:
        """Raise ContentGone naming the entry that says so, if there is one."""
        bound = None if index is None else self._bounds.on(index, entry, self._size())
        if bound is not None:
            raise ContentGone(f"Entry {index}: {bound.sentence}.", by=str(bound.index))


def _check(payload: Payload, stored: bytes) -> None:
    """An inline payload must be what its digest says, as one in a file must."""
    if len(stored) != payload.size or (payload.inline is not None and sha256_hex(stored) != payload.sha256):
        message = f"The payload {payload.sha256} is not what its entry says: {len(stored)} bytes, expected {payload.size}."
        raise StoreTampered(message, field=payload.sha256)


def entry_of(index: int, leaf: bytes) -> Entry:
    """The entry in the bytes of a leaf. Raises StoreTampered where they are none."""
    try:
        return Entry.from_bytes(leaf)
    except InputRefused as error:
        raise StoreTampered(
            f"Entry {index} is proven but is no entry: {error.message}", index=index
        ) from error
