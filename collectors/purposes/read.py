"""Entries of the register of processing read back. A purpose counts from the time that it holds from."""

from collectors.purposes.accept import FORM
from collectors.pushed.reading import PushedReader

READER = PushedReader(kinds=("purposes/1",), received_as="purpose", form=FORM)
