"""Taking in membership manifests: names in the path, Parquet and NDJSON, differences."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from collectors.members import parquet as parquet_process
from collectors.members.difference import Difference, difference, digest
from collectors.members.read import READER
from compliance.errors import InputRefused
from compliance.facts import Members, Received
from compliance.settings import EvidenceSettings, SourceSettings
from tests.web_world import World, field_of, served, web_world

MEMBERS = tuple(sorted(hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest() for n in range(50)))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def lines(members: Sequence[str]) -> bytes:
    return "".join(json.dumps(member) + "\n" for member in members).encode()


def parquet_file(**columns: Any) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pa.table(columns), file)
    return file.getvalue()


def put(
    world: World, body: bytes, names: str = "lake/raw/v1", *, source: str | None = None, **query: str
) -> Any:
    headers = world.bearer("ingest:members", source=source)
    params = {"key_space": "customer", **query}
    return world.client.put(f"/api/v1/members/{names}", params=params, content=body, headers=headers)


def test_a_manifest_is_sealed_and_stated(world: World) -> None:
    """The entry states what the manifest is of, its size and digest; its members are sealed and read back."""
    answer = put(world, lines(MEMBERS), completeness="partial")
    assert answer.status_code == 201
    [(index, entry, _)] = world.evidence("members/1")
    listed = "".join(member + "\n" for member in sorted(MEMBERS)).encode()
    stated = {
        "namespace": "lake", "name": "raw", "version": "v1", "key_space": "customer", "completeness": "partial",
        "key_id": world.store.key_spaces.current_key_id("customer"), "digest": hashlib.sha256(listed).hexdigest(),
    }  # fmt: skip
    assert stated.items() <= dict(entry.detail).items()
    assert entry.payload is not None
    assert entry.payload.sealed
    assert not [member for member in MEMBERS if member.encode() in entry.to_bytes()]
    header, members = world.readings(READER, "members/1")
    assert header == Received("manifest", "api", stated, entry.instant, str(index))
    assert members == Members(str(index), MEMBERS, None, ())


COLUMNS = {
    "fixed width": lambda: pa.array([bytes.fromhex(m) for m in MEMBERS], pa.binary(16)),
    "any width": lambda: pa.array([bytes.fromhex(m) for m in MEMBERS], pa.binary()),
    "hex": lambda: pa.array([m.upper() for m in MEMBERS]),
    "dictionary": lambda: pa.array(MEMBERS).dictionary_encode(),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS.keys())
def test_parquet_and_lines_are_the_same_manifest(world: World, column: Any) -> None:
    """Parquet in each form says the same as NDJSON: sent after it, it appends nothing."""
    put(world, lines(tuple(reversed(MEMBERS))))
    answer = put(world, parquet_file(pseudonym=column()))
    assert (answer.status_code, answer.json()["known_before"]) == (201, True), answer.text
    assert put(world, gzip.compress(b"")).status_code == 422


REFUSED = {
    "another column": (lambda: parquet_file(key=["a"]), "pseudonym"),
    "one column more": (lambda: parquet_file(pseudonym=[MEMBERS[0]], email=["a@b.c"]), "pseudonym"),
    "a null": (lambda: parquet_file(pseudonym=[MEMBERS[0], None]), "pseudonym"),
    "a wrong width": (lambda: parquet_file(pseudonym=[b"short"]), "pseudonym"),
    "no hex": (lambda: parquet_file(pseudonym=["z" * 32]), "pseudonym"),
    "a number": (lambda: parquet_file(pseudonym=[1]), "pseudonym"),
    "one twice": (lambda: parquet_file(pseudonym=[MEMBERS[0], MEMBERS[0].upper()]), "pseudonym, row 2"),
    "no Parquet": (lambda: b"PAR1" + b"\0" * 64 + b"PAR1", "body"),
    "a line twice": (lambda: lines([*MEMBERS[:2], MEMBERS[0]]), "line 3"),
    "a raw key": (lambda: lines([MEMBERS[0]]) + b'"alice@example.org"\n', "line 2"),
    "no text": (lambda: b"7\n", "line 1"),
    "no JSON": (MEMBERS[0].encode, "line 1"),
}


@pytest.mark.parametrize(("body", "field"), REFUSED.values(), ids=REFUSED.keys())
def test_a_manifest_that_is_none_is_refused(world: World, body: Any, field: str) -> None:
    """Duplicates, nulls, wrong widths and missing columns are refused, naming the field and no value."""
    answer = put(world, body())
    assert (answer.status_code, field_of(answer)) == (422, field)
    assert "alice" not in answer.text
    assert "a@b.c" not in answer.text
    assert world.evidence("members/1") == []


def test_a_version_that_holds_nobody_has_a_manifest_too(world: World) -> None:
    """An empty Parquet or an empty body of lines is a manifest without members, which excludes everybody."""
    assert put(world, parquet_file(pseudonym=pa.array([], pa.binary(16)))).json()["count"] == 0
    assert put(world, b"", "lake/raw/v2").json()["count"] == 0


NAMES = [
    ("s3://bucket", "a b/c%2F", "v/1"),
    ("dübel", "面", "🙂"),
    ("a+b", "c&d=e?f#g", "..;"),
    ("n", "x\\y", "%"),
]


@pytest.mark.parametrize("names", NAMES)
def test_percent_encoded_names_are_kept_apart(world: World, names: tuple[str, str, str]) -> None:
    """Slashes, spaces and every other letter may stand in a name, over a real connection too."""
    path = "/".join(quote(name, safe="") for name in names)
    with served(world.app) as url:
        headers = world.bearer("ingest")
        answer = httpx.put(
            f"{url}/api/v1/members/{path}?key_space=customer", content=lines(MEMBERS), headers=headers
        )
    assert answer.status_code == 201, answer.text
    [(_, entry, _)] = world.evidence("members/1")
    assert tuple(entry.detail[name] for name in ("namespace", "name", "version")) == names


@pytest.mark.parametrize("path", ["lake/raw", "lake/raw/v1/more", "lake//v1", "lake/raw/%ff", "lake/%20/v1"])
def test_a_path_that_is_not_three_names_is_refused(world: World, path: str) -> None:
    """Too few names, too many, an empty one or one that is not UTF-8: 422."""
    assert put(world, lines(MEMBERS), path).status_code == 422


def test_what_the_query_must_say(world: World) -> None:
    """A key space is needed; completeness is full or partial; an unknown key space needs a key id."""
    assert field_of(put(world, b"", key_space="")) == "key_space"
    assert field_of(put(world, b"", completeness="most")) == "completeness"
    assert field_of(put(world, b"", key_space="patient")) == "key_space"
    assert put(world, b"", key_space="patient", key_id="k1").json()["key_id"] == "k1"


def test_the_next_version_is_kept_as_a_difference(world: World) -> None:
    """A manifest near an earlier one of its dataset is kept as what joined and left, and read as such."""
    put(world, lines(MEMBERS[:40]))
    put(world, lines(MEMBERS[:40]), "lake/other/v1")
    put(world, lines(MEMBERS[2:41]), "lake/raw/v2")
    put(world, lines(MEMBERS[45:]), "lake/raw/v3")
    stored = {entry.detail["version"]: (index, body) for index, entry, body in world.evidence("members/1")
              if entry.detail["name"] == "raw"}  # fmt: skip
    first = stored["v1"][0]
    assert Difference.from_bytes(stored["v2"][1]) == Difference(first, (MEMBERS[40],), MEMBERS[:2])
    assert Difference.from_bytes(stored["v3"][1]) == Difference(None, MEMBERS[45:], ())
    read = {r.evidence: r for r in world.readings(READER, "members/1") if isinstance(r, Members)}
    second = read[str(stored["v2"][0])]
    assert (second.base, second.pseudonyms, second.removed) == (str(first), (MEMBERS[40],), MEMBERS[:2])


def test_the_same_manifest_twice_changes_nothing(world: World) -> None:
    """The same members of the same version are known; of another version or completeness they are not."""
    put(world, lines(MEMBERS))
    assert put(world, lines(MEMBERS)).json()["known_before"] is True
    assert put(world, lines(MEMBERS), completeness="partial").json()["known_before"] is False
    assert put(world, lines(MEMBERS), "lake/raw/v2").json()["known_before"] is False


def test_a_limited_source_may_not_speak_of_other_namespaces(tmp_path: Path) -> None:
    """A manifest outside the source's namespaces is forbidden."""
    source = SourceSettings(name="shop", kind="push", namespaces=("lake",))
    with web_world(tmp_path / "store", sources=(source,)) as world:
        assert put(world, lines(MEMBERS), source="shop").status_code == 201
        assert put(world, lines(MEMBERS), "vault/raw/v1", source="shop").status_code == 403


# --- Parquet in its own process ----------------------------------------------------------------


def test_more_members_than_the_limit_are_refused(tmp_path: Path) -> None:
    """A small Parquet file may hold very many rows: they are counted before they are read."""
    with web_world(tmp_path / "store", evidence=EvidenceSettings(max_body_mib=1)) as world:
        body = parquet_file(pseudonym=pa.array([b"\0" * 16] * 70_000, pa.binary(16)))
        assert len(body) < 10_000
        answer = put(world, body)
        assert (answer.status_code, field_of(answer)) == (422, "pseudonym")


def test_the_process_has_a_memory_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that needs more memory than is allowed is refused; this process does not feel it."""
    body = parquet_file(pseudonym=[b"\0" * 100_000_000])
    monkeypatch.setattr(parquet_process, "MEMORY", 300 * 1024 * 1024)
    with pytest.raises(InputRefused, match=r"memory|readable"):
        parquet_process.members_of_parquet(body, most_bytes=1024)
    members = parquet_process.members_of_parquet(parquet_file(pseudonym=[os.urandom(16)]), most_bytes=1024)
    assert len(members) == 1


# --- differences -------------------------------------------------------------------------------

PSEUDONYMS = st.binary(min_size=16, max_size=16).map(bytes.hex)
LISTS = st.frozensets(PSEUDONYMS, max_size=12)


@given(then=LISTS, joined=LISTS, left=st.integers(0, 12))
def test_a_difference_gives_the_list_back(then: frozenset[str], joined: frozenset[str], left: int) -> None:
    """However it is kept, the stored form of a manifest gives all of its members back."""
    base = tuple(sorted(then))
    now = tuple(sorted(set(base[left:]) | joined))
    kept = difference(now, (7, base))
    again = Difference.from_bytes(kept.to_bytes())
    assert again == kept
    assert again.applied(() if again.base is None else base) == now
    assert len(kept.added) + len(kept.removed) <= len(now)
    assert digest(reversed(now)) == digest(now)


@pytest.mark.parametrize("body", [b"", b"[]\n", b'{"base":null}\n*00\n', b'{"base":null}\n+00\n', b"\xff\n"])
def test_a_stored_manifest_that_is_none_is_unreadable(body: bytes) -> None:
    """Bytes that are no stored manifest are refused, and never an empty list."""
    with pytest.raises(InputRefused):
        Difference.from_bytes(body)
