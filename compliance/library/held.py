"""A document held against the model of its kind, its faults told in the library's own words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from compliance.library.reading import Document, Faults, Location

M = TypeVar("M", bound=BaseModel)
SHOWN = 80
"""Characters of a wrong value that a fault shows."""


def held_against(model: type[M], document: Document, faults: Faults) -> M | None:
    """The document as its model; None, and a fault for each thing that is wrong, where it is not one."""
    if not isinstance(document.value, Mapping):
        faults.add(document, (), shown(document.value), f"a mapping with: {', '.join(_keys(model))}")
        return None
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        for fault in error.errors(include_url=False):
            found, expected = _told(model, fault)
            faults.add(document, _place(document, tuple(fault["loc"]), fault["type"]), found, expected)
        return None


def _told(model: type[BaseModel], fault: ErrorDetails) -> tuple[str, str]:
    location = tuple(fault["loc"])
    name = str(location[-1]) if location else "file"
    match fault["type"]:
        case "missing":
            return f"no {name}", f"the key {name}"
        case "extra_forbidden":
            allowed = _keys(_model_at(model, location[:-1]))
            return f"the key {name}", f"one of: {', '.join(allowed)}" if allowed else "no such key"
        case "literal_error":
            return f"{name}: {shown(fault['input'])}", f"one of: {fault['ctx']['expected']}"
        case "string_pattern_mismatch":
            return f"{name}: {shown(fault['input'])}", f"a text that matches {fault['ctx']['pattern']}"
        case _:
            return f"{name}: {shown(fault['input'])}", fault["msg"].removeprefix("Input should be ")


def shown(value: object) -> str:
    """A wrong value, cut and in one line."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping | list):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    text = repr(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _place(document: Document, location: Location, kind: str) -> Location:
    return location[:-1] if kind == "missing" and location not in document.lines else location


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [] if model is None else [part.alias or name for name, part in model.model_fields.items()]


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel] | None:
    """The model of the part at a location."""
    current: type[BaseModel] | None = model
    for part in location:
        if isinstance(part, str) and current is not None:
            held = next((f for n, f in current.model_fields.items() if part in {n, f.alias}), None)
            current = None if held is None else _model_in(held.annotation)
    return current


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)
