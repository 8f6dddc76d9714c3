"""``muniment members``: a membership manifest made where the data is, so that raw keys never travel."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from muniment.members import Manifest, ManifestRefused, put_members

from compliance.cli.keys import Place, keys_of
from compliance.errors import InputRefused
from compliance.keyspaces import KeySpaces
from compliance.settings import load_settings


def members(
    namespace: Annotated[str, typer.Argument(help="OpenLineage namespace of the dataset")],
    name: Annotated[str, typer.Argument(help="Name of the dataset")],
    version: Annotated[str, typer.Argument(help="Version whose members these are")],
    file: Annotated[
        str,
        typer.Argument(
            help="Parquet or CSV file, folder of a Delta table, Iceberg metadata file, or database URL"
        ),
    ],
    key_space: Annotated[str, typer.Option("--key-space", help="Kind of record key")],
    key_column: Annotated[str, typer.Option("--key-column", help="Column that holds the key")],
    table: Annotated[
        str | None, typer.Option("--table", help="Table of a database, perhaps SCHEMA.TABLE")
    ] = None,
    read_version: Annotated[
        str | None,
        typer.Option("--read-version", help="Delta version or Iceberg snapshot to read; default: the newest"),
    ] = None,
    url: Annotated[str, typer.Option("--url", help="Where Muniment is reached")] = "http://127.0.0.1:8000",
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with a token (default: MUNIMENT_TOKEN)")
    ] = None,
    partial: Annotated[bool, typer.Option("--partial", help="It confirms but never excludes")] = False,
) -> None:
    """Make a membership manifest from a file or table and post it. Only pseudonyms leave this machine."""
    secret = KeySpaces.from_settings(load_settings().key_spaces).current_secret(key_space)
    manifest = Manifest(namespace, name, version, key_space, "partial" if partial else "full")
    keys = keys_of(Place(file, key_column, table, read_version))
    try:
        posted = put_members(manifest, keys, secret=secret, url=url, token=_token(token_file))
    except ManifestRefused as error:
        raise InputRefused(str(error), field="--url") from error
    except UnicodeEncodeError:
        # Not chained: the cause would quote the key.
        raise InputRefused("A key is no text in UTF-8.", field=key_column) from None
    typer.echo(f"Posted {posted.count} members of {namespace}/{name}@{version}.")


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
