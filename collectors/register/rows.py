"""The rows of a register's file, each with the line on which it begins. Pure.

YAML (a list of mappings, or one mapping), JSON (an array, or one object), JSON lines, or CSV with a header.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import yaml

from compliance.canonical import MAX_DEPTH, Json, strict_json
from compliance.errors import InputRefused

SUFFIXES = frozenset({".yaml", ".yml", ".json", ".jsonl", ".ndjson", ".csv"})
ROWS_AT_MOST = 200_000
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULL, BOOL = "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
NUMBERS: Mapping[str, type[int | float]] = {"tag:yaml.org,2002:int": int, "tag:yaml.org,2002:float": float}


@dataclass(frozen=True)
class Row:
    """One row: where it begins, what it says, and for CSV the columns that its file has."""

    line: int
    value: Mapping[str, Json]
    header: frozenset[str] | None = None


def rows(name: str, body: bytes) -> Iterator[Row]:
    """Every row of a file. Raises InputRefused naming the file and line where it is none."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{name}: byte {error.start} is no UTF-8.") from error
    reading = {".csv": _csv, ".jsonl": _lines, ".ndjson": _lines, ".json": _json}
    for number, row in enumerate(reading.get(PurePosixPath(name).suffix.lower(), _yaml)(name, text)):
        if number >= ROWS_AT_MOST:
            raise InputRefused(f"{name}:{row.line}: more than {ROWS_AT_MOST} rows.")
        yield row


def _csv(name: str, text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if len(set(header)) != len(header) or "" in header:
            raise InputRefused(f"{name}:1: the header has an empty or repeated column.")
        before = reader.line_num
        for cells in reader:
            if cells and len(cells) != len(header):
                raise InputRefused(
                    f"{name}:{before + 1}: {len(cells)} cells; expected {len(header)}, as the header has."
                )
            if any(cell.strip() for cell in cells):
                yield Row(before + 1, dict(zip(header, cells, strict=True)), frozenset(header))
            before = reader.line_num
    except csv.Error as error:
        raise InputRefused(f"{name}:{reader.line_num}: it is no CSV: {error}.") from error


def _lines(name: str, text: str) -> Iterator[Row]:
    for line, part in enumerate(text.split("\n"), start=1):
        if part.strip():
            yield Row(line, _object(name, line, _parsed(name, line, part)))


def _json(name: str, text: str) -> Iterator[Row]:
    """Each member of the array is parsed by itself, so that its line is known."""
    start = len(text) - len(text.lstrip())
    if not text[start:].startswith("["):
        yield Row(text.count("\n", 0, start) + 1, _object(name, 1, _parsed(name, 1, text)))
        return
    _parsed(name, 1, text)
    decoder, at, line, counted = json.JSONDecoder(), start + 1, 1, 0
    while True:
        while text[at] in " \t\r\n,":
            at += 1
        if text[at] == "]":
            return
        line, counted = line + text.count("\n", counted, at), at
        value, at = decoder.raw_decode(text, at)
        yield Row(line, _object(name, line, value))


def _parsed(name: str, line: int, text: str) -> Json:
    try:
        return strict_json(text.encode("utf-8", "surrogatepass"), what="file")
    except InputRefused as error:
        raise InputRefused(f"{name}:{line}: {error.message}") from error


def _object(name: str, line: int, value: Json) -> Mapping[str, Json]:
    if not isinstance(value, dict):
        raise InputRefused(f"{name}:{line}: a {type(value).__name__}; expected an object, the row.")
    return value


# --- YAML, without anchors, aliases and tags of its own ---------------------------------------------


def _yaml(name: str, text: str) -> Iterator[Row]:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_LOADER)):
            raise InputRefused(f"{name}: it has an alias; write the value out.")
        node = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f"{name}:{mark.line + 1}" if mark else name
        raise InputRefused(
            f"{at}: it is no YAML: {getattr(error, 'problem', None) or 'not readable'}."
        ) from error
    if node is None:
        return
    for one in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        line = one.start_mark.line + 1
        yield Row(line, _object(name, line, _value(name, one, 0)))


def _value(name: str, node: yaml.Node, depth: int) -> Json:
    line = node.start_mark.line + 1
    if depth > MAX_DEPTH:
        raise InputRefused(f"{name}:{line}: nested deeper than {MAX_DEPTH} levels.")
    if isinstance(node, yaml.SequenceNode):
        return [_value(name, one, depth + 1) for one in node.value]
    if isinstance(node, yaml.MappingNode):
        pairs = [(_value(name, key, depth + 1), _value(name, inner, depth + 1)) for key, inner in node.value]
        if not all(isinstance(key, str) for key, _ in pairs) or len({key for key, _ in pairs}) != len(pairs):
            raise InputRefused(f"{name}:{line}: a key is no text, or stands twice.")
        return dict(pairs)
    return _scalar(node)


def _scalar(node: yaml.Node) -> Json:
    """Numbers and words as YAML means them; a date stays the text that it is."""
    text = str(node.value)
    if node.tag == NULL:
        return None
    if node.tag == BOOL:
        return text.lower() in ("true", "yes", "on")
    try:
        return NUMBERS[node.tag](text) if node.tag in NUMBERS else text
    except ValueError:
        return text
