"""CONTRACT section 5: the evidence log, read and verified by code that shares nothing with the product."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from tests.contract_events import consent, event, manifest
from tests.contract_proofs import TILE, entries_of, hashes_of, leaf, opened, proven, root
from tests.served import CORES, Served, problem, serving

SENDERS = 8
PAST_A_TILE = TILE + 5


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store with more entries than one tile holds, sent by eight senders at once."""
    with serving(tmp_path_factory) as served:
        large = event("COMPLETE", "large", 1)
        large["run"]["facets"]["notes"] = {"text": "x" * 100_000}
        served.sent("/lineage", large)
        served.sent("/consents", consent("C-1", "granted", 1))
        served.ask(
            "PUT", "/api/v1/members/lake/t/1?key_space=customer", content=manifest("C-1")
        ).raise_for_status()
        with ThreadPoolExecutor(SENDERS) as pool:
            list(pool.map(lambda n: served.sent("/lineage", event("START", f"r{n}", n)), range(PAST_A_TILE)))
        yield served


def published(store: Served) -> tuple[Any, list[bytes]]:
    """The checkpoint as verified, and every entry that it covers, from the entry bundles."""
    signed = opened(store.get("/log/checkpoint").text, store.get("/log/vkey").text)
    full, rest = divmod(signed.size, TILE)
    names = [f"{number:03d}" for number in range(full)] + ([f"{full:03d}.p/{rest}"] if rest else [])
    bundles = [store.get(f"/log/tile/entries/{name}").content for name in names]
    if bundles[0].startswith(b"\x1f\x8b"):
        bundles = [gzip.decompress(bundle) for bundle in bundles]
    return signed, [entry for bundle in bundles for entry in entries_of(bundle)]


# --- checkpoint, tiles, proofs -------------------------------------------------------------------


def test_the_checkpoint_is_a_note_signed_by_the_verifier_key(store: Served) -> None:
    """GET /log/checkpoint is a C2SP checkpoint signed with Ed25519 by the key of /log/vkey, and so is the file."""
    note, vkey = store.get("/log/checkpoint").text, store.get("/log/vkey").text
    signed = opened(note, vkey)
    assert signed.size == store.size()
    assert signed.origin == vkey.partition("+")[0]
    assert " " not in signed.origin
    assert "+" not in signed.origin
    assert (store.home / "log" / "checkpoint").read_text(encoding="utf-8") == note
    assert (store.home / "log" / "vkey").read_text(encoding="utf-8").strip() == vkey.strip()


def test_the_entries_hash_to_the_checkpoints_root(store: Served) -> None:
    """RFC 6962: the root over all entries of the bundles is the one that is signed."""
    signed, entries = published(store)
    assert len(entries) == signed.size
    assert root([leaf(entry) for entry in entries]) == signed.root


def test_the_tiles_hold_the_hashes_and_derive_the_root(store: Served) -> None:
    """Tiles of height 8: level 0 holds the leaves' hashes, level 1 the roots of full tiles, over HTTP and on disk."""
    signed, entries = published(store)
    full, rest = divmod(signed.size, TILE)
    leaves: list[bytes] = []
    for name in [f"{number:03d}" for number in range(full)] + ([f"{full:03d}.p/{rest}"] if rest else []):
        tile = store.get(f"/log/tile/0/{name}").content
        assert (store.home / "log" / "tile" / "0" / name).read_bytes() == tile
        leaves += hashes_of(tile)
    assert leaves == [leaf(entry) for entry in entries]
    assert hashes_of(store.get(f"/log/tile/1/000.p/{full}").content) == [
        root(leaves[number * TILE : (number + 1) * TILE]) for number in range(full)
    ]
    assert root(leaves) == signed.root


@pytest.mark.parametrize("index", [0, 1, TILE - 1, TILE, PAST_A_TILE])
def test_the_proof_of_an_entry_verifies(store: Served, index: int) -> None:
    """``/proof`` is C2SP tlog-proof text that verifies with a few lines against the entry's bytes, and no others."""
    vkey, proof = store.get("/log/vkey").text, store.get(f"/api/v1/evidence/{index}/proof").text
    entry = published(store)[1][index]
    assert proven(proof, entry, vkey).size == store.size()
    with pytest.raises(AssertionError):
        proven(proof, entry + b" ", vkey)


def test_a_verifier_that_is_not_ours_takes_the_proof(store: Served, tmp_path: Path) -> None:
    """The proof verifies with ``proofbundle verify-proof``, and under another index it does not."""
    vkey, proof = store.get("/log/vkey").text.strip(), store.get("/api/v1/evidence/257/proof").text
    (tmp_path / "entry").write_bytes(published(store)[1][257])
    verifier = str(Path(sys.executable).with_name("proofbundle"))
    call = [verifier, "verify-proof", "--payload-file", "entry", "--log-vkey", vkey, "proof"]
    codes = []
    for text in (proof, proof.replace("index 257\n", "index 258\n")):
        (tmp_path / "proof").write_text(text, encoding="utf-8")
        codes.append(subprocess.run(call, cwd=tmp_path, capture_output=True, check=False).returncode)
    assert codes[0] == 0
    assert codes[1] != 0


def test_the_lookups_checkpoint_is_one_of_the_logs(store: Served) -> None:
    """The signed checkpoint in an answer verifies, and its root is that of the first entries."""
    answer = store.usage("C-1")
    signed = opened(answer["checkpoint"], store.get("/log/vkey").text)
    entries = published(store)[1]
    assert signed.size == answer["log_size"]
    assert signed.root == root([leaf(entry) for entry in entries[: signed.size]])


@pytest.mark.parametrize(
    "path",
    ["tile/0/001", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/x000/000", "tile/0/0", "tile/64/000", "tile/00/000",
     "tile/entries/999", "head.db", "append.lock", "%2e%2e/keys/master.hex", "tile/0/%2e%2e/%2e%2e/head.db",
     "..%2fkeys%2flog-signing.pem", "tile/0/000%00", "/etc/passwd", ""],
)  # fmt: skip
def test_nothing_but_the_log_lies_under_its_path(store: Served, path: str) -> None:
    """GET /log/… gives checkpoint, vkey and tiles that exist; any other path is a plain 404."""
    answer = store.ask("GET", f"/log/{path}")
    assert answer.status_code == 404
    assert b"PRIVATE" not in answer.content


# --- entries and payloads ------------------------------------------------------------------------


def test_each_entry_is_canonical_json_of_an_evidence_record(store: Served) -> None:
    """Each entry is RFC 8785 JSON, shorter than 64 KiB, with at least the fields of the contract."""
    for entry in published(store)[1]:
        value = json.loads(entry)
        assert rfc8785.dumps(value) == entry
        assert {"kind", "source", "collector", "observed_at", "received_at", "payload"} <= value.keys()
        assert {"name", "version"} <= value["collector"].keys()
        kind, _, version = value["kind"].partition("/")
        assert kind
        assert version.isdigit()


def test_a_payload_is_what_its_digest_says(store: Served) -> None:
    """payload.sha256 and size are of the bytes as stored: inline as base64, or a read-only file named by its digest."""
    seen = set()
    for entry in published(store)[1]:
        payload = json.loads(entry)["payload"]
        if payload is None:
            continue
        assert {"sha256", "size", "media_type"} <= payload.keys()
        digest = payload["sha256"]
        if "inline" in payload:
            stored = base64.b64decode(payload["inline"], validate=True)
        else:
            path = store.home / "payloads" / "sha256" / digest[:2] / digest
            assert path.stat().st_mode & 0o222 == 0, "payloads are read-only files"
            stored = path.read_bytes()
        assert (hashlib.sha256(stored).hexdigest(), len(stored)) == (digest, payload["size"])
        seen.add(("inline" in payload, bool(payload.get("sealed"))))
    assert {inline for inline, _ in seen} == {True, False}
    assert {sealed for _, sealed in seen} == {True, False}


def test_evidence_is_named_by_index_and_item(store: Served) -> None:
    """GET /api/v1/evidence/{id} gives the entry of an index, ``/payload`` its bytes, INDEX/ITEM one item of them."""
    entry = store.sent("/lineage/batch", [event("START", "item-a", 1), event("START", "item-b", 2)])["entry"]
    assert (
        json.loads(published(store)[1][int(entry)]) == store.get(f"/api/v1/evidence/{entry}").json()["entry"]
    )
    both = store.get(f"/api/v1/evidence/{entry}/payload").json()
    assert [store.get(f"/api/v1/evidence/{entry}/{item}/payload").json() for item in range(2)] == both
    for missing, status in (
        (f"{entry}/2", 404),
        ("999999", 404),
        ("x", 422),
        ("1/2/3", 422),
        ("-1", 422),
        ("1/", 422),
    ):
        answer = store.ask("GET", f"/api/v1/evidence/{missing}")
        problem(answer, status)


# --- verify --------------------------------------------------------------------------------------


def flip(path: Path, *, line: int | None = None) -> None:
    """Change one bit of a file: in its middle, or of a digit in a line."""
    path.chmod(0o600)
    body = bytearray(path.read_bytes())
    at = len(body) // 2
    if line is not None:
        at = sum(len(one) + 1 for one in bytes(body).split(b"\n")[:line]) + 3
    body[at] ^= 1
    path.write_bytes(bytes(body))


def test_verify_finds_one_flipped_byte_anywhere(store: Served, tmp_path: Path) -> None:
    """A backup of the served store verifies; with one byte flipped in any part, verify exits with 1 and says where."""
    store.command.ok("backup", str(tmp_path / "whole"))
    payload = next((tmp_path / "whole" / "payloads").rglob("*/*/*")).relative_to(tmp_path / "whole")
    places: dict[str, tuple[Path, int | None]] = {
        "payload": (payload, None), "bundle": (Path("log/tile/entries/000"), None),
        "tile": (Path("log/tile/0/000"), None), "checkpoint": (Path("log/checkpoint"), 2),
    }  # fmt: skip
    for name, (path, line) in places.items():
        shutil.copytree(tmp_path / "whole", tmp_path / name)
        flip(tmp_path / name / path, line=line)
    names = ("whole", *places)
    with ThreadPoolExecutor(CORES) as pool:
        done = dict(
            zip(
                names,
                pool.map(lambda name: store.command.run("verify", str(tmp_path / name)), names),
                strict=True,
            )
        )
    assert {name: one.returncode for name, one in done.items()} == {
        name: int(name != "whole") for name in names
    }
    for name, one in done.items():
        assert "Traceback" not in one.stderr
        assert name == "whole" or one.stderr
    assert payload.name[:12] in done["payload"].stderr


def test_the_served_store_verifies_and_its_projections_equal_a_rebuild(store: Served) -> None:
    """``muniment verify --projections`` exits with 0 on the store while it is served."""
    told = json.loads(store.command.ok("verify", "--projections", "--json"))
    assert told["ok"] is True
    assert told["size"] == store.size()
