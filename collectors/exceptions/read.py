"""Exception entries read back."""

from collectors.exceptions.accept import FORM
from collectors.pushed.reading import PushedReader

READER = PushedReader(kinds=("exception/1",), received_as="exception", form=FORM)
