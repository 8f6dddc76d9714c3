"""What an auditor can write in an hour from the public specifications: signed notes, tiles, inclusion proofs.

c2sp.org/signed-note, /tlog-checkpoint, /tlog-tiles, /tlog-proof; RFC 6962. It shares no code with the product.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

ED25519 = 1
KEY_ID_BYTES = 4
HASH_BYTES = 32
TILE = 256


@dataclass(frozen=True)
class Signed:
    """A checkpoint whose signature holds."""

    origin: str
    size: int
    root: bytes


def opened(note: str, vkey: str) -> Signed:
    """The checkpoint of a signed note. Raises where the key does not vouch for it."""
    name, key_id, key = vkey.strip().split("+", 2)
    typed = base64.b64decode(key, validate=True)
    assert typed[0] == ED25519
    assert hashlib.sha256(name.encode() + b"\n" + typed).digest()[:KEY_ID_BYTES].hex() == key_id
    text, _, signatures = note.partition("\n\n")
    (line,) = [one for one in signatures.splitlines() if one.startswith(f"\N{EM DASH} {name} ")]
    signature = base64.b64decode(line.split(" ")[2], validate=True)
    assert signature[:KEY_ID_BYTES].hex() == key_id
    Ed25519PublicKey.from_public_bytes(typed[1:]).verify(signature[KEY_ID_BYTES:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    return Signed(origin, int(size), base64.b64decode(root, validate=True))


def leaf(entry: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of an entry."""
    return hashlib.sha256(b"\0" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    """RFC 6962 section 2.1: the hash of two subtrees."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 section 2.1: the Merkle tree hash of leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node(root(leaves[:split]), root(leaves[split:]))


def entries_of(bundle: bytes) -> list[bytes]:
    """The entries of a bundle: each preceded by its length in two bytes."""
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2])
        entries.append(bundle[2 : 2 + length])
        assert len(entries[-1]) == length
        bundle = bundle[2 + length :]
    return entries


def hashes_of(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    assert len(tile) % HASH_BYTES == 0
    return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]


def proven(proof: str, entry: bytes, vkey: str) -> Signed:
    """The checkpoint under which a tlog-proof shows an entry to lie (RFC 9162 section 2.1.3.2). Raises if it does not."""
    head, _, note = proof.partition("\n\n")
    magic, *lines = head.split("\n")
    assert magic == "c2sp.org/tlog-proof@v1"
    if lines[0].startswith("extra "):
        lines = lines[1:]
    assert lines[0].startswith("index ")
    signed = opened(note, vkey)
    position, last = int(lines[0].removeprefix("index ")), signed.size - 1
    assert 0 <= position <= last
    found = leaf(entry)
    for line in lines[1:]:
        sibling = base64.b64decode(line, validate=True)
        assert len(sibling) == HASH_BYTES
        assert last > 0
        if position & 1 or position == last:
            found = node(sibling, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node(found, sibling)
        position, last = position >> 1, last >> 1
    assert last == 0
    assert found == signed.root
    return signed
