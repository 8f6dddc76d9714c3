"""Results that are worked out again and again of the same things, as of many instants. Pure but for its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
AT_MOST = 1 << 15
"""Things whose last result is kept."""


class Very:
    """These very objects, as part of what decides a result: equal only for the same ones, which it keeps."""

    __slots__ = ("_objects",)

    def __init__(self, *objects: object) -> None:
        self._objects = objects

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Very) or len(self._objects) != len(other._objects):
            return False
        return all(one is its for one, its in zip(self._objects, other._objects, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(map(id, self._objects)))


class Remembered(Generic[T]):
    """Of each thing (this very object) its last result, which holds while what else decides it is equal."""

    def __init__(self, at_most: int = AT_MOST) -> None:
        self._at_most = at_most
        self._held: dict[int, tuple[object, object, T]] = {}

    def of(self, thing: object, given: object, make: Callable[[], T]) -> T:
        """The result for a thing where all else that decides it is ``given``."""
        held = self._held.get(id(thing))
        if held is not None and held[0] is thing and held[1] == given:
            return held[2]
        made = make()
        if len(self._held) >= self._at_most:
            self._held = {}
        # The thing is kept beside its result, so that its identity cannot be taken over by another.
        self._held[id(thing)] = thing, given, made
        return made
