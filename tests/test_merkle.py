"""RFC 6962 hashing and proofs, against a naive tree and an independent implementation."""

import hashlib
from collections.abc import Sequence

import pymerkle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.errors import InputRefused
from compliance.merkle import (
    EMPTY_ROOT,
    NodeReader,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

LEAVES = st.lists(st.binary(max_size=20), max_size=70)
TREES = LEAVES.filter(bool)
FORGED = hashlib.sha256(b"a hash that is in no tree of these tests").digest()


def naive_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:middle]) + naive_root(leaves[middle:])).digest()


def reader(leaves: Sequence[bytes]) -> NodeReader:
    def node(level: int, index: int) -> bytes:
        part = leaves[index << level : (index + 1) << level]
        assert len(part) == 1 << level, "a proof asks for complete subtrees only"
        return naive_root(part)

    return node


def test_published_test_vectors() -> None:
    """The roots of the eight-leaf tree that Certificate Transparency implementations share."""
    leaves = [bytes.fromhex(text) for text in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    )]  # fmt: skip
    hashes = [leaf_hash(leaf) for leaf in leaves]
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of(hashes[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert root_of(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(LEAVES)
def test_root_is_that_of_the_naive_tree_and_of_pymerkle(leaves: list[bytes]) -> None:
    """The root of any list equals the recursive definition and what pymerkle computes."""
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    assert root_of([leaf_hash(leaf) for leaf in leaves]) == naive_root(leaves)
    assert naive_root(leaves) == (other.get_root() if leaves else EMPTY_ROOT)
    assert tree_root(len(leaves), reader(leaves)) == naive_root(leaves)


@given(TREES, st.data())
def test_inclusion_proof_verifies_for_its_leaf_alone(leaves: list[bytes], data: st.DataObject) -> None:
    """An audit path verifies at its index, size and root, and at no other index or leaf hash."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(0, len(leaves) + 2))
    size, root = len(leaves), naive_root(leaves)
    path = inclusion_proof(index, size, reader(leaves))
    found = leaf_hash(leaves[index])
    assert verify_inclusion(index, size, found, path, root)
    assert not verify_inclusion(index, size, FORGED, path, root)
    assert not verify_inclusion(index, size, found, [*path, found], root)
    assert (
        other == index
        or not verify_inclusion(other, size, found, path, root)
        or leaves[other] == leaves[index]
    )


@given(TREES, st.data())
def test_a_changed_inclusion_proof_is_refused(leaves: list[bytes], data: st.DataObject) -> None:
    """One flipped bit, a missing step or a step of another length makes an audit path fail."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, root = inclusion_proof(index, len(leaves), reader(leaves)), naive_root(leaves)
    found = leaf_hash(leaves[index])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        for wrong in (bytes([path[at][0] ^ 1]) + path[at][1:], path[at][:-1], b""):
            assert not verify_inclusion(index, len(leaves), found, [*path[:at], wrong, *path[at + 1 :]], root)
        assert not verify_inclusion(index, len(leaves), found, path[:at] + path[at + 1 :], root)


@given(LEAVES, st.data())
def test_consistency_proof_verifies_for_prefixes_alone(leaves: list[bytes], data: st.DataObject) -> None:
    """A tree continues each of its prefixes, provably, and nothing that is no prefix."""
    old = data.draw(st.integers(0, len(leaves)))
    roots = naive_root(leaves[:old]), naive_root(leaves)
    path = consistency_proof(old, len(leaves), reader(leaves))
    assert verify_consistency(old, len(leaves), *roots, path)
    assert not verify_consistency(old, len(leaves), FORGED, roots[1], path)
    assert not verify_consistency(old, len(leaves), *roots, [*path, FORGED])
    if old not in (0, len(leaves)):
        assert not verify_consistency(old, len(leaves), roots[0], FORGED, path)
        for at in range(len(path)):
            assert not verify_consistency(old, len(leaves), *roots, path[:at] + path[at + 1 :])
            assert not verify_consistency(old, len(leaves), *roots, [*path[:at], FORGED, *path[at + 1 :]])


@settings(max_examples=50)
@given(TREES, st.data())
def test_pymerkle_makes_the_same_inclusion_proofs(leaves: list[bytes], data: st.DataObject) -> None:
    """An audit path holds the hashes that an independent implementation puts into its proof."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = pymerkle.InmemoryTree(algorithm="sha256")
    for leaf in leaves:
        other.append_entry(leaf)
    theirs = other.prove_inclusion(index + 1, len(leaves)).path
    assert [leaf_hash(leaves[index]), *inclusion_proof(index, len(leaves), reader(leaves))] == theirs


def test_what_lies_outside_the_tree_is_refused() -> None:
    """No proof is made for an index at or beyond the size, or for a tree larger than its continuation."""
    node = reader([b"a", b"b"])
    for index in (-1, 2, 3):
        with pytest.raises(InputRefused, match="not in a tree of 2"):
            inclusion_proof(index, 2, node)
    for old, new in ((3, 2), (-1, 2)):
        with pytest.raises(InputRefused, match="cannot continue"):
            consistency_proof(old, new, node)


def test_nonsense_is_no_proof() -> None:
    """Verification answers no, and never raises, for indices, sizes and lengths that cannot be."""
    root = root_of([leaf_hash(b"a"), leaf_hash(b"b")])
    assert not verify_inclusion(0, 0, leaf_hash(b"a"), [], root)
    assert not verify_inclusion(-1, 2, leaf_hash(b"a"), [leaf_hash(b"b")], root)
    assert not verify_inclusion(0, 1, b"short", [], b"short")
    assert not verify_consistency(2, 1, root, root, [])
    assert not verify_consistency(1, 2, leaf_hash(b"a"), root, [])
    assert not verify_consistency(0, 2, root, root, [])
    assert not verify_consistency(2, 2, root, EMPTY_ROOT, [])
