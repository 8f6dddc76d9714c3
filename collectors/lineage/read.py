"""OpenLineage entries read back: the events as received."""

from collectors.lineage.accept import FORM
from collectors.pushed.reading import PushedReader

READER = PushedReader(kinds=("lineage/1",), received_as="lineage", form=FORM)
