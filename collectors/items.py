"""The items of a collected entry, as every reader goes through them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, evidence_id, instant_of
from compliance.evidence import Item
from compliance.facts import Opened


@dataclass(frozen=True)
class SeenItem:
    """One raw response with its evidence id and the instant from which it counts."""

    item: Item
    body: bytes
    evidence: str
    instant: datetime

    @property
    def operation(self) -> str:
        """What was asked: ``DescribeKey``."""
        return str(self.item.request.get("operation", ""))

    @property
    def action(self) -> str:
        """What was asked, as permissions name it: ``kms:DescribeKey``."""
        return f"{self.item.request.get('service', '')}:{self.operation}"

    @property
    def parameters(self) -> dict[str, Json]:
        """What it was asked with."""
        return dict(self.item.request.get("parameters", {}))

    @property
    def resource(self) -> str:
        """The one resource that the request was about; empty for listings."""
        return str(self.item.request.get("resource", ""))

    @property
    def repeated(self) -> bool:
        """Whether it was asked a second time, as a control total only."""
        return str(self.item.request.get("moment", "")).startswith("after")


def items_of(opened: Opened) -> Iterator[SeenItem]:
    """The items of an entry in their order."""
    received = opened.entry.received_at
    for number, item in enumerate(opened.entry.items):
        yield SeenItem(
            item=item, body=opened.item_body(number), evidence=evidence_id(opened.index, number),
            instant=instant_of(item.observed_at, received),
        )  # fmt: skip
