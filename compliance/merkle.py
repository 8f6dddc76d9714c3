"""RFC 6962 Merkle trees over bytes: hashes, roots, inclusion and consistency proofs.

Pure. Section numbers are those of RFC 6962; the verification steps follow RFC 9162 sections 2.1.3.2
and 2.1.4.2, which state them as algorithms. Proofs are worked out through a ``NodeReader``, so that
the same code serves a tree in memory and one that lies in tiles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeAlias

from compliance.errors import InputRefused

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without entries (section 2.1)."""

NodeReader: TypeAlias = Callable[[int, int], bytes]
"""``(level, index)`` to the hash of the complete subtree of ``2**level`` leaves from ``index << level``."""


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of one entry: SHA-256 over 0x00 and its bytes (section 2.1)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 over 0x01 and both children (section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The Merkle tree hash of a list of leaf (or equally high subtree) hashes (section 2.1)."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    # An odd last node is carried up unhashed; this pairs exactly as the recursive split does.
    while len(row) > 1:
        paired = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = paired + row[len(row) & ~1 :]
    return row[0]


# --- proofs, made ------------------------------------------------------------------------------


def split(size: int) -> int:
    """The largest power of two smaller than ``size``, which is at least 2 (section 2.1)."""
    return 1 << ((size - 1).bit_length() - 1)


def subtree(start: int, end: int, node: NodeReader) -> bytes:
    """The Merkle tree hash of the leaves from ``start`` up to ``end``, ``start`` aligned as a proof needs it."""
    size = end - start
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return node(level, start >> level)
    middle = start + split(size)
    return node_hash(subtree(start, middle, node), subtree(middle, end, node))


def tree_root(size: int, node: NodeReader) -> bytes:
    """The root of the tree of the first ``size`` leaves."""
    return subtree(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size``, from its sibling upward (section 2.1.1).

    Raises InputRefused where the leaf is not in the tree.
    """
    if not 0 <= index < size:
        raise InputRefused(f"Leaf {index} is not in a tree of {size}.", field="index")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(subtree(middle, end, node))
            end = middle
        else:
            path.append(subtree(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(old: int, new: int, node: NodeReader) -> list[bytes]:
    """The proof that the tree of ``old`` is a prefix of that of ``new`` (section 2.1.2).

    Empty for equal sizes and for ``old`` 0, of which everything is a continuation. Raises
    InputRefused where ``old`` is larger than ``new`` or negative.
    """
    if not 0 <= old <= new:
        raise InputRefused(f"A tree of {new} cannot continue one of {old}.", field="old")
    if old in (0, new):
        return []
    path, start, end = [], 0, new
    while end > old:
        middle = start + split(end - start)
        if old <= middle:
            path.append(subtree(middle, end, node))
            end = middle
        else:
            path.append(subtree(start, middle, node))
            start = middle
    # The old tree itself is left out where it is a whole subtree of the new one.
    return path[::-1] if start == 0 else [subtree(start, end, node), *path[::-1]]


# --- proofs, verified --------------------------------------------------------------------------


def verify_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether an audit path proves that the leaf hash stands at ``index`` under ``root`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes([leaf, root, *path]):
        return False
    number, last, found = index, size - 1, leaf
    for step in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            found = node_hash(step, found)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            found = node_hash(found, step)
        number, last = number >> 1, last >> 1
    return last == 0 and found == root


def check_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> None:
    """``verify_inclusion``, saying what is wrong. Raises InputRefused, each fault with a sentence of its own."""
    if not 0 <= index < size:
        message = f"The index {index} is beyond the {size} entries that the checkpoint speaks for."
        raise InputRefused(message, field="index")
    for at, value in enumerate((leaf, root, *path)):
        if len(value) != HASH_BYTES:
            what = ("The leaf's hash", "The root")[at] if at < FIRST_STEP else f"Hash {at - 1} of the proof"
            raise InputRefused(f"{what} has {len(value)} bytes; expected {HASH_BYTES}.", field="proof")
    if len(path) != (expected := path_length(index, size)):
        message = f"The proof has {len(path)} hashes; entry {index} of {size} needs {expected}."
        raise InputRefused(message, field="proof")
    if not verify_inclusion(index, size, leaf, path, root):
        message = f"Entry {index} does not lead to the signed root: it, or the proof, is another's."
        raise InputRefused(message, field="proof")


FIRST_STEP = 2
"""Where the steps begin among leaf, root and steps."""


def path_length(index: int, size: int) -> int:
    """How many hashes the audit path of a leaf has (section 2.1.1)."""
    inner = (index ^ (size - 1)).bit_length()
    return inner + (index >> inner).bit_count()


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows the tree under ``old_root`` to be a prefix (RFC 9162, 2.1.4.2).

    Every tree continues the empty one, whose proof is empty and whose root is ``EMPTY_ROOT``.
    """
    if not 0 <= old <= new or not _are_hashes([old_root, new_root, *path]):
        return False
    if old in (0, new):
        return not path and old_root == (EMPTY_ROOT if old == 0 else new_root)
    if not path:
        return False
    steps = list(path) if old & (old - 1) else [old_root, *path]
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    return _continues(number, last, steps, (old_root, new_root))


def _continues(number: int, last: int, steps: Sequence[bytes], roots: tuple[bytes, bytes]) -> bool:
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, step)
        number, last = number >> 1, last >> 1
    return last == 0 and (first, second) == roots


def _are_hashes(values: Sequence[bytes]) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
