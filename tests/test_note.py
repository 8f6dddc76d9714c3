"""Signed notes, checkpoints, verifier keys and proof files."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import InputRefused
from compliance.note import (
    Checkpoint,
    ProofFile,
    Signer,
    Verifier,
    check_origin,
    open_checkpoint,
    split_note,
)

ORIGIN = "compliance.example.org/log"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
ROOT = bytes(range(100, 132))
NOTE = SIGNER.signed(Checkpoint(ORIGIN, 7, ROOT).text())


def test_example_of_the_specification_verifies() -> None:
    """The example note of c2sp.org/signed-note verifies under its example key."""
    verifier = Verifier.parse("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = (
        "This is an example message.\n\n"
        "\u2014 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1"
        "Yu72IneyaQM=\n"
    )
    assert verifier.verified(note) == "This is an example message.\n"


@given(st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_a_signed_checkpoint_is_read_back(size: int, root: bytes) -> None:
    """A checkpoint survives signing, verifying and parsing; signing twice gives equal bytes."""
    checkpoint = Checkpoint(ORIGIN, size, root)
    note = SIGNER.signed(checkpoint.text())
    assert note == SIGNER.signed(checkpoint.text())
    assert open_checkpoint(note, Verifier.parse(str(SIGNER.verifier))) == checkpoint


@given(st.integers(0, 8 * len(NOTE.encode()) - 1))
def test_any_flipped_bit_of_a_checkpoint_is_refused(bit: int) -> None:
    """No bit of a published checkpoint can change, text or signature line."""
    raw = bytearray(NOTE.encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputRefused, UnicodeDecodeError)):
        open_checkpoint(raw.decode(), SIGNER.verifier)


@given(st.integers(0, 8 * len(str(SIGNER.verifier).encode()) - 1))
def test_any_flipped_bit_of_a_verifier_key_is_refused(bit: int) -> None:
    """No bit of a verifier key can change, letter case included."""
    raw = bytearray(str(SIGNER.verifier).encode())
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises((InputRefused, UnicodeDecodeError)):
        Verifier.parse(raw.decode())


@pytest.mark.parametrize("text", [
    "", "a", "a+b", "a+b+c", "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903a+Aeky", "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
])  # fmt: skip
def test_malformed_verifier_keys_are_refused(text: str) -> None:
    """A verifier key is name, lower-case hash and base64 of an Ed25519 key, nothing before or behind."""
    with pytest.raises(InputRefused):
        Verifier.parse(text)


@pytest.mark.parametrize("note", [
    "", "\n", "\n\n", "text\n", "text\n\n", NOTE[:-1], NOTE + "\n", NOTE.replace("\n\n", "\n"),
    NOTE.replace("\u2014", "-"), NOTE.replace("\u2014 ", "\u2014"), NOTE + "\u2014 x AAAA\n", NOTE + "\u2014 a+b AAAAAAA=\n",
    NOTE + "\u2014  AAAAAAA=\n", NOTE.replace("\n7\n", "\n7\t\n"), "\0" + NOTE, "x" * 1_000_001 + NOTE,
    NOTE.replace("=\n", "\n"),
])  # fmt: skip
def test_malformed_notes_are_refused(note: str) -> None:
    """A note is text, an empty line and signature lines, without control characters."""
    with pytest.raises(InputRefused):
        SIGNER.verifier.verified(note)


@pytest.mark.parametrize("lines", [
    [ORIGIN, "07"], [ORIGIN, "-1"], [ORIGIN, "+7"], [ORIGIN, "7 "], [ORIGIN, "\u0667"], [ORIGIN, ""], ["", "7"],
    [ORIGIN, "7", "AAAA"], [ORIGIN, "7", ""], [ORIGIN, "7", Checkpoint(ORIGIN, 7, ROOT).text().split("\n")[2], ""],
    [ORIGIN], ["another.example/log", "7"],
])  # fmt: skip
def test_malformed_checkpoints_are_refused_though_signed(lines: list[str]) -> None:
    """A signature does not mend a checkpoint whose origin, size or root is malformed or another's."""
    root = Checkpoint(ORIGIN, 7, ROOT).text().split("\n")[2]
    text = "\n".join(lines if len(lines) != 2 else [*lines, root]) + "\n"
    with pytest.raises(InputRefused):
        open_checkpoint(SIGNER.signed(text), SIGNER.verifier)


def test_extension_lines_of_others_are_read_past() -> None:
    """A checkpoint may carry extension lines; they change neither size nor root."""
    text = Checkpoint(ORIGIN, 7, ROOT).text() + "something of another log\n"
    assert open_checkpoint(SIGNER.signed(text), SIGNER.verifier) == Checkpoint(ORIGIN, 7, ROOT)


def test_signatures_of_unknown_keys_are_left_alone() -> None:
    """A cosignature by an unknown key neither helps nor harms."""
    cosigned = NOTE + OTHER.signed("x\n").split("\n\n")[1]
    assert open_checkpoint(cosigned, SIGNER.verifier).size == 7
    with pytest.raises(InputRefused, match="bears no signature"):
        SIGNER.verifier.verified(OTHER.signed("x\n"))


def test_one_failing_signature_of_a_known_key_refuses_the_note() -> None:
    """A good signature does not excuse a bad one of the same key."""
    both = NOTE + SIGNER.signed("other\n").split("\n\n")[1]
    with pytest.raises(InputRefused, match="does not belong"):
        SIGNER.verifier.verified(both)


def test_text_with_empty_lines_is_split_at_the_last() -> None:
    """The text of a note may hold empty lines; the last one ends it."""
    note = SIGNER.signed("a\n\nb\n")
    assert SIGNER.verifier.verified(note) == "a\n\nb\n"
    assert len(split_note(note)[1]) == 1


@pytest.mark.parametrize("text", ["no newline", "tab\there\n", "nul\0\n"])
def test_unfit_text_is_not_signed(text: str) -> None:
    """What a verifier would refuse as text is not signed in the first place."""
    with pytest.raises(InputRefused):
        SIGNER.signed(text)


@given(st.integers(0, 2**40), st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_a_proof_file_is_read_back(index: int, path: list[bytes]) -> None:
    """Index, path and checkpoint survive the text form."""
    assert ProofFile.parse(ProofFile(index, path, NOTE).text()) == ProofFile(index, path, NOTE)


@pytest.mark.parametrize("text", [
    "", "c2sp.org/tlog-proof@v1\n\n" + NOTE, "c2sp.org/tlog-proof@v2\nindex 0\n\n" + NOTE,
    "c2sp.org/tlog-proof@v1\nindex 00\n\n" + NOTE, "c2sp.org/tlog-proof@v1\nindex -1\n\n" + NOTE,
    "c2sp.org/tlog-proof@v1\nindex 0\nAAAA\n\n" + NOTE, "c2sp.org/tlog-proof@v1\nindex 0\n!\n\n" + NOTE,
    "c2sp.org/tlog-proof@v1\nindex 0\n", "c2sp.org/tlog-proof@v1\nnumber 0\n\n" + NOTE,
])  # fmt: skip
def test_malformed_proof_files_are_refused(text: str) -> None:
    """A proof file is its header, a plain index, 32-byte hashes and a checkpoint."""
    with pytest.raises(InputRefused):
        ProofFile.parse(text)


@pytest.mark.parametrize(
    "origin", ["localhost", "a.example/log", "127.0.0.1:8000/log", "muniment.local/a/b-c_d"]
)
def test_origins_are_schema_less_urls(origin: str) -> None:
    """Host, port and path make an origin."""
    assert check_origin(origin) == origin


@pytest.mark.parametrize("origin", [
    "", "https://a.example/log", "a b", "a+b", "a.example/", "/log", "a//b", "a\nb", "\u00e9.example", "a" * 300,
])  # fmt: skip
def test_other_origins_are_refused(origin: str) -> None:
    """A scheme, a space, a plus, a closing slash or a line break makes no origin."""
    with pytest.raises(InputRefused, match="schema-less URL"):
        check_origin(origin)
