"""Cosignatures of witnesses, C2SP tlog-cosignature type 0x04."""

from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from compliance.cosignature import Cosignature, Cosigner, Witness, cosignatures
from compliance.errors import InputRefused
from compliance.note import Checkpoint, Signer, Verifier, split_note

LOG = Signer("example.com/behind-the-sofa", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
COSIGNER = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = Cosigner("witness.example/w2", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
NOTE = LOG.signed(Checkpoint(LOG.name, 20852163, bytes(32)).text())
AT = datetime(2023, 3, 20, 12, 25, 47, tzinfo=UTC)
TEXT, _ = split_note(NOTE)


def test_the_signed_message_is_that_of_the_specification() -> None:
    """Header line, time line and the whole text of the checkpoint are what is signed."""
    raw = split_note(NOTE + COSIGNER.line(TEXT, AT))[1][1][1]
    assert int.from_bytes(raw[4:12]) == int(AT.timestamp())
    message = f"cosignature/v1\ntime {int(AT.timestamp())}\n{TEXT}".encode()
    COSIGNER.private.public_key().verify(raw[12:], message)


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 (bounds take none)
def test_a_cosignature_is_read_back_with_its_time(at: datetime) -> None:
    """Time and name of a witness survive, to the second; unknown lines are left alone."""
    note = NOTE + OTHER.line(TEXT, at) + COSIGNER.line(TEXT, at)
    assert cosignatures(note, [COSIGNER.witness]) == [
        Cosignature(at.replace(microsecond=0), "witness.example/w1")
    ]
    assert LOG.verifier.verified(note) == TEXT


@pytest.mark.parametrize("at", range(104))
def test_no_byte_of_a_cosignature_can_change(at: int) -> None:
    """Any changed character of the base64 either names another key or refuses the note."""
    line = COSIGNER.line(TEXT, AT)
    start = line.index(" ", 2) + 1
    where = start + at % (len(line) - start - 1)
    changed = line[:where] + ("A" if line[where] != "A" else "B") + line[where + 1 :]
    try:
        found = cosignatures(NOTE + changed, [COSIGNER.witness])
    except InputRefused:
        return
    assert found == []


def test_a_cosignature_of_another_checkpoint_is_refused() -> None:
    """A line moved to another checkpoint, or with another time, does not verify."""
    elsewhere = LOG.signed(Checkpoint(LOG.name, 20852164, bytes(32)).text())
    with pytest.raises(InputRefused, match="does not belong to this checkpoint"):
        cosignatures(elsewhere + COSIGNER.line(TEXT, AT), [COSIGNER.witness])


def test_the_key_of_a_witness_is_none_of_a_log() -> None:
    """The types 01 and 04 are told apart, in key id and in the form of the key."""
    same = Signer(COSIGNER.name, COSIGNER.private).verifier
    assert same.key_id != COSIGNER.witness.key_id
    assert Witness.parse(str(COSIGNER.witness)) == COSIGNER.witness
    for parse, text in ((Witness.parse, str(same)), (Verifier.parse, str(COSIGNER.witness))):
        with pytest.raises(InputRefused):
            parse(text)
