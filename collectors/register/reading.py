"""The rows of any file of a register: kept by people, or written by a tool that tests data. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

from collectors.register.cells import Read, read_row
from collectors.register.evidently import evidently_rows, is_evidently
from collectors.register.expectations import SAMPLES, expectation_rows, is_expectations, stripped
from collectors.register.rows import Row, rows
from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused
from compliance.facts import FactSchema

NO_TOOL = ""
GREAT_EXPECTATIONS = "great-expectations"
EVIDENTLY = "evidently"


def tool_of(name: str, body: bytes) -> str:
    """The tool whose result a JSON file is, by its form; empty for a register that people keep."""
    said = _document(name, body)
    if is_expectations(said):
        return GREAT_EXPECTATIONS
    return EVIDENTLY if is_evidently(said) else NO_TOOL


def _document(name: str, body: bytes) -> Json:
    if PurePosixPath(name).suffix.lower() != ".json" or not body.lstrip().startswith(b"{"):
        return None
    try:
        return strict_json(body, what="file")
    except InputRefused:
        return None


def without_samples(name: str, body: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The bytes without the rows' own values that Great Expectations quotes where an expectation is not met."""
    said = _document(name, body)
    if not is_expectations(said) or not any(f'"{one}"'.encode() in body for one in SAMPLES):
        return body, ()
    kept = json.dumps(stripped(said), ensure_ascii=False, sort_keys=False).encode("utf-8", "surrogatepass")
    return kept, ("values of rows that did not meet an expectation",)


def rows_of(schema: FactSchema, name: str, body: bytes) -> Iterator[Read]:
    """Each row as a fact. Raises InputRefused naming file and line where the rest cannot be read."""
    said = _document(name, body)
    match tool_of(name, body):
        case "great-expectations":
            found: Iterator[Row] = expectation_rows(name, said, schema.name)
        case "evidently":
            found = evidently_rows(name, said, schema.name)
        case _:
            found = rows(name, body)
    for row in found:
        yield read_row(name, row, schema)
