"""``muniment members``: a manifest made where the keys are, of which only pseudonyms leave the machine."""

from __future__ import annotations

import contextlib
import io
import os
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from muniment.members import Manifest, put_members, sorted_members
from pyarrow import parquet
from pyiceberg.catalog.sql import SqlCatalog

from compliance.canonical import pseudonym
from compliance.cli import run
from tests.web_world import SECRET, World, served, web_world

KEYS = ("C-100042", "C-100001", "Zoë", "C-100042")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with one key space, behind its application."""
    with web_world(tmp_path / "store") as made:
        yield made


def members(folder: Path, *arguments: str, token: str = "") -> tuple[int, str]:
    """Run the command with the key space's secret and a token in its environment."""
    environment = {
        "MUNIMENT_KEY_SPACES__CUSTOMER__SECRET": SECRET,
        "MUNIMENT_TOKEN": token,
        "PATH": os.environ["PATH"],
    }
    said = io.StringIO()
    with (
        contextlib.chdir(folder), mock.patch.dict(os.environ, environment, clear=True),
        contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), mock.patch.object(sys, "stdin", io.StringIO()),
    ):  # fmt: skip
        code = run(["members", *arguments])
    return code, said.getvalue()


def posting(file: str, url: str = "http://127.0.0.1:9", column: str = "id") -> list[str]:
    """The arguments that post one file as version v1 of lake/customers."""
    return [
        "lake",
        "customers",
        "v 1/ü",
        file,
        "--key-space",
        "customer",
        "--key-column",
        column,
        "--url",
        url,
    ]


def write(path: Path, keys: tuple[object, ...], type_: pa.DataType | None = None) -> None:
    """A Parquet or CSV file with the keys, and a name beside each."""
    if path.suffix == ".parquet":
        parquet.write_table(
            pa.table({"id": pa.array(list(keys), type=type_), "name": ["n"] * len(keys)}), path
        )
    else:
        lines = "".join(f'"{key}",n\n' for key in keys)
        path.write_text(f"id,name\n{lines}", encoding="utf-8-sig")


@pytest.mark.parametrize("name", ["rows.parquet", "rows.csv"])
def test_a_file_becomes_a_manifest_of_pseudonyms(world: World, tmp_path: Path, name: str) -> None:
    """Each key once, as its pseudonym, under the version's own name; no raw key reaches the store."""
    write(tmp_path / name, KEYS)
    with served(world.app) as url:
        code, said = members(tmp_path, *posting(name, url), token=world.token("ingest:members"))
    assert (code, said) == (0, "Posted 3 members of lake/customers@v 1/ü.\n")
    ((_, entry, body),) = world.evidence("members/1")
    assert entry.payload is not None
    assert entry.payload.sealed is not None
    for key in set(KEYS):
        assert pseudonym(bytes.fromhex(SECRET), key).encode() in body
        assert key.encode() not in world.everything() + body


def test_whole_numbers_are_keys_by_their_digits(world: World, tmp_path: Path) -> None:
    """A column of integers gives the pseudonyms of the digits, as the same keys written as text do."""
    write(tmp_path / "rows.parquet", (42, 7))
    with served(world.app) as url:
        code, _ = members(tmp_path, *posting("rows.parquet", url), token=world.token("ingest:members"))
    assert code == 0
    ((_, _, body),) = world.evidence("members/1")
    assert pseudonym(bytes.fromhex(SECRET), "42").encode() in body


@pytest.mark.parametrize(
    ("name", "keys", "said"),
    [
        ("rows.parquet", (42.0, 7.0), "a float"),
        ("rows.parquet", (True,), "a bool"),
        ("rows.parquet", ("C-1", None), "row 2 has no key"),
        ("rows.csv", ("C-1", ""), "row 2 has no key"),
        ("rows.parquet", (b"\xff\xfe",), "cannot be read"),
    ],
)
def test_what_is_no_key_is_refused_before_anything_is_sent(
    tmp_path: Path, name: str, keys: tuple[object, ...], said: str
) -> None:
    """A number with a fraction would give another pseudonym than the key it stands for; nothing is guessed."""
    write(tmp_path / name, keys)
    code, told = members(tmp_path, *posting(name), token="t")
    assert code == 2
    assert said in told
    assert "defect" not in told


def test_a_missing_column_names_those_there_are(tmp_path: Path) -> None:
    """A wrong column is refused with the columns of the file, of either form."""
    for name in ("rows.parquet", "rows.csv"):
        write(tmp_path / name, KEYS)
        code, told = members(tmp_path, *posting(name, column="key"), token="t")
        assert code == 2
        assert "it has id, name" in told


@pytest.mark.parametrize(
    ("file", "said"), [("nowhere.csv", "cannot be read"), ("junk.parquet", "cannot be read")]
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, file: str, said: str) -> None:
    """A file that is missing or no Parquet is refused by name."""
    (tmp_path / "junk.parquet").write_bytes(b"junk" * 100)
    code, told = members(tmp_path, *posting(file), token="t")
    assert (code, said in told, file in told, "defect" in told) == (2, True, True, False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://[", "ftp://x", ""])
def test_a_server_out_of_reach_is_told(tmp_path: Path, url: str) -> None:
    """An address where nobody answers, or that is none, is refused in a sentence."""
    write(tmp_path / "rows.csv", KEYS)
    code, told = members(tmp_path, *posting("rows.csv", url), token="t")
    assert code == 2
    assert "cannot be reached" in told


def test_a_refusal_of_the_server_is_passed_on(world: World, tmp_path: Path) -> None:
    """Without the scope the server refuses, and its reason is what the command says; so it is without a token."""
    write(tmp_path / "rows.csv", KEYS)
    with served(world.app) as url:
        code, told = members(tmp_path, *posting("rows.csv", url), token=world.token("ingest:lineage"))
        assert (code, "(403)" in told) == (2, True)
    code, told = members(tmp_path, *posting("rows.csv"))
    assert (code, "MUNIMENT_TOKEN" in told) == (2, True)


# --- tables ---------------------------------------------------------------------------------------


def delta_table(folder: Path) -> list[str]:
    """A Delta table of two versions; the arguments that read the first."""
    for keys in (["C-1", "C-2"], ["C-3"]):
        write_deltalake(folder / "delta", pa.table({"id": keys}), mode="append")
    return ["delta", "--read-version", "0"]


def iceberg_table(folder: Path) -> list[str]:
    """An Iceberg table of two snapshots; the arguments that read the first."""
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=pa.schema([("id", pa.string())]))
    for keys in (["C-1", "C-2"], ["C-3"]):
        table.append(pa.table({"id": keys}))
    first = table.history()[0].snapshot_id
    catalog.close()
    return [table.metadata_location.removeprefix("file://"), "--read-version", str(first)]


def database(folder: Path) -> list[str]:
    """A database with a table; the arguments that read it."""
    with contextlib.closing(sqlite3.connect(folder / "some.db")) as connection:
        connection.execute("CREATE TABLE people (id TEXT, name TEXT)")
        connection.executemany("INSERT INTO people VALUES (?, 'n')", [("C-1",), ("C-2",)])
        connection.commit()
    return [f"sqlite:///{folder}/some.db", "--table", "people"]


@pytest.mark.parametrize("made", [delta_table, iceberg_table, database])
def test_a_table_becomes_a_manifest(world: World, tmp_path: Path, made: Callable[[Path], list[str]]) -> None:
    """A Delta table or an Iceberg table at a version, and a table of a database, are read where they lie."""
    place, *further = made(tmp_path)
    with served(world.app) as url:
        code, said = members(tmp_path, *posting(place, url), *further, token=world.token("ingest:members"))
    assert (code, said) == (0, "Posted 2 members of lake/customers@v 1/ü.\n")
    ((_, _, body),) = world.evidence("members/1")
    for key in ("C-1", "C-2"):
        assert pseudonym(bytes.fromhex(SECRET), key).encode() in body


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rows.csv", "--read-version", "3"], "only those have versions to read"),
        (["sqlite:///some.db"], "give --table"),
        (["sqlite:///some.db", "--table", "nothing"], "The database cannot be read (NoSuchTableError)"),
        (
            ["postgresql://u:hunter2@127.0.0.1:9/x", "--table", "t"],
            "The database cannot be read (OperationalError)",
        ),
        (["delta", "--read-version", "99"], "cannot be read as a Delta table"),
        (["delta", "--read-version", "new"], "cannot be read as a Delta table"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(tmp_path: Path, arguments: list[str], said: str) -> None:
    """What a table lacks is told in a sentence, without the password that an address may bear."""
    write(tmp_path / "rows.csv", KEYS)
    delta_table(tmp_path)
    place, *further = arguments
    code, told = members(tmp_path, *posting(place), *further, token="t")
    assert (code, said in told, "hunter2" in told, "defect" in told) == (2, True, False, False), told


def test_members_are_sorted_within_bounds() -> None:
    """More keys than are held in memory are sorted in parts and merged: the same members, each once."""
    secret, keys = bytes.fromhex(SECRET), [f"C-{number % 700}" for number in range(2000)]
    expected = sorted({bytes.fromhex(pseudonym(secret, key)) for key in keys})
    for held in (1, 7, 300, 10_000):
        assert list(sorted_members(secret, keys, in_memory=held)) == expected


def test_a_pipeline_posts_a_manifest_itself(world: World) -> None:
    """``put_members`` is what pipelines call: it says how many people the manifest holds, and its digest."""
    with served(world.app) as url:
        posted = put_members(
            Manifest("lake", "customers", "7", "customer"), KEYS, secret=bytes.fromhex(SECRET), url=url,
            token=world.token("ingest:members"),
        )  # fmt: skip
    ((_, entry, _),) = world.evidence("members/1")
    assert (posted.count, posted.digest) == (entry.detail["count"], entry.detail["digest"])
