"""Record usage over a store: hands the pure engine what it is computed from, and keeps its worlds.

A world (merged runs, resolved reads) does not depend on the record asked for; it is kept until an
entry, an instant or a source's state changes something in it.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from compliance.as_of import FactsAsOf
from compliance.canonical import Json
from compliance.facts import Received, ReceivedKind
from compliance.lineage import Answer, Question, UsageInput, UsageSettings, World, record_usage

KINDS: tuple[ReceivedKind, ...] = (
    "lineage", "manifest", "consent", "erasure", "contract", "purpose", "decision", "model_version", "feature_view",
    "table_versions", "model_decision",
)  # fmt: skip
KEPT = 4


@dataclass(frozen=True)
class MembershipAsOf:
    """The membership port over the projections; a person's older pseudonyms are asked too."""

    facts: FactsAsOf
    older: tuple[str, ...] = ()

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The evidence ids of all manifests of the key space that contain the pseudonym."""
        found = self.facts.holding(key_space, pseudonym)
        for other in self.older:
            found |= self.facts.holding(key_space, other)
        return found


class RecordUsage:
    """Answers questions, reusing worlds. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worlds: OrderedDict[Hashable, World] = OrderedDict()

    def answer(self, facts: FactsAsOf, question: Question, *, older: Sequence[str]) -> Answer:
        """The answer of CONTRACT section 4, but for the four values and the checkpoint.

        ``older`` are the pseudonyms of the same key under retired secrets.
        """
        if older:
            return record_usage(World.build(_joined_input(facts, question, tuple(older))), question)
        return record_usage(self.world(facts), question)

    def world(self, facts: FactsAsOf) -> World:
        """The world of these facts, built once for all questions."""
        key = _world_key(facts)
        with self._lock:
            if key in self._worlds:
                self._worlds.move_to_end(key)
                return self._worlds[key].with_membership(MembershipAsOf(facts))
        world = World.build(usage_input(facts, MembershipAsOf(facts)))
        with self._lock:
            self._worlds[key] = world
            while len(self._worlds) > KEPT:
                self._worlds.popitem(last=False)
        return world


def usage_input(facts: FactsAsOf, membership: MembershipAsOf) -> UsageInput:
    """Everything known as of the facts' instant and log size."""
    received = [record for kind in KINDS for record in facts.received(kind)]
    return UsageInput(received, membership, _settings(facts.config()), facts.sources())


def _settings(config: Mapping[str, Json]) -> UsageSettings:
    def named(dataset: Mapping[str, str]) -> tuple[str, str]:
        return dataset["namespace"], dataset["name"]

    return UsageSettings(
        aliases=tuple(tuple(named(d) for d in group) for group in config.get("aliases", ())),
        replaces=frozenset(named(d) for d in config.get("replaces", ())),
    )


def _world_key(facts: FactsAsOf) -> Hashable:
    states = tuple((state.name, state.cause, state.detail) for state in facts.sources())
    return facts.last_change(KINDS), states, json.dumps(facts.config(), sort_keys=True)


def _joined_input(facts: FactsAsOf, question: Question, older: tuple[str, ...]) -> UsageInput:
    """The input with a person's older pseudonyms read as the one asked for."""
    same = dict.fromkeys(older, question.pseudonym)
    plain = usage_input(facts, MembershipAsOf(facts, older))
    return replace(plain, received=[_renamed(record, question.key_space, same) for record in plain.received])


def _renamed(record: Received, key_space: str, same: Mapping[str, str]) -> Received:
    value = record.value
    if record.kind in {"consent", "erasure"} and value.get("key_space") == key_space:
        return replace(record, value={**value, "pseudonym": same.get(value["pseudonym"], value["pseudonym"])})
    if record.kind == "decision":
        records = [
            {**item, "pseudonym": same.get(item["pseudonym"], item["pseudonym"])}
            if item["key_space"] == key_space
            else item
            for item in value.get("records", ())
        ]
        return replace(record, value={**value, "records": records})
    return record
