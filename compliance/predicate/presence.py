"""Where an expression stands, and what ``has()`` has settled before it is reached.

Pure. A *place* is a path into the fact that an expression names; its *key* also tells list elements
and loop variables apart, so that ``has(k.last_used)`` speaks for that ``k`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from compliance.facts import Field

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Place:
    """A path into the fact: its dotted name, and the optional parts on the way to it."""

    path: str
    key: str
    fields: tuple[Field, ...]
    many: bool = False
    optional: tuple[str, ...] = ()
    """Keys that must be known to be present before this place is read."""
    heavy: bool = True
    """Whether it holds text, which CEL copies each time it is read."""
    guardable: bool = True
    """Whether the same words always mean the same element (a computed index does not)."""

    def member(self, name: str) -> Place | None:
        """The field of that name; None where there is none, which CEL refuses by itself."""
        part = next((part for part in self.fields if part.name == name), None)
        if part is None or self.many:
            return None
        key = f"{self.key}.{name}"
        return Place(
            f"{self.path}.{name}".lstrip("."), key, part.fields, part.type in {"strings", "records"},
            (*self.optional, key) if part.optional else self.optional,
            part.type in {"string", "strings", "record", "records"}, self.guardable,
        )  # fmt: skip

    def element(self, key: str, *, guardable: bool = True) -> Place:
        """One element of this list, known under ``key``."""
        return replace(self, many=False, key=key, guardable=guardable)

    @property
    def is_optional(self) -> bool:
        """Whether the place itself, not only a record around it, may be absent."""
        return self.key in self.optional

    def leaves(self) -> set[str]:
        """The paths that reading this place whole reads."""
        return {self.path} | {leaf for part in self.fields for leaf in _leaves(part, self.path)}


def _leaves(part: Field, prefix: str) -> set[str]:
    path = f"{prefix}.{part.name}"
    return {path} | {leaf for inner in part.fields for leaf in _leaves(inner, path)}


Scope = Mapping[str, "Place | None"]
"""What each variable stands for; None for one that is no part of the fact."""


def place_of(expr: Any, scope: Scope) -> Place | None:
    """The place that an expression names, or None where it is computed."""
    match kind_of(expr):
        case "ident_expr":
            return scope.get(expr.ident_expr.name)
        case "select_expr":
            operand = place_of(expr.select_expr.operand, scope)
            return None if operand is None else operand.member(expr.select_expr.field)
        case "call_expr" if expr.call_expr.function == "_[_]":
            return _indexed(expr.call_expr, scope)
        case _:
            return None


def _indexed(call: Any, scope: Scope) -> Place | None:
    operand = place_of(call.args[0], scope)
    if operand is None or not operand.many:
        return None
    index = call.args[1]
    fixed = kind_of(index) == "const_expr" and operand.guardable
    number = str(index.const_expr.int64_value) if fixed else "?"
    return operand.element(f"{operand.key}[{number}]", guardable=fixed)


_EXPRS = (
    "const_expr",
    "ident_expr",
    "select_expr",
    "call_expr",
    "list_expr",
    "struct_expr",
    "comprehension_expr",
)


def kind_of(expr: Any) -> str:
    """Which kind of expression it is, by the name of its member in cel-spec's ``Expr``."""
    return next((name for name in _EXPRS if expr.HasField(name)), "")


def present_if(expr: Any, scope: Scope, *, holds: bool) -> frozenset[str]:
    """The keys of optional places that are present whenever ``expr`` comes out as ``holds``."""
    if kind_of(expr) == "select_expr" and expr.select_expr.test_only:
        tested = place_of(expr, scope)
        return frozenset({tested.key}) if holds and tested is not None and tested.guardable else NOTHING
    if kind_of(expr) != "call_expr":
        return NOTHING
    call = expr.call_expr
    if call.function == "!_":
        return present_if(call.args[0], scope, holds=not holds)
    if call.function in {"_&&_", "_||_"}:
        both = (call.function == "_&&_") == holds
        unite: Callable[[frozenset[str], frozenset[str]], frozenset[str]]
        unite = frozenset.union if both else frozenset.intersection
        left, right = (present_if(arg, scope, holds=holds) for arg in call.args)
        return unite(left, right)
    return NOTHING
