"""What is handed to the log, or shown as a proof of it, and is not fit: each fault has a sentence of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import InputRefused, NotFound, TooLarge
from compliance.log import EvidenceLog
from compliance.merkle import check_inclusion, inclusion_proof, leaf_hash, path_length, root_of
from compliance.note import Checkpoint, ProofFile, Verifier, open_checkpoint
from tests.logs import make, observation


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> EvidenceLog:
    """A log of seven entries."""
    return make(tmp_path_factory.mktemp("log"), 7)


def test_an_entry_beyond_64_kib_is_refused(log: EvidenceLog) -> None:
    """An entry has at most 65,535 bytes; the refusal says how many there were, and nothing is appended."""
    with pytest.raises(TooLarge, match=r"The entry has 70301 bytes; at most 65535 fit"):
        log.append([observation(b"", detail={"note": "x" * 70_000})])
    assert log.size == 7


def test_an_index_beyond_the_size_is_refused(log: EvidenceLog) -> None:
    """There is no proof of an entry that is not there, and none of one beyond the size that is asked for."""
    with pytest.raises(NotFound, match="no entry 7 among the first 7"):
        log.prove(7)
    with pytest.raises(NotFound, match="no entry 5 among the first 3"):
        log.prove(5, 3)
    with pytest.raises(NotFound, match="has no size 9; it has 7 entries"):
        log.root(9)
    proof = ProofFile.parse(log.prove(6))
    with pytest.raises(InputRefused, match="The index 7 is beyond the 7 entries"):
        check_inclusion(7, 7, leaf_hash(log.leaf(6)), proof.path, log.root(7))


def test_hashes_of_the_wrong_length_are_refused(log: EvidenceLog) -> None:
    """A hash that is cut, in leaf, root or step, is named, and so is a proof of too few or too many of them."""
    leaf, root, path = leaf_hash(log.leaf(2)), log.root(7), ProofFile.parse(log.prove(2)).path
    check_inclusion(2, 7, leaf, path, root)
    faults = [
        (leaf[:-1], path, root, "The leaf's hash has 31 bytes; expected 32"),
        (leaf, path, root + b"x", "The root has 33 bytes; expected 32"),
        (leaf, [path[0], path[1][:5], *path[2:]], root, "Hash 2 of the proof has 5 bytes; expected 32"),
        (leaf, path[:-1], root, "The proof has 2 hashes; entry 2 of 7 needs 3"),
        (leaf, [*path, bytes(32)], root, "The proof has 4 hashes; entry 2 of 7 needs 3"),
        (leaf_hash(b"another"), path, root, "Entry 2 does not lead to the signed root"),
    ]
    for bad_leaf, bad_path, bad_root, said in faults:
        with pytest.raises(InputRefused, match=said):
            check_inclusion(2, 7, bad_leaf, bad_path, bad_root)
    with pytest.raises(InputRefused, match="root has 3 bytes, not 32"):
        Checkpoint.parse("compliance.example.org/log\n7\nAAAA\n")


def test_a_checkpoint_of_a_foreign_origin_is_refused(log: EvidenceLog) -> None:
    """One that the log's own key signed for another log's name is named with both."""
    foreign = log._secret().signer.signed(Checkpoint("other.example/log", 7, log.root(7)).text())
    with pytest.raises(InputRefused, match=r"of other\.example/log; expected compliance\.example\.org/log"):
        open_checkpoint(foreign, Verifier.parse(log.vkey))


@pytest.mark.parametrize("more", ["x", "\n", "more\n", "\n\n", "\x00", "\u2014 x\ny\n"])
def test_a_proof_with_trailing_bytes_is_refused(log: EvidenceLog, more: str) -> None:
    """Nothing may follow the checkpoint of a proof."""
    with pytest.raises(InputRefused, match="Bytes follow the checkpoint"):
        ProofFile.parse(log.prove(1) + more)


@given(st.integers(1, 600), st.data())
def test_the_length_of_a_proof_follows_from_index_and_size(size: int, data: st.DataObject) -> None:
    """As many hashes as the naive proof has."""
    index = data.draw(st.integers(0, size - 1))
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    path = inclusion_proof(index, size, lambda level, at: root_of(leaves[at << level : (at + 1) << level]))
    assert path_length(index, size) == len(path)
    check_inclusion(index, size, leaves[index], path, root_of(leaves))
