"""Consent entries read back."""

from collectors.consents.accept import FORM
from collectors.pushed.reading import PushedReader, with_key_id

READER = PushedReader(kinds=("consents/1",), received_as="consent", form=FORM, value=with_key_id)
