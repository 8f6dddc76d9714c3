"""``muniment members``: a membership manifest made where the data is, so that raw keys never travel."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import httpx
import pyarrow as pa
import typer
from pyarrow import parquet

from compliance.errors import InputRefused, SourceFailed
from compliance.keyspaces import KeySpaces
from compliance.settings import load_settings

BATCH = 65_536
TIMEOUT_SECONDS = 120.0
SAID_AT_MOST = 200


def members(
    namespace: Annotated[str, typer.Argument(help="OpenLineage namespace of the dataset")],
    name: Annotated[str, typer.Argument(help="Name of the dataset")],
    version: Annotated[str, typer.Argument(help="Version whose members these are")],
    file: Annotated[Path, typer.Argument(help="Parquet or CSV file")],
    key_space: Annotated[str, typer.Option("--key-space", help="Kind of record key")],
    key_column: Annotated[str, typer.Option("--key-column", help="Column that holds the key")],
    url: Annotated[str, typer.Option("--url", help="Where Muniment is reached")] = "http://127.0.0.1:8000",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with a token (default: MUNIMENT_TOKEN)")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="It confirms but never excludes")] = False,
) -> None:
    """Make a membership manifest from a Parquet or CSV file and post it. Only pseudonyms leave this machine."""
    spaces = KeySpaces.from_settings(load_settings().key_spaces)
    pseudonyms = sorted({spaces.pseudonym(key_space, key) for key in _keys(file, key_column)})
    body = "".join(json.dumps(item) + "\n" for item in pseudonyms).encode()
    query = {
        "key_space": key_space, "completeness": "partial" if partial else "full",
        "key_id": spaces.current_key_id(key_space),
    }  # fmt: skip
    path = "/".join(quote(part, safe="") for part in (namespace, name, version))
    _put(f"{url.rstrip('/')}/api/v1/members/{path}", query, body, _token(token_file))
    typer.echo(f"Posted {len(pseudonyms)} members of {namespace}/{name}@{version}.")


def _keys(file: Path, column: str) -> Iterator[str]:
    try:
        rows = _parquet(file, column) if file.suffix.lower() in {".parquet", ".pq"} else _csv(file, column)
        for number, value in enumerate(rows, start=1):
            yield _key(value, f"{file}: row {number}", column)
    except (OSError, pa.ArrowException, UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{file} cannot be read: {error}.", field="FILE") from error


def _key(value: object, where: str, column: str) -> str:
    """A key as its text. A number with a fraction is none: 42.0 would not be the customer 42."""
    if isinstance(value, bytes):
        value = value.decode()
    if value is None or value == "":
        raise InputRefused(f"{where} has no key in {column!r}.", field=column)
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"{where} has a {type(value).__name__} in {column!r}; keys are text or whole numbers."
        raise InputRefused(message, field=column)
    return str(value)


def _parquet(file: Path, column: str) -> Iterator[object]:
    with parquet.ParquetFile(file) as table:
        if column not in table.schema_arrow.names:
            raise InputRefused(
                f"{file} has no column {column!r}; it has {', '.join(table.schema_arrow.names)}.",
                field="--key-column",
            )
        for batch in table.iter_batches(batch_size=BATCH, columns=[column]):
            yield from batch.column(0).to_pylist()


def _csv(file: Path, column: str) -> Iterator[object]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        table = csv.DictReader(lines)
        if column not in (table.fieldnames or ()):
            raise InputRefused(
                f"{file} has no column {column!r}; it has {', '.join(table.fieldnames or ())}.",
                field="--key-column",
            )
        for row in table:
            yield row[column]


def _token(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().strip()
        except OSError as error:
            raise InputRefused(
                f"--token-file cannot be read: {error.strerror}.", field="--token-file"
            ) from error
    token = os.environ.get("MUNIMENT_TOKEN")
    if not token:
        raise InputRefused(
            "A token is needed: give --token-file, or set MUNIMENT_TOKEN.", field="--token-file"
        )
    return token


def _put(url: str, query: dict[str, str], body: bytes, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    try:
        answer = httpx.put(url, params=query, content=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise SourceFailed(f"The server cannot be reached: {error}.", field="--url") from error
    if not answer.is_success:
        raise InputRefused(f"The server refused the manifest ({answer.status_code}): {_detail(answer)}")


def _detail(answer: httpx.Response) -> str:
    """What the server says of a refusal: the detail of its problem, else the beginning of its text."""
    try:
        problem = answer.json()
    except ValueError:
        problem = None
    return str(problem.get("detail", "")) if isinstance(problem, dict) else answer.text[:SAID_AT_MOST]
