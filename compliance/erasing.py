"""Erasure: data keys destroyed, so that what was sealed under them cannot be read, while every proof stays.

Each erasure is an entry first, then done: a crash between leaves a key that the log says is gone, which
the next erasure, or the next start, destroys. A legal hold blocks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compliance.bounds import ERASED, Bound
from compliance.canonical import Json
from compliance.errors import InputRefused, NotFound
from compliance.holding import CUSTODY, covered, decide, entries_of, holds_in_force, refuse_held
from compliance.sealing import subject_key
from compliance.store import Store


@dataclass(frozen=True)
class Erasure:
    """What was erased: by which entry, which keys, and of how many entries the content went."""

    index: int
    keys: tuple[str, ...]
    entries: int

    def as_json(self) -> dict[str, Json]:
        """As the command prints it."""
        return {"entry": str(self.index), "keys": list(self.keys), "entries": self.entries}


def keys_of_subject(store: Store, key_space: str, *, key: str | None, pseudonym: str | None) -> list[str]:
    """The data keys of one subject, under each secret of the key space. Raises InputRefused, NotFound."""
    if (key is None) == (pseudonym is None):
        raise InputRefused("Give either the subject's key or their pseudonym.", field="key")
    named = (
        [pseudonym] if pseudonym else [name for _, name in store.key_spaces.pseudonyms(key_space, key or "")]
    )
    return [subject_key(store.log.dedupe_key, key_space, name) for name in named]


def erase(store: Store, names: Sequence[str], *, who: str, reason: str) -> Erasure:
    """Destroy data keys. Raises NotFound where there is none of them, ContentHeld under a legal hold."""
    finish_erasures(store)
    found = [(name, store.log.data_keys.fingerprint(name)) for name in dict.fromkeys(names)]
    keys = [(name, fingerprint) for name, fingerprint in found if fingerprint is not None]
    if not keys:
        raise NotFound(
            "There is no such data key: nothing is sealed for that subject alone, or under that class, or it was"
            " erased before. `muniment erase --list` names the classes.",
            field="key",
        )
    if any(name.startswith(CUSTODY) for name, _ in keys):
        raise InputRefused("Who erased, held or expired what, and why, is kept.", field="class")
    entries = [one for name, _ in keys for one in covered(store, "sealed_by = :name", name=name)]
    refuse_held(holds_in_force(store), entries, "What would be erased")
    named: list[Json] = [{"name": name, "fingerprint": fingerprint} for name, fingerprint in keys]
    index = decide(store, ERASED, {"keys": named}, who=who, reason=reason)
    finish_erasures(store)
    return Erasure(index, tuple(name for name, _ in keys), len(entries))


def finish_erasures(store: Store) -> int:
    """Destroy every key that the log says is destroyed and that is still there; how many those were."""
    done = 0
    for index in entries_of(store, ERASED):
        bound = Bound.of(index, store.log.entry(index))
        for name, fingerprint in bound.keys if bound else ():
            done += store.log.data_keys.destroy(name, fingerprint)
    return done
