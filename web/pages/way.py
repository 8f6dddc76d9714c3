"""By which way a record went: datasets, jobs and those who used it, as a small graph.

Pure. Versions of a dataset, runs of a job and versions of a model are drawn as one; the tables below
the picture name each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from compliance.canonical import Json

NODES_AT_MOST = 60
LABEL_AT_MOST = 28
STATES = ("violation", "unclear", "in-order")
"""The gravest first."""
ONE_OF = {"dataset": "version", "job": "run", "model": "version", "feature": "column", "decision": "time"}


@dataclass(frozen=True)
class Node:
    """A dataset, a job, or who used the record."""

    kind: str
    label: str
    said: str
    """How many versions or runs it stands for."""
    state: str


@dataclass(frozen=True)
class Way:
    """The graph: nodes in their order, and edges between positions."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]

    @property
    def drawable(self) -> bool:
        """Whether there is anything to draw, and not too much."""
        return 1 < len(self.nodes) <= NODES_AT_MOST


def state_of(item: Mapping[str, Json]) -> str:
    """How a use or a dataset version stands."""
    if item.get("violations"):
        return "violation"
    return "unclear" if item.get("certainty") == "possible" else "in-order"


Key: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name: what is drawn as one."""


@dataclass
class _Drawn:
    members: dict[Key, dict[str, str]] = field(default_factory=dict)
    """What is drawn as one → its versions or runs → the state of each."""
    edges: dict[tuple[Key, Key], None] = field(default_factory=dict)

    def put(self, key: Key, member: str, state: str) -> None:
        held = self.members.setdefault(key, {})
        held[member] = min(held.get(member, state), state, key=STATES.index)


def way_of(answer: Mapping[str, Json]) -> Way:
    """The union of the paths of all uses."""
    versions = {f"{d['namespace']}/{d['name']}@{d['version']}": d for d in answer["datasets"]}
    runs = {use["run_id"]: use for use in answer["uses"]}
    drawn = _Drawn()
    for use in answer["uses"]:
        before: Key | None = None
        for key, member, state in _steps(use, versions, runs):
            drawn.put(key, member, state)
            if before is not None and before != key:
                drawn.edges[before, key] = None
            before = key
        for key, member in _consumers(use):
            drawn.put(key, member, state_of(use))
            if before is not None:
                drawn.edges[before, key] = None
    order = {key: number for number, key in enumerate(drawn.members)}
    nodes = tuple(_node(key, members) for key, members in drawn.members.items())
    return Way(nodes, tuple((order[a], order[b]) for a, b in drawn.edges))


def _steps(
    use: Mapping[str, Json],
    versions: Mapping[str, Mapping[str, Json]],
    runs: Mapping[str, Mapping[str, Json]],
) -> Iterator[tuple[Key, str, str]]:
    """Each step of a path: what stands for it, its own name, and its state."""
    for step in use["path"]:
        if step.startswith("run:"):
            run = runs.get(step.removeprefix("run:"), {})
            job = run.get("job")
            if job is not None:
                yield ("job", job["namespace"], job["name"]), step, state_of(run)
        else:
            version = versions.get(step)
            named = ("", step.rpartition("@")[0] or step)
            if version is not None:
                named = version["namespace"], version["name"]
            yield ("dataset", *named), step, "in-order" if version is None else state_of(version)


def _consumers(use: Mapping[str, Json]) -> Iterator[tuple[Key, str]]:
    for consumer in use["consumers"]:
        kind, name, version = consumer["kind"], consumer["name"], consumer["version"]
        if kind == "feature":
            dataset, _, column = name.rpartition(":")
            yield (kind, "", f"features of {dataset}"), column
        elif kind != "job":
            yield (kind, "", name), str(version)


def _node(key: Key, members: Mapping[str, str]) -> Node:
    kind, _, label = key
    count, one = len(members), ONE_OF[kind]
    said = "" if count == 1 and kind == "decision" else f"{count} {one}{'' if count == 1 else 's'}"
    return Node(kind, _short(label), said, min(members.values(), key=STATES.index))


def _short(text: str) -> str:
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return (
        clean
        if len(clean) <= LABEL_AT_MOST
        else f"{clean[: LABEL_AT_MOST // 2]}…{clean[-LABEL_AT_MOST // 2 + 1 :]}"
    )
