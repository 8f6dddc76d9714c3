"""Drawing a graph: Graphviz places boxes and lines, and the page's own SVG shows them.

Nothing of a name reaches Graphviz, and none of its markup reaches the page: it is given sizes and gives
places. Without it, or where it takes too long, there is no picture.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from web.pages.way import Node, Way

TIME_LIMIT_SECONDS = 5
INCH = 72.0
LETTER = 7.4
"""Width of a letter of a label, in points: on the wide side."""
PADDING = 26.0
HEIGHT = 42.0
MARGIN = 4.0
SCALED_FROM = 1450.0


@dataclass(frozen=True)
class Box:
    """A node and where it lies, in points from the upper left."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Drawing:
    """A graph with places."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    """Each edge as the ``d`` of an SVG path."""

    @property
    def fits(self) -> bool:
        """Whether it can still be read when it is made as narrow as the page; else it is scrolled."""
        return self.width <= SCALED_FROM


def drawn(way: Way) -> Drawing | None:
    """The graph with places, or None where it cannot be drawn."""
    program = shutil.which("dot")
    if program is None or not way.drawable:
        return None
    try:
        done = subprocess.run(  # noqa: S603 (Graphviz, on text of ours: numbers alone)
            [program, "-Tplain"], input=_source(way), capture_output=True, text=True, check=False,
            timeout=TIME_LIMIT_SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    return placed(way, done.stdout) if done.returncode == 0 else None


def _source(way: Way) -> str:
    lines = [
        "digraph {",
        "rankdir=LR; nodesep=0.2; ranksep=0.45;",
        'node [shape=box, fixedsize=true, label=""];',
    ]
    for number, node in enumerate(way.nodes):
        letters = max(len(node.label), len(node.said))
        width, height = (letters * LETTER + PADDING) / INCH, HEIGHT / INCH
        lines.append(f"n{number} [width={width:.3f}, height={height:.3f}];")
    lines += [f"n{a} -> n{b} [arrowhead=none];" for a, b in way.edges]
    return "\n".join([*lines, "}"])


def placed(way: Way, plain: str) -> Drawing | None:
    """The drawing that Graphviz's plain output describes (graphviz.org/docs/outputs/plain)."""
    rows = [line.split() for line in plain.splitlines()]
    size = next((row for row in rows if row[0] == "graph"), None)
    if size is None:
        return None
    height = float(size[3]) * INCH
    boxes = [_box(way, row, height) for row in rows if row[0] == "node"]
    lines = [_line(row, height) for row in rows if row[0] == "edge"]
    return Drawing(
        round(float(size[2]) * INCH + 2 * MARGIN, 1),
        round(height + 2 * MARGIN, 1),
        tuple(boxes),
        tuple(lines),
    )


def _box(way: Way, row: Sequence[str], height: float) -> Box:
    x, y, wide, high = (float(value) * INCH for value in row[2:6])
    return Box(
        way.nodes[int(row[1][1:])], round(x - wide / 2 + MARGIN, 1), round(height - y - high / 2 + MARGIN, 1),
        round(wide, 1), round(high, 1),
    )  # fmt: skip


def _line(row: Sequence[str], height: float) -> str:
    count = int(row[3])
    numbers = [float(value) * INCH for value in row[4 : 4 + 2 * count]]
    points = [
        f"{numbers[n] + MARGIN:.1f},{height - numbers[n + 1] + MARGIN:.1f}" for n in range(0, len(numbers), 2)
    ]
    return f"M{points[0]} C{' '.join(points[1:])}"
