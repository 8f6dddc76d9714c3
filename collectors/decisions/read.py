"""Decision-log entries read back, normalised. Pure.

The shape that was configured at receipt is stated in the entry, so that a later change of the
configuration re-reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from collectors.decisions.accept import Shape, dataset_of, decision_form, record_of
from collectors.pushed.reading import PushedReader, with_key_id
from compliance.canonical import Json
from compliance.facts import FactSchema, Opened, Reading


def normalised(item: Mapping[str, Json], detail: Mapping[str, Json]) -> dict[str, Json]:
    """The decision in the form of ``compliance.lineage.records``."""
    shape = Shape(**detail.get("shape", {}))
    records = shape.value(item, "records")
    named = [record_of(record) for record in records] if isinstance(records, list) else []
    value: dict[str, Json] = {
        "decision_id": item["decision_id"], "timestamp": item["timestamp"], "allowed": shape.is_allowed(item),
        "records": [dict(with_key_id(record, detail)) for record in named if record is not None],
    }  # fmt: skip
    texts = {name: shape.value(item, name) for name in ("purpose", "principal", "model")}
    value |= {name: text for name, text in texts.items() if isinstance(text, str) and text}
    dataset = dataset_of(shape.value(item, "dataset"))
    return value if dataset is None else {**value, "dataset": dataset}


@dataclass
class DecisionReader:
    """Reads decision-log batches, each by the shape that its entry states."""

    kinds: tuple[str, ...] = ("decisions/1",)
    schemas: tuple[FactSchema, ...] = ()

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A decision for each entry of the batch, and its defects."""
        form = decision_form(Shape(**opened.entry.detail.get("shape", {})))
        return PushedReader(self.kinds, "decision", form, normalised).read(opened)


READER = DecisionReader()
