"""What a decision-log entry of Open Policy Agent must look like (CONTRACT sections 3 and 4). Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from collectors.pushed import fields
from collectors.pushed.accepting import DatasetName, Form
from collectors.pushed.spans import Path
from compliance.canonical import Json, is_pseudonym
from compliance.errors import InputRefused


@dataclass(frozen=True)
class Shape:
    """JSON pointers to what an entry says, where it has not the contract's shape.

    ``allowed`` empty means: ``result`` is true, or an object whose ``allow`` is true.
    """

    allowed: str = ""
    purpose: str = "/input/purpose"
    principal: str = "/input/principal"
    model: str = "/input/model"
    dataset: str = "/input/dataset"
    records: str = "/input/records"

    def as_json(self) -> dict[str, Json]:
        """The pointers that differ from the contract's, as a decisions entry states them."""
        plain = dataclasses.asdict(Shape())
        return {name: text for name, text in dataclasses.asdict(self).items() if text != plain[name]}

    def value(self, item: Json, name: str) -> Json:
        """What the entry says of one of the fields; None where it says nothing."""
        return fields.member(item, path_of(getattr(self, name), item))

    def is_allowed(self, item: Json) -> bool:
        """Whether the decision was to allow."""
        if self.allowed:
            return self.value(item, "allowed") is True
        result = item.get("result")
        return result is True or (isinstance(result, Mapping) and result.get("allow") is True)


def path_of(text: str, item: Json) -> Path:
    """The path that a JSON pointer leads in a document: digits are positions where an array stands."""
    path: list[str | int] = []
    for part in text.removeprefix("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        here = fields.member(item, tuple(path))
        path.append(int(name) if isinstance(here, list) and name.isdigit() else name)
    return tuple(path)


def decision_form(shape: Shape) -> Form:
    """The form of entries of that shape."""

    def check(item: Json) -> tuple[str, ...]:
        fields.text(item, "decision_id")
        fields.time(item, "timestamp")
        return tuple(_defects(item, shape))

    def holders(item: Json) -> Iterator[Path]:
        place = path_of(shape.records, item)
        for number, record in enumerate(_listed(shape.value(item, "records"))):
            if isinstance(record, Mapping):
                yield (*place, number)

    def datasets(item: Json) -> Iterator[DatasetName]:
        named = shape.value(item, "dataset")
        if isinstance(named, Mapping) and isinstance(named.get("namespace"), str):
            yield named["namespace"], str(named.get("name"))

    return Form(kind="decisions/1", check=check, time=time, sealed=True, holders=holders, datasets=datasets)


def time(item: Json) -> datetime | None:
    """When it was decided."""
    return fields.time(item, "timestamp")


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _defects(item: Json, shape: Shape) -> Iterator[str]:
    """What keeps an entry from being read in full: OPA sends a batch again until all of it is taken."""
    records = shape.value(item, "records")
    if records is not None and not isinstance(records, list):
        yield f"{shape.records} is no array; the records it speaks of cannot be read"
    for number, record in enumerate(_listed(records)):
        if record_of(record) is None:
            yield f"{shape.records}/{number} names no key_space and pseudonym"
    for name in ("purpose", "principal", "model"):
        if not isinstance(shape.value(item, name), str | None):
            yield f"{getattr(shape, name)} is no text"
    if dataset_of(shape.value(item, "dataset")) is None and shape.value(item, "dataset") is not None:
        yield f"{shape.dataset} names no namespace and name"
    hidden = [place for name in ("erased", "masked") for place in _listed(item.get(name))]
    if any(str(place).startswith(shape.records) for place in hidden):
        yield "OPA masked the records it speaks of"


def record_of(value: Json) -> dict[str, Json] | None:
    """A record as the entry names it, or None where it cannot be read."""
    try:
        fields.mapping(value)
        space = fields.text(value, "key_space")
        fields.optional_text(value, "key_id")
    except InputRefused:
        return None
    return {**value, "key_space": space} if is_pseudonym(value.get("pseudonym")) else None


def dataset_of(value: Json) -> dict[str, Json] | None:
    """The dataset that the entry names, or None."""
    try:
        namespace, name = fields.dataset(fields.mapping(value))
    except InputRefused:
        return None
    return {"namespace": namespace, "name": name}


FORM = decision_form(Shape())
"""Entries of the contract's own shape."""
