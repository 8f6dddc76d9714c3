"""What was worked out of a log's past before, in memory and in files, and how much of it still holds."""

from __future__ import annotations

import threading

from compliance.assessment import Worked
from compliance.canonical import Json, from_micros
from compliance.history import History
from compliance.store import PROGRAM, Store
from compliance.trailfile import Kept, TrailFiles


class Followed:
    """The trails of one store's controls. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._files = TrailFiles(store.settings.home / "projections")
        # A lock of its own: forgetting waits for whoever works, and other questions shall not.
        self._lock = threading.Lock()
        self._worked: dict[tuple[Json, ...], tuple[int, Worked]] = {}

    def forget(self) -> None:
        """Forget what is in memory: the rows it was worked out of were made again."""
        self._worked = {}

    def worked_out(self, library: str, log_size: int, history: History) -> Worked:
        """What was worked out and holds for a library and log size, by the same configuration.

        It holds up to the instant from which on something came since that counts.
        """
        key = self._key(library, log_size)
        with self._lock:
            size, worked = self._worked.get(key) or self._read(key, log_size)
            if size > log_size:
                size, worked = 0, Worked()
            earliest = history.earliest_between(size, log_size)
            if size and earliest is not None:
                worked = worked.before(from_micros(earliest))
            if self._worked.get(key, (0, worked))[0] <= log_size:
                self._worked = {key: (log_size, worked)}
            return worked

    def keep(self, library: str, log_size: int, worked: Worked) -> None:
        """Write what was worked out to a file."""
        root = self._store.log.root(log_size).hex()
        with worked.lock:
            trails = dict(worked.trails)
        self._files.write(list(self._key(library, log_size)), Kept(log_size, root, trails))

    def _key(self, library: str, log_size: int) -> tuple[Json, ...]:
        configuration = self._store.config_index(log_size)
        return PROGRAM, self._store.projections.generation, library, configuration

    def _read(self, key: tuple[Json, ...], log_size: int) -> tuple[int, Worked]:
        kept = self._files.read(list(key))
        if kept is None or kept.log_size > log_size or kept.log_size == 0:
            return 0, Worked()
        if self._store.log.root(kept.log_size).hex() != kept.root:
            return 0, Worked()
        return kept.log_size, Worked(dict(kept.trails))


def looks_of(worked: Worked) -> int:
    """How many looks are held."""
    return sum(len(trail.looks) for trail in worked.trails.values())
