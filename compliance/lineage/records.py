"""What record usage is computed from, and the question it answers (CONTRACT section 4).

Pure. Everything that may sway an answer is in ``UsageInput``; nothing else is consulted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from compliance.canonical import Json
from compliance.facts import Received, SourceState

DatasetName = tuple[str, str]
"""``(namespace, name)`` of a dataset."""


class Membership(Protocol):
    """Which membership manifests hold a pseudonym. Engines hide behind this port."""

    def holding(self, key_space: str, pseudonym: str) -> frozenset[str]:
        """The evidence ids of all manifests of the key space that contain the pseudonym."""
        ...


@dataclass(frozen=True)
class UsageSettings:
    """Configuration that sways an answer; it is read from the log, never from settings."""

    aliases: tuple[tuple[DatasetName, ...], ...] = ()
    """Groups of names of the same dataset."""
    replaces: frozenset[DatasetName] = frozenset()
    """Datasets that configuration says are replaced by every writing run."""


@dataclass(frozen=True)
class UsageInput:
    """Everything known as of an instant and a log size, in any order.

    ``received`` holds records of these kinds, ``value`` being:

    - ``lineage``: an OpenLineage RunEvent, JobEvent or DatasetEvent as received;
    - ``manifest``: ``{"namespace", "name", "version", "key_space", "completeness": "full"|"partial",
      "digest": SHA-256 of the sorted members, "key_id"?}``, its members behind ``membership``;
    - ``consent``, ``erasure``, ``contract``: as CONTRACT section 3 says, keys as pseudonyms;
    - ``purpose``: one purpose of the register;
    - ``decision``: normalised: ``{"decision_id", "timestamp", "allowed": bool, "purpose"?, "principal"?,
      "model"?, "dataset"?: {"namespace", "name"}, "records": [{"key_space", "pseudonym"}]}``;
    - ``model_version``: ``{"name", "version", "run_ids": [ids of the training run: the registry's own,
      and every ``openlineage.run_id`` tag of the version or its run], "purpose"?}``, ``purpose`` the
      model's in its registry;
    - ``feature_view``: ``{"namespace", "name", "features": [column]}``, a dataset that the feature
      registry knows as a feature view;
    - ``model_decision``: ``{"request_id", "model": NAME@VERSION, "action", "decided_by", "decided_at", "because"}``;
    - ``table_versions``: ``{"namespace", "name", "versions": [version]}``: what a table's own log (Delta,
      Iceberg) still offers to be read, older versions included.

    ``sources`` are the configured sources; one with a ``cause`` is stale or failing.
    """

    received: Sequence[Received]
    membership: Membership
    settings: UsageSettings = UsageSettings()
    sources: Sequence[SourceState] = ()


@dataclass(frozen=True)
class Question:
    """Which record, and which span of uses. ``from_``/``to`` keep uses whose [start, end] meets [from, to)."""

    key_space: str
    pseudonym: str
    at: datetime
    from_: datetime | None = None
    to: datetime | None = None
    key_ids: frozenset[str] | None = None
    """The key ids under which it is asked; a full manifest under another one excludes nobody, and is a
    gap. None: every manifest speaks."""


Answer = Mapping[str, Json]
"""The answer of CONTRACT section 4 as JSON, without ``library``, ``log_size``, ``program`` and
``checkpoint``, which the shell adds. Lists have a stated order."""
