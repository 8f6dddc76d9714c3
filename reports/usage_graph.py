"""The path of a record as a graph: dataset versions and runs, from where it entered to where it was used.

NetworkX carries the extracted answer; GraphML takes it to other tools. Pure.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import networkx as nx

from compliance.canonical import Json
from reports.usage import consumer_name

if TYPE_CHECKING:
    UsageGraph: TypeAlias = nx.DiGraph[str]
else:
    UsageGraph = nx.DiGraph
"""Nodes are names of dataset versions, runs and consumers. (Only the stubs know the class as generic.)"""
LABEL_AT_MOST = 44


def usage_graph(answer: Mapping[str, Json]) -> UsageGraph:
    """The union of the paths of all uses. Nodes bear ``kind`` (dataset, run, consumer), ``label``, ``state``.

    ``state`` is ``violation``, ``possible`` or ``in-order``.
    """
    graph: UsageGraph = nx.DiGraph()
    held = {f"{d['namespace']}/{d['name']}@{d['version']}": d for d in answer["datasets"]}
    for use in answer["uses"]:
        _add_path(graph, use, held)
        for consumer in use["consumers"]:
            if consumer["kind"] != "job":
                _add_consumer(graph, use, consumer)
    return graph


def _add_path(graph: UsageGraph, use: Mapping[str, Json], held: Mapping[str, Mapping[str, Json]]) -> None:
    for name in use["path"]:
        if name.startswith("run:"):
            job = use["job"]["name"] if use["job"] and name == f"run:{use['run_id']}" else name
            kind, label, state = "run", job, _state(use) if name == f"run:{use['run_id']}" else "in-order"
        else:
            kind, label, state = "dataset", name.split("/", 1)[-1], _state(held.get(name, {}))
        if name not in graph or graph.nodes[name]["state"] == "in-order":
            graph.add_node(name, kind=kind, label=_short(label), state=state)
    nx.add_path(graph, use["path"])


def _add_consumer(graph: UsageGraph, use: Mapping[str, Json], consumer: Mapping[str, Json]) -> None:
    name = f"{consumer['kind']}:{consumer_name(consumer)}"
    graph.add_node(name, kind=consumer["kind"], label=_short(consumer_name(consumer)), state=_state(use))
    if use["path"]:
        graph.add_edge(use["path"][-1], name)


def _state(item: Mapping[str, Json]) -> str:
    if item.get("violations"):
        return "violation"
    return "possible" if item.get("certainty") == "possible" else "in-order"


def _short(text: str) -> str:
    return text if len(text) <= LABEL_AT_MOST else f"{text[: LABEL_AT_MOST - 1]}…"


def as_graphml(graph: UsageGraph) -> bytes:
    """The graph as GraphML, for tools that read such files."""
    clean = nx.relabel_nodes(graph, {name: _xml_text(name) for name in graph})
    for _, attributes in clean.nodes(data=True):
        attributes["label"] = _xml_text(attributes["label"])
    out = io.BytesIO()
    nx.write_graphml(clean, out)
    return out.getvalue()


def _xml_text(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
