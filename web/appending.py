"""From an arrived body to an entry of the log: rights, unpacking, acceptance, and the append."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anyio import CapacityLimiter

from collectors.pushed.accepting import EVERY_DATASET, Accepted, DatasetName, Form, Item
from collectors.pushed.redaction import Cleaner, at
from compliance.canonical import Json, content_bytes, evidence_id
from compliance.errors import Forbidden, InputRefused, NotFound
from compliance.evidence import CollectorName, Observation
from compliance.keyspaces import KeySpaces
from compliance.sealing import subject_key
from compliance.settings import Settings, SourceSettings
from web.caller import UNBOUND, Caller
from web.limits import Sent
from web.ports import StorePort

INTAKE = CollectorName("muniment-intake", "1")
"""The version changes with what is accepted, masked or recorded."""
KNOWN_BYTES = 16
OF_A_SUBJECT = frozenset({"consents/1", "decisions/1"})
"""Kinds that are sealed under the subject's own key where they are about one alone."""


def cleaner_of(settings: Settings, key_spaces: KeySpaces) -> Cleaner:
    """What is taken out of every body. Raises InputRefused for a pointer or pattern that is wrong."""

    def pseudonymise(key_space: str, key: str) -> str:
        try:
            return key_spaces.pseudonym(key_space, key)
        except NotFound as error:
            raise InputRefused(error.message, field="key_space") from error

    return Cleaner.configured(
        pseudonymise, pointers=settings.redact.pointers, patterns=settings.redact.patterns
    )


@dataclass(frozen=True)
class Arrival:
    """One body that arrived at one endpoint, with who sent it."""

    store: StorePort
    cleaner: Cleaner
    caller: Caller
    sent: Sent
    endpoint: str
    threads: CapacityLimiter
    """The threads kept for intake."""

    @property
    def source(self) -> str:
        """The source of the entry: the token's, never the body's."""
        return self.caller.source or UNBOUND

    @property
    def sender(self) -> str:
        """Who sent it, as the entry names them: the token; a person's name is nothing that an entry may hold."""
        return self.caller.name if self.caller.via == "token" else "person"

    def bound(self, kind: str) -> SourceSettings | None:
        """The token's source, if it may send that kind. Raises Forbidden."""
        if self.caller.source is None:
            return None
        source = self.store.settings.source(self.caller.source)
        if source is None:
            raise Forbidden(f"The token's source {self.caller.source!r} is configured no longer.")
        if source.accepts and kind not in source.accepts:
            allowed = ", ".join(source.accepts)
            raise Forbidden(f"The source {source.name} may send {allowed}; this is {kind}.")
        return source

    def append(self, accepted: Accepted, more: Mapping[str, Json] | None = None) -> int | None:
        """Append the body, unless every item of it was sent before. Returns its index, or None."""
        if not accepted.items:
            return None
        detail = {
            "endpoint": self.endpoint, "caller": self.sender, **accepted.detail(), **(more or {}),
        }  # fmt: skip
        key_ids = _key_ids(accepted, self.store.key_spaces)
        if key_ids:
            detail["key_ids"] = key_ids
        observation = Observation(
            accepted.form.kind, self.source, INTAKE, accepted.body, accepted.media_type,
            observed_at=accepted.observed_at(self.store.clock()), detail=detail,
            sealed=accepted.form.sealed, known=self.known(item.value for item in accepted.items),
            key=self._subject_key(accepted),
        )  # fmt: skip
        return self.store.log.append([observation])[0]

    def _subject_key(self, accepted: Accepted) -> str | None:
        """The data key of the one subject that a body is about, so that it can be erased with them.

        That they were erased is no such thing: the proof of it must outlive what it is about.
        """
        if accepted.form.kind not in OF_A_SUBJECT:
            return None
        holders = [
            at(item.value, holder) for item in accepted.items for holder in accepted.form.holders(item.value)
        ]
        named = [(holder.get("key_space"), holder.get("pseudonym")) for holder in holders]
        # What names its key space by no text, or nobody, is about no one subject.
        told = [one for one in named if isinstance(one[0], str) and isinstance(one[1], str)]
        if len(told) < len(named) or len(set(told)) != 1:
            return None
        space, pseudonym = told[0]
        return subject_key(self.store.log.dedupe_key, space, pseudonym)

    def known(self, items: Iterable[Json]) -> tuple[bytes, ...]:
        """The digests by which the same items are recognised when they are sent again.

        Keyed, so that a digest confirms no guess; the same item counts once per source and endpoint.
        """
        prefix = f"{self.source}\n{self.endpoint}\n".encode()
        key = self.store.log.dedupe_key
        digests = (hmac.digest(key, prefix + content_bytes(item), "sha256")[:KNOWN_BYTES] for item in items)
        return tuple(dict.fromkeys(digests))


def refuse_outside(source: SourceSettings | None, accepted: Accepted) -> None:
    """Raise Forbidden where an item speaks of a dataset outside the source's namespaces."""
    for item in accepted.items:
        error = outside(source, accepted.form, item)
        if error is not None:
            raise error


def outside(source: SourceSettings | None, form: Form, item: Item) -> Forbidden | None:
    """The refusal of an item that speaks of a dataset outside the source's namespaces, or None."""
    if source is None or not source.namespaces:
        return None
    for dataset in form.datasets(item.value):
        if dataset[0] not in source.namespaces:
            return _forbidden(source, dataset, item.place)
    return None


def refuse_namespace(source: SourceSettings | None, dataset: DatasetName) -> None:
    """Raise Forbidden for a dataset outside the source's namespaces."""
    if source is not None and source.namespaces and dataset[0] not in source.namespaces:
        raise _forbidden(source, dataset, "")


def _forbidden(source: SourceSettings, dataset: DatasetName, place: str) -> Forbidden:
    named = "every dataset" if dataset == EVERY_DATASET else f"{dataset[0]}/{dataset[1]}"
    allowed = ", ".join(source.namespaces)
    message = f"The source {source.name} may speak of the namespaces {allowed} only; this speaks of {named}."
    return Forbidden(message, field=place or None)


def _key_ids(accepted: Accepted, key_spaces: KeySpaces) -> dict[str, str]:
    """The current key id of each key space in which the items name records: what they say by default."""
    stated = [
        at(item.value, holder).get("key_space")
        for item in accepted.items
        for holder in accepted.form.holders(item.value)
    ]
    # A record of a decision log is kept whatever it names its key space by.
    named = {space for space in stated if isinstance(space, str)}
    held = key_spaces.key_ids()
    return {name: held[name][0] for name in sorted(named & held.keys()) if held[name]}


def receipt(index: int | None, items: int) -> dict[str, Json]:
    """What a sender is told: the entry, or that all of it was known before."""
    entry = None if index is None else evidence_id(index)
    return {"entry": entry, "items": items, "known_before": index is None and items > 0}
