"""The path of a record as a graph: dataset versions and runs, from where it entered to where it was used.

NetworkX carries the extracted answer; Graphviz draws it, and GraphML takes it elsewhere. Pure.
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
DRAWN_AT_MOST = 120
"""Nodes of a picture; what is longer is drawn up to there and says so."""
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


COLOURS = {"violation": "#b3361e", "possible": "#8a6100", "in-order": "#5d5a54"}
SHAPES = {"dataset": "box", "run": "ellipse"}


def as_dot(graph: UsageGraph) -> str:
    """Graphviz source of the picture: at most ``DRAWN_AT_MOST`` nodes, nearest the origins first."""
    origins = sorted(node for node, degree in graph.in_degree() if degree == 0)
    order = [node for layer in nx.bfs_layers(graph, origins) for node in sorted(layer)] if origins else sorted(graph)
    drawn = graph.subgraph(order[:DRAWN_AT_MOST])
    lines = [
        "digraph usage {",
        'rankdir=LR; bgcolor="transparent"; nodesep=0.22; ranksep=0.5;',
        'node [fontname="sans-serif", fontsize=11, style="filled", fillcolor="#ffffff", penwidth=1.2, margin="0.12,0.06"];',
        'edge [color="#8a867e", arrowsize=0.7];',
    ]
    lines += [_node(node, drawn.nodes[node]) for node in sorted(drawn)]
    lines += [f"{_quoted(a)} -> {_quoted(b)};" for a, b in sorted(drawn.edges)]
    if len(graph) > len(drawn):
        lines.append(f'more [shape=plaintext, style="", label="and {len(graph) - len(drawn)} more"];')
    return "\n".join([*lines, "}"])


def _node(name: str, attributes: Mapping[str, str]) -> str:
    colour = COLOURS[attributes["state"]]
    shape = SHAPES.get(attributes["kind"], "component" if attributes["kind"] == "model" else "note")
    style = "filled,dashed" if attributes["state"] == "possible" else "filled"
    return (
        f"{_quoted(name)} [label={_quoted(attributes['label'])}, tooltip={_quoted(name)}, shape={shape},"
        f' color="{colour}", fontcolor="{colour}", style="{style}"];'
    )


def _quoted(text: str) -> str:
    """A DOT string: hostile names stay text, whatever they hold."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else " " for letter in escaped) + '"'


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
