"""Attestation entries read back."""

from collectors.attestations.accept import FORM
from collectors.pushed.reading import PushedReader

READER = PushedReader(kinds=("attestation/1",), received_as="attestation", form=FORM)
