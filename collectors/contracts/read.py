"""Data-contract entries read back. A contract counts from the time that it says it holds from."""

from collectors.contracts.accept import FORM
from collectors.pushed.reading import PushedReader

READER = PushedReader(kinds=("contracts/1",), received_as="contract", form=FORM)
