"""Strongly connected parts of a graph: the cycles that lineage may have, without recursion.

Pure. R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972), with an
explicit stack, so that no chain of versions is too long.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

NodeT = TypeVar("NodeT", bound=Hashable)


def components(nodes: Iterable[NodeT], after: Mapping[NodeT, Sequence[NodeT]]) -> list[list[NodeT]]:
    """The strongly connected parts, each after all that it leads to: reverse topological order."""
    search = _Search(after)
    for node in nodes:
        if node not in search.number:
            search.from_(node)
    return search.found


class _Search(Generic[NodeT]):
    def __init__(self, after: Mapping[NodeT, Sequence[NodeT]]) -> None:
        self.after = after
        self.number: dict[NodeT, int] = {}
        self.low: dict[NodeT, int] = {}
        self.open: dict[NodeT, None] = {}
        self.found: list[list[NodeT]] = []

    def from_(self, root: NodeT) -> None:
        """Visit all that ``root`` leads to and that was not visited."""
        path: list[tuple[NodeT, Iterator[NodeT]]] = [(root, self._enter(root))]
        while path:
            node, rest = path[-1]
            following = next((other for other in rest if self._is_new(node, other)), None)
            if following is not None:
                path.append((following, self._enter(following)))
                continue
            path.pop()
            if path:
                parent = path[-1][0]
                self.low[parent] = min(self.low[parent], self.low[node])
            if self.low[node] == self.number[node]:
                self._close(node)

    def _enter(self, node: NodeT) -> Iterator[NodeT]:
        self.number[node] = self.low[node] = len(self.number)
        self.open[node] = None
        return iter(self.after.get(node, ()))

    def _is_new(self, node: NodeT, other: NodeT) -> bool:
        if other not in self.number:
            return True
        if other in self.open:
            self.low[node] = min(self.low[node], self.number[other])
        return False

    def _close(self, node: NodeT) -> None:
        part: list[NodeT] = []
        while not part or part[-1] != node:
            part.append(self.open.popitem()[0])
        self.found.append(part)
