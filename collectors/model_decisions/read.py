"""Entries of decisions about models, read back."""

from collectors.model_decisions.accept import FORM
from collectors.pushed.reading import PushedReader

READER = PushedReader(kinds=("model-decision/1",), received_as="model_decision", form=FORM)
