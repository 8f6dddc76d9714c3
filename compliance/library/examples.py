"""Examples that every check carries: facts that must pass, fail, be unknown or be left out.

Pure. They are judged whenever a library is loaded, at one fixed instant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from compliance.canonical import Json, format_time
from compliance.evidence import Cause
from compliance.facts import FactSchema, Field, Unseen
from compliance.library.model import Check, Example
from compliance.library.texts import duration
from compliance.predicate import Unjudged

EXAMPLE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""The instant at which examples are judged; their relative times count from it."""
CAUSES: tuple[str, ...] = get_args(Cause)
_RELATIVE = re.compile(r"([+-])([0-9]{1,5}[mhdw])")


class ExampleWrong(Exception):
    """An example does not have the form of its fact; the message says what was found and expected."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found, self.expected = found, expected


@dataclass
class _Filling:
    unseen: dict[str, Unseen] = field(default_factory=dict)


def read_example(kind: str, written: Mapping[str, Any], schema: FactSchema, line: int) -> Example:
    """An example as a fact's value: optional fields left out are absent, ``{unseen: CAUSE}`` hides one.

    Raises ExampleWrong.
    """
    filling = _Filling()
    value = _record(written, schema.fields, "", filling)
    if kind == "unknown" and not filling.unseen:
        raise ExampleWrong(
            "an unknown example that hides nothing", "a field {unseen: CAUSE} that the check reads"
        )
    return Example(kind, value, filling.unseen, line)


def _record(
    written: Mapping[str, Any], fields: Sequence[Field], prefix: str, filling: _Filling
) -> dict[str, Json]:
    strange = sorted(str(key) for key in set(written) - {part.name for part in fields})
    if strange:
        allowed = ", ".join(part.name for part in fields)
        raise ExampleWrong(f"the field {prefix}{strange[0]}", f"one of: {allowed}")
    value: dict[str, Json] = {part.name: None for part in fields if part.optional}
    for part in fields:
        if part.name in written:
            _put(value, written[part.name], part, f"{prefix}{part.name}", filling)
    return value


def _put(value: dict[str, Json], held: Any, part: Field, path: str, filling: _Filling) -> None:
    if isinstance(held, Mapping) and set(held) == {"unseen"}:
        if held["unseen"] not in CAUSES:
            raise ExampleWrong(f"{path} unseen: {held['unseen']}", f"one of: {', '.join(CAUSES)}")
        filling.unseen[path] = Unseen(held["unseen"], "hidden in the example")
        value.pop(part.name, None)
    else:
        value[part.name] = _value(held, part, path, filling)


def _value(held: Any, part: Field, path: str, filling: _Filling) -> Json:
    if part.type == "record" and isinstance(held, Mapping):
        return _record(held, part.fields, f"{path}.", filling)
    if part.type == "records" and isinstance(held, list):
        return [
            _record(member, part.fields, f"{path}.", filling)
            for member in held
            if isinstance(member, Mapping)
        ]
    relative = _RELATIVE.fullmatch(held) if part.type == "time" and isinstance(held, str) else None
    if relative is not None:
        shift = duration(relative[2])
        return format_time(EXAMPLE_NOW + (shift if relative[1] == "+" else -shift))
    return held


@dataclass(frozen=True)
class ExampleResult:
    """How one example came out; ``as_stated`` where that is what it says."""

    check: str
    kind: str
    came_out: str
    line: int

    @property
    def as_stated(self) -> bool:
        """Whether it came out as the library says."""
        return self.came_out.split(":")[0] == self.kind


def run_example(check: Check, example: Example) -> ExampleResult:
    """Judge one example at the fixed instant."""
    judged = check.judge(example.value, example.unseen, EXAMPLE_NOW)
    if isinstance(judged, Unjudged):
        where = f"{judged.path} " if judged.path else ""
        hidden = {unseen.why for unseen in example.unseen.values()}
        # A value that cannot be judged for another reason than the one shown is a slip of the example.
        said = "unknown" if judged.why in hidden else "not judged"
        return ExampleResult(check.id, example.kind, f"{said}: {where}{judged.why}", example.line)
    return ExampleResult(check.id, example.kind, judged, example.line)
