"""Predicates: a bool expression over one fact, compiled once, that never sees an unseen field.

Pure. Hides CEL (cel-expr-python). Three verdicts are possible: true, false, and *unjudged* with a
cause. Evaluation errors, which CEL hands back as values, and exceptions are the third.

Bounds, in place of a worker process: an expression has at most 4 kB and no loop in a loop, lists have
at most 10,000 elements and a fact at most 256 KiB of text, so one evaluation takes at most some 10^8
steps. CEL copies a text each time it is read, so what a loop reads from outside it counts times the
length of its list, and the product is bounded too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, TypeAlias

from cel_expr_python import cel  # type: ignore[import-untyped]  # it ships stubs without py.typed

from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.evidence import Cause
from compliance.facts import FactSchema, Field, Unseen
from compliance.predicate.messages import MAX_TEXT, Form, NotJudgeable, Setter, form_of, setter_of
from compliance.predicate.reading import NOW, Reading, read_expression

MAX_BYTES = 4096
"""UTF-8 bytes of an expression."""
MAX_COPIED = 16 * 1024 * 1024
"""Characters that a loop may copy of texts from outside it."""
MAX_GATHERED = 2_000
"""Elements of a list that ``filter`` or ``map`` go through: they copy what they have at each step."""
LONGEST_WRITTEN = 1000
"""Elements that a list written out in 4 kB may have, rounded up."""


@dataclass(frozen=True)
class Unjudged:
    """Why a predicate has no verdict: the cause, the field where there is one, and a phrase."""

    cause: Cause
    why: str
    path: str | None = None


Verdict: TypeAlias = bool | Unjudged


class Predicate:
    """A compiled expression over facts of one schema. Made by ``compile_predicate``."""

    def __init__(self, text: str, form: Form, expression: Any, reading: Reading, name: str) -> None:
        self.text = text
        self.name = name
        self.reads = frozenset(reading.reads)
        """Dotted paths of the fields that the expression reads, list members without an index."""
        self.guarded = frozenset(reading.guarded - reading.unguarded)
        """Those of them that may be absent, each read stands under ``has()``."""
        self.reads_clock = reading.clock
        self._message = form.message
        self._expression = expression
        self._required = _required(form.schema.fields, self.reads)
        self._loops = tuple(sorted(reading.loops))
        self._repeats = reading.repeats
        self._gathers = reading.gathers
        self._fill: Setter = setter_of(form.schema.fields, self.reads)

    def unseen_in(self, value: Mapping[str, Json], unseen: Mapping[str, Unseen]) -> Unjudged | None:
        """The first field that is read but not seen, in the order of their names."""
        if unseen:
            for path in sorted(unseen):
                plain = _plain(path)
                if any(read == plain or read.startswith(f"{plain}.") for read in self.reads):
                    return Unjudged(unseen[path].cause, unseen[path].why, plain)
        return _absent(self._required, value, "")

    def evaluate(
        self, value: Mapping[str, Json], now: datetime, unseen: Mapping[str, Unseen] | None = None
    ) -> Verdict:
        """The verdict on one fact at the instant ``now``. Raises nothing."""
        hidden = self.unseen_in(value, unseen or {})
        if hidden is not None:
            return hidden
        try:
            message = self._message()
            self._weigh(self._fill(message, value), value)
            found = self._expression.eval(data={self.name: message, NOW: now})
        except NotJudgeable as error:
            return Unjudged("unreadable", str(error))
        except (RuntimeError, MemoryError, ValueError, TypeError, OverflowError) as error:
            return Unjudged("unreadable", f"the check could not be evaluated: {_first_line(error)}")
        return _verdict(found)

    def _weigh(self, text: int, value: Mapping[str, Json]) -> None:
        if text > MAX_TEXT:
            raise NotJudgeable(f"the fact holds {text} characters of text, and at most {MAX_TEXT} are judged")
        if not (self._repeats or self._gathers):
            return
        longest = max(_longest(value, path.split(".") if path else []) for path in self._loops)
        if self._repeats * longest * text > MAX_COPIED:
            raise NotJudgeable("its lists and texts are too long to be compared with each other")
        if self._gathers and longest > MAX_GATHERED:
            raise NotJudgeable(
                f"a list has {longest} elements, and at most {MAX_GATHERED} are filtered or mapped"
            )


def _longest(value: Json, path: list[str]) -> int:
    if not path:
        return len(value) if isinstance(value, list | tuple) else LONGEST_WRITTEN
    if isinstance(value, list | tuple):
        return max((_longest(member, path) for member in value), default=0)
    return _longest(value[path[0]], path[1:]) if isinstance(value, Mapping) and value.get(path[0]) else 0


def _verdict(found: Any) -> Verdict:
    value = found.value()
    # An evaluation error is a value too, whose text is truthy: only the two booleans themselves count.
    if value is True or value is False:
        return bool(value)
    return Unjudged("unreadable", f"the check could not be evaluated: {_first_line(value)}")


# --- what must be seen ---------------------------------------------------------------------------

Required: TypeAlias = tuple[tuple[str, bool, bool, "Required"], ...]
"""Of each field that is read: its name, whether it is optional, whether it is a list of records, and within."""


def _required(fields: tuple[Field, ...], reads: frozenset[str], prefix: str = "") -> Required:
    found = []
    for part in fields:
        path = f"{prefix}{part.name}"
        if any(read == path or read.startswith(f"{path}.") for read in reads):
            inner = _required(part.fields, reads, f"{path}.")
            found.append((part.name, part.optional, part.type == "records", inner))
    return tuple(found)


def _absent(required: Required, value: Mapping[str, Json], prefix: str) -> Unjudged | None:
    for name, optional, many, inner in required:
        path = f"{prefix}{name}"
        if name not in value:
            return Unjudged("missing", "nothing that was collected shows it", path)
        held = value[name]
        if held is None and not optional:
            return Unjudged("unreadable", "it was collected without a value", path)
        if held is not None and inner:
            for member in held if many and isinstance(held, list | tuple) else (held,):
                hidden = _absent(inner, member, f"{path}.") if isinstance(member, Mapping) else None
                if hidden is not None:
                    return hidden
    return None


def _plain(path: str) -> str:
    """A path without the positions of list elements."""
    return ".".join(part for part in path.split(".") if not part.isdigit())


# --- compiling -----------------------------------------------------------------------------------

_POSITION = re.compile(r"^(INVALID_ARGUMENT: )?(ERROR: )?(<input>:(-?\d+):(-?\d+): )?")


def compile_predicate(text: str, schema: FactSchema, name: str = "fact") -> Predicate:
    """Compile an expression over facts of a schema, the fact bound to ``name``, ``now`` to the instant.

    Raises InputRefused naming every fault: a typo, a wrong type, a result other than bool, an
    optional field read without ``has()``, a loop in a loop, more than 4 kB.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_BYTES:
        raise InputRefused(f"The expression has {size} bytes; at most {MAX_BYTES} are taken.")
    form = form_of(schema)
    expression = _checked(text, form, name)
    if expression.return_type() != cel.Type.BOOL:
        raise InputRefused(f"The expression gives {expression.return_type()}; expected a bool.")
    try:
        reading = read_expression(expression.serialize(), schema, name)
    except RecursionError as error:
        raise InputRefused("The expression is nested too deep; split it into several checks.") from error
    if reading.faults:
        raise InputRefused(f"The expression is refused: {'; '.join(reading.faults)}.")
    return Predicate(text, form, expression, reading, name)


@lru_cache(maxsize=512)
def _environment(schema: FactSchema, name: str) -> Any:
    form = form_of(schema)
    variables = {name: cel.Type(form.type_name), NOW: cel.Type.TIMESTAMP}
    return cel.NewEnv(descriptor_pool=form.pool, variables=variables)


def _checked(text: str, form: Form, name: str) -> Any:
    try:
        return _environment(form.schema, name).compile(text)
    except (RuntimeError, ValueError, TypeError) as error:
        raise InputRefused(f"The expression does not compile: {_readable(str(error), form)}.") from error


def _readable(message: str, form: Form) -> str:
    """CEL's complaints in one line each, without its drawings and our inner names."""
    lines = [line for line in message.splitlines() if not line.lstrip().startswith("|")]
    parts = [_POSITION.sub(_where, line).removesuffix(" [INVALID_ARGUMENT]") for line in lines]
    return "; ".join(parts).replace(form.type_name, form.schema.name).rstrip(".")


def _where(match: re.Match[str]) -> str:
    return f"at character {match[5]}: " if match[5] and int(match[5]) > 0 else ""


def _first_line(problem: object) -> str:
    return str(problem).splitlines()[0][:200] if str(problem) else type(problem).__name__
