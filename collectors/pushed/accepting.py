"""Accepting a received body: taken apart, cleaned, checked, and ready to be stored.

Pure. What one kind of evidence must look like is a ``Form``; everything else is the same for all.
A body is accepted whole or refused whole; only ``accept_each`` answers per item.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from collectors.pushed.bodies import Body, take_apart
from collectors.pushed.redaction import Cleaner, Redaction, SqlText, clean
from collectors.pushed.spans import Path
from compliance.canonical import Json, canonical, instant_of
from compliance.errors import InputRefused, MunimentError, TooLarge

DatasetName: TypeAlias = tuple[str, str]
EVERY_DATASET: DatasetName = ("*", "*")
"""Stands for all datasets, where an item speaks of all."""
NAMED_AT_MOST = 100
"""Redactions and defects that an entry names one by one; beyond, it counts them by kind of place."""
ROOM = 16 * 1024
"""Bytes of an entry that each of the two lists may take."""


def nothing(_item: Json) -> tuple[()]:
    """Of a form that has no raw keys, SQL texts or datasets."""
    return ()


def own_time(time: datetime | None, received_at: datetime) -> datetime:
    """The item's own time unless it is too far ahead of receipt; the receipt where it has none."""
    return received_at if time is None else instant_of(time, received_at)


def valid_since(time: datetime | None, received_at: datetime) -> datetime:
    """Since when a declaration holds: its ``valid_from``, at the latest its receipt.

    A ``valid_from`` in the future is no defect, and a declaration is known from its receipt on.
    """
    return received_at if time is None else min(time, received_at)


@dataclass(frozen=True)
class Form:
    """What one kind of pushed evidence looks like.

    ``check`` raises InputRefused, its ``field`` a JSON pointer within the item, where the item cannot
    be interpreted; what it returns are defects that do not keep it from being taken.
    """

    kind: str
    """The kind of its entries, with version."""
    check: Callable[[Json], Sequence[str]]
    time: Callable[[Json], datetime | None]
    """The item's own time, where it states one."""
    instant: Callable[[datetime | None, datetime], datetime] = own_time
    """(the item's own time, its receipt) → the instant from which it counts."""
    sealed: bool = False
    holders: Callable[[Json], Iterable[Path]] = nothing
    """The objects in an item that may name a record by raw ``key``."""
    sql: Callable[[Json], Iterable[SqlText]] = nothing
    datasets: Callable[[Json], Iterable[DatasetName]] = nothing
    """The datasets that an item speaks of."""


@dataclass(frozen=True)
class Item:
    """One accepted item. ``text`` is set where it was touched."""

    place: str
    value: Json
    text: str | None
    redactions: tuple[Redaction, ...]
    defects: tuple[str, ...]


@dataclass(frozen=True)
class Accepted:
    """A body that is ready to be stored: its bytes, and what is said of it in its entry."""

    form: Form
    body: bytes
    media_type: str
    items: tuple[Item, ...]

    @property
    def rewritten(self) -> bool:
        """Whether any byte differs from what was received."""
        return any(item.text is not None for item in self.items)

    def observed_at(self, received_at: datetime) -> datetime:
        """The source's own time of the body: no item counts from an earlier instant."""
        times = [self.form.time(item.value) for item in self.items]
        if len(times) == 1 and times[0] is not None and self.form.instant is own_time:
            return times[0]
        return min((self.form.instant(time, received_at) for time in times), default=received_at)

    def datasets(self) -> Iterator[tuple[Item, DatasetName]]:
        """The datasets that the items speak of."""
        for item in self.items:
            for dataset in self.form.datasets(item.value):
                yield item, dataset

    def detail(self) -> dict[str, Json]:
        """What the entry says of the items: how many, what was replaced, what is wrong with them."""
        value: dict[str, Json] = {"items": len(self.items)}
        redactions = [(number, item) for number, item in enumerate(self.items) if item.redactions]
        if redactions:
            value |= {"rewritten": True, "redactions": _redactions(redactions)}
        defects = [
            {"item": number, "what": what} for number, item in enumerate(self.items) for what in item.defects
        ]
        if defects:
            value["defects"] = _fitting(defects)
            if len(value["defects"]) < len(defects):
                value["defects_in_all"] = len(defects)
        return value


def _fitting(named: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """As many as an entry has room for: names in evidence may be of any length."""
    kept, room = [], ROOM
    for one in named[:NAMED_AT_MOST]:
        room -= len(canonical(one))
        if room < 0:
            break
        kept.append(one)
    return kept


def _redactions(touched: Sequence[tuple[int, Item]]) -> list[dict[str, Json]]:
    named: list[dict[str, Json]] = [
        {"item": number, "pointer": redaction.pointer, "kind": redaction.kind}
        for number, item in touched
        for redaction in item.redactions
    ]
    if len(_fitting(named)) == len(named):
        return named
    counted = Counter((_any_position(entry["pointer"]), entry["kind"]) for entry in named)
    summed = _fitting([
        {"pointer": where, "kind": kind, "times": times} for (where, kind), times in counted.most_common()
    ])  # fmt: skip
    rest = counted.total() - sum(one["times"] for one in summed)
    return summed + ([{"pointer": "elsewhere", "kind": "several", "times": rest}] if rest else [])


def _any_position(pointer: str) -> str:
    return "/".join("*" if part.isdigit() else part for part in pointer.split("/"))


# --- accepting ---------------------------------------------------------------------------------


def accept(
    body: bytes, form: Form, cleaner: Cleaner, *, media_type: str = "", only_object: bool = False
) -> Accepted:
    """The body, accepted whole. Raises InputRefused or TooLarge, naming the first field at fault."""
    parts = take_apart(body, media_type=media_type)
    if only_object and parts.layout != "object":
        raise InputRefused("Expected one JSON object; an array goes to …/batch.", field="")
    items = [_accepted(form, cleaner, parts, number) for number in range(len(parts.values))]
    changed = {number: item.text for number, item in enumerate(items) if item.text is not None}
    stored = parts.with_changed(changed) if changed else body
    return Accepted(form, stored, parts.media_type, tuple(items))


@dataclass(frozen=True)
class AcceptedEach:
    """The items that can be taken, and for every other one the refusal. ``kept`` are positions received."""

    accepted: Accepted
    kept: tuple[int, ...]
    refused: dict[int, MunimentError]


def accept_each(
    body: bytes, form: Form, cleaner: Cleaner, permit: Callable[[Item], MunimentError | None]
) -> AcceptedEach:
    """The items of a JSON array, each accepted or refused by itself.

    ``permit`` may refuse an item that could be taken. Raises InputRefused where the body is no array.
    """
    parts = take_apart(body)
    if parts.layout != "array":
        raise InputRefused("Expected a JSON array of events.", field="")
    items: dict[int, Item] = {}
    refused: dict[int, MunimentError] = {}
    for number in range(len(parts.values)):
        try:
            items[number] = _accepted(form, cleaner, parts, number)
        except InputRefused as error:
            refused[number] = error
            continue
        refusal = permit(items[number])
        if refusal is not None:
            refused[number] = refusal
            del items[number]
    return AcceptedEach(_those(form, parts, items, body), tuple(items), refused)


def _those(form: Form, parts: Body, items: dict[int, Item], body: bytes) -> Accepted:
    changed = {number: item.text for number, item in items.items() if item.text is not None}
    if len(items) < len(parts.values):
        body = parts.of_only([changed.get(number) or parts.item_text(number) for number in items])
    elif changed:
        body = parts.with_changed(changed)
    return Accepted(form, body, parts.media_type, tuple(items.values()))


def _accepted(form: Form, cleaner: Cleaner, parts: Body, number: int) -> Item:
    value, place = parts.values[number], parts.places[number]
    if not isinstance(value, dict):
        raise InputRefused(f"Expected a JSON object, found {_named(value)}.", field=place)
    try:
        cleaned = clean(
            value, lambda: parts.item_text(number), cleaner, holders=form.holders(value), sql=form.sql(value)
        )
        defects = tuple(form.check(cleaned.value))
    except TooLarge:
        raise
    except InputRefused as error:
        raise InputRefused(error.message, field=_joined(place, error.field)) from error
    return Item(place, cleaned.value, cleaned.text, cleaned.redactions, defects)


def _joined(place: str, field: str | None) -> str:
    if place.startswith("line"):
        return f"{place}: {field}" if field else place
    return place + (field or "")


def _named(value: Json) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case _:
            return "an array"
