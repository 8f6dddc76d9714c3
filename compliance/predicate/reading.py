"""Which fields an expression reads, and what in it is refused at load.

Pure. The walk goes once over the checked tree. It gathers every path that is read, so that an unseen
field is never handed to CEL, and every fault, so that an author sees them all at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from compliance.facts import FactSchema
from compliance.predicate.checked import decode
from compliance.predicate.presence import NOTHING, Place, Scope, kind_of, place_of, present_if

NOW = "now"
"""The variable that holds the instant judged."""
_JOINING = {"add_string", "add_list", "add_bytes"}


@dataclass(frozen=True)
class Around:
    """What surrounds the expression under the walk."""

    scope: Scope
    known: frozenset[str] = NOTHING
    """Keys of optional places that are present here, because ``has()`` said so."""
    accumulator: str | None = None
    """The name under which the comprehension around gathers its result; None outside one."""
    element: str = ""
    """The key of that comprehension's variable."""
    counted: bool = False
    """Whether only the size of what is gathered matters."""


@dataclass
class Reading:
    """What the walk finds."""

    reads: set[str] = field(default_factory=set)
    guarded: set[str] = field(default_factory=set)
    unguarded: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    clock: bool = False
    """Whether the expression reads ``now``."""
    loops: set[str] = field(default_factory=set)
    """Paths of the lists that are gone through; "" for one that is written out or computed."""
    repeats: int = 0
    """How often texts from outside a loop are read inside it: each time they are copied."""
    gathers: bool = False
    """Whether a loop gathers a list, which CEL copies at each step."""
    overloads: dict[int, frozenset[str]] = field(default_factory=dict)
    variables: int = 0

    def fault(self, text: str) -> None:
        """Note a fault once."""
        if text not in self.faults:
            self.faults.append(text)

    def walk(self, expr: Any, around: Around) -> None:
        """Visit an expression and everything in it."""
        kind = kind_of(expr)
        if kind in _VISITS:
            _VISITS[kind](self, expr, around)

    # 1. Names and fields: what is read.

    def place(self, expr: Any, around: Around) -> Place | None:
        """The place that an expression names, having visited the indices on the way to it."""
        place = place_of(expr, around.scope)
        while place is not None and kind_of(expr) != "ident_expr":
            if kind_of(expr) == "call_expr":
                self.walk(expr.call_expr.args[1], around)
                expr = expr.call_expr.args[0]
            else:
                expr = expr.select_expr.operand
        return place

    def name(self, expr: Any, around: Around) -> None:
        """Visit a name that stands by itself."""
        name = expr.ident_expr.name
        if name == NOW and name not in around.scope:
            self.clock = True
        place = around.scope.get(name)
        if place is not None and not place.path:
            self.fault(f"{name} is compared or passed on whole; name the fields that matter")
        elif place is not None and place.fields:
            self.read(place, around)

    def select(self, expr: Any, around: Around) -> None:
        """Visit ``operand.field`` or ``has(operand.field)``."""
        place = self.place(expr, around)
        if place is None:
            self.fault("a field is taken of something computed; take it of the fact or of a loop's variable")
        elif expr.select_expr.test_only:
            self.test(place, around)
        else:
            self.read(place, around)

    def test(self, place: Place, around: Around) -> None:
        """``has()``: fitting for optional fields only, and itself a read."""
        if not place.is_optional:
            self.fault(f"has() stands on {place.path}, which is always there; drop it")
        self.reads.add(place.path)
        self.guarded.add(place.path)
        self.settled(
            replace(place, optional=tuple(key for key in place.optional if key != place.key)), around
        )

    def read(self, place: Place, around: Around, *, shape: bool = False) -> None:
        """A read of a place: whole, or its shape alone (how long a list is, which elements it has)."""
        self.reads |= {place.path} if shape else place.leaves()
        (self.guarded if place.is_optional else self.unguarded).add(place.path)
        own = place.key == around.element or place.key.startswith(f"{around.element}.")
        if around.accumulator is not None and place.heavy and not shape and not own:
            self.repeats += 1
        self.settled(place, around)

    def settled(self, place: Place, around: Around) -> None:
        """Refuse a place that may be absent here."""
        if set(place.optional) - around.known:
            self.fault(
                f"{place.path} may be absent, and is read where has({place.path}) has not been asked; "
                f"write has(…) && … or !has(…) || …"
            )

    # 2. Calls: three of them decide what is known to be present, three have bounds.

    def call(self, expr: Any, around: Around) -> None:
        """Visit a function or operator."""
        call = expr.call_expr
        match call.function:
            case "_&&_" | "_||_":
                self.either(call, around, holds=call.function == "_&&_")
            case "_?_:_":
                self.choice(call, around)
            case "_[_]":
                self.index(expr, around)
            case "size":
                self.size(call, around)
            case "dyn":
                self.fault("dyn() gives up the types; compare values of their own type")
            case "_+_":
                self.plus(expr, around)
            case _:
                self.each(call, around)

    def either(self, call: Any, around: Around, *, holds: bool) -> None:
        """``a && b``: where a is false, b cannot matter; so each side knows what the other implies."""
        left, right = call.args
        for side, other in ((left, right), (right, left)):
            known = around.known | present_if(other, around.scope, holds=holds)
            self.walk(side, replace(around, known=known))

    def choice(self, call: Any, around: Around) -> None:
        """``c ? a : b``."""
        asked, then, otherwise = call.args
        self.walk(asked, around)
        for branch, holds in ((then, True), (otherwise, False)):
            known = around.known | present_if(asked, around.scope, holds=holds)
            self.walk(branch, replace(around, known=known))

    def index(self, expr: Any, around: Around) -> None:
        """``list[i]``: the element is a place, the index is an expression of its own."""
        place = self.place(expr, around)
        if place is None:
            self.each(expr.call_expr, around)
        else:
            self.read(place, around)

    def size(self, call: Any, around: Around) -> None:
        """``size(list)`` reads how long a list is, not what is in it."""
        operand = call.target if call.HasField("target") else call.args[0]
        place = self.place(operand, around)
        if place is not None and place.path:
            self.read(place, around, shape=True)
        else:
            self.walk(operand, replace(around, counted=True))

    def plus(self, expr: Any, around: Around) -> None:
        """``a + b``: texts and lists joined in a loop can grow without bound, but for the loop's own list."""
        left, right = expr.call_expr.args
        joins = bool(self.overloads.get(expr.id, NOTHING) & _JOINING)
        if around.accumulator is None or not joins:
            self.each(expr.call_expr, around)
        elif kind_of(left) != "ident_expr" or left.ident_expr.name != around.accumulator:
            self.fault(
                "texts or lists are joined with + inside all, exists, map or filter; do it in a derived fact"
            )
        else:
            self.gathered(right, around)

    def gathered(self, expr: Any, around: Around) -> None:
        """What ``map`` and ``filter`` gather: a loop over long texts must not copy them each time."""
        self.gathers = True
        for element in expr.list_expr.elements:
            place = place_of(element, around.scope)
            own = place is not None and (place.key + ".").startswith(f"{around.element}.")
            if place is not None and not own:
                self.fault("map gathers something else than the loop's variable or a field of it")
            elif not (around.counted and kind_of(element) == "ident_expr"):
                self.walk(element, around)

    def each(self, call: Any, around: Around) -> None:
        """Visit what a call is made on and with."""
        if call.HasField("target"):
            self.walk(call.target, around)
        for arg in call.args:
            self.walk(arg, around)

    # 3. Lists, maps and loops.

    def elements(self, expr: Any, around: Around) -> None:
        """Visit a list written out."""
        for element in expr.list_expr.elements:
            self.walk(element, around)

    def pairs(self, expr: Any, around: Around) -> None:
        """Visit a map written out; messages are not built in a predicate."""
        if expr.struct_expr.message_name:
            self.fault(f"a {expr.struct_expr.message_name} is built; compare fields instead")
        for entry in expr.struct_expr.entries:
            for part in (entry.map_key, entry.value):
                self.walk(part, around)

    def loop(self, expr: Any, around: Around) -> None:
        """Visit ``all``, ``exists``, ``exists_one``, ``map`` or ``filter``."""
        loop = expr.comprehension_expr
        if around.accumulator is not None:
            self.fault(
                "one of all, exists, exists_one, map, filter stands inside another; count in a derived fact"
            )
        place = self.place(loop.iter_range, around)
        if place is None or not place.many:
            self.walk(loop.iter_range, replace(around, accumulator=loop.accu_var))
        else:
            self.read(place, around, shape=True)
        self.variables += 1
        key = f"#{self.variables}"
        element = place.element(key) if place is not None and place.many else None
        self.loops.add("" if element is None else element.path)
        scope = {**around.scope, loop.iter_var: element, loop.accu_var: None}
        inner = Around(scope, around.known, loop.accu_var, key, around.counted)
        self.walk(loop.accu_init, around)
        for part in (loop.loop_condition, loop.loop_step):
            self.walk(part, inner)
        self.walk(loop.result, replace(around, scope={**around.scope, loop.accu_var: None}))


_VISITS: dict[str, Callable[[Reading, Any, Around], None]] = {
    "ident_expr": Reading.name, "select_expr": Reading.select, "call_expr": Reading.call,
    "list_expr": Reading.elements, "struct_expr": Reading.pairs, "comprehension_expr": Reading.loop,
}  # fmt: skip


def read_expression(serialized: bytes, schema: FactSchema, name: str) -> Reading:
    """What a checked expression reads of the fact bound to ``name``, and what in it is refused."""
    root, overloads = decode(serialized)
    reading = Reading(overloads=overloads)
    reading.walk(root, Around({name: Place("", name, schema.fields)}))
    return reading
