"""Erasure entries read back."""

from collectors.erasures.accept import FORM
from collectors.pushed.reading import PushedReader, with_key_id

READER = PushedReader(kinds=("erasures/1",), received_as="erasure", form=FORM, value=with_key_id)
