"""Collects exports of privacy preferences from Fides, as consent events with pseudonyms in place of identities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from collectors.coverage import Tally
from collectors.fides.preferences import Preference, preferences
from collectors.filing import asked, every, names_of, reachable
from collectors.places import Folder
from collectors.register.rows import SUFFIXES, rows
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Access, CollectorName, Coverage, Response

SCOPE = "consents"
FACTS = ("consent",)
Pseudonymise = Callable[[str, str], str]
"""(key space, raw key) -> pseudonym. Raises NotFound for a key space that is not configured."""


class FidesCollector:
    """A folder of exports, JSON or CSV. Its observations must be sealed.

    Nothing of an export is kept but purpose, decision, time and the identity's pseudonym: the rest (addresses,
    devices, e-mail) is what consent was asked about, not evidence of it.
    """

    kind = "fides/1"
    name = CollectorName("fides", "1")

    def __init__(
        self, *, path: Path, key_space: str, pseudonymise: Pseudonymise, clock: Callable[[], datetime],
        key_ids: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._files = Folder(path, SUFFIXES - {".yaml", ".yml"})
        self._key_space = key_space
        self._pseudonymise = pseudonymise
        self._key_id = (key_ids or {}).get(key_space)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every export once. Rows that cannot be read make the run incomplete; the others count."""
        tally = Tally(SCOPE, FACTS)
        for name, body in every(self._files, names_of(self._files, tally) or (), tally):
            events = list(self._events(name, body, tally))
            tally.got += len(events)
            lines = "".join(json.dumps(event, sort_keys=True) + "\n" for event in events)
            yield Response(
                scope=SCOPE, request=asked(self._files, name), status=200, body=lines.encode(),
                caller=self._files.caller, received_at=self._clock(), media_type="application/x-ndjson",
                redactions=("everything but purpose, decision and time; identities replaced by pseudonyms",),
            )  # fmt: skip
        yield tally.coverage()

    def _events(self, name: str, body: bytes, tally: Tally) -> Iterator[dict[str, str]]:
        try:
            for row in rows(name, body):
                try:
                    for preference in preferences(row.value):
                        yield self._event(preference)
                except (InputRefused, NotFound) as error:
                    tally.gap(f"{name}:{row.line}: {error.message.rstrip('.')}")
        except InputRefused as error:
            tally.gap(error.message.rstrip("."))

    def _event(self, preference: Preference) -> dict[str, str]:
        event = {
            "key_space": self._key_space, "pseudonym": self._pseudonymise(self._key_space, preference.identity),
            "purpose": preference.purpose, "action": preference.action, "at": preference.at,
        }  # fmt: skip
        return event | ({"key_id": self._key_id} if self._key_id else {})

    def check(self) -> Sequence[Access]:
        """List the files, and open the first."""
        return reachable(self._files, FACTS)
