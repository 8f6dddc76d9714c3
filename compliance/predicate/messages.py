"""Fact schemas as protobuf messages: what makes CEL refuse a typo, and never sees an unseen field.

Pure. Scalars are proto2 ``optional``, so that an absent field is absent and not 0, false or "";
only the fields that a predicate reads are ever set.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message

from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused
from compliance.facts import FactSchema, Field

MAX_LIST = 10_000
"""Elements a list may have: CEL gives up at ten thousand iterations, and ``in`` is linear."""
MAX_TEXT = 256 * 1024
"""Characters of text that one fact may hand to a predicate."""
PACKAGE = "muniment.fact"

_PROTO = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _PROTO.TYPE_STRING, "int": _PROTO.TYPE_INT64, "double": _PROTO.TYPE_DOUBLE,
    "bool": _PROTO.TYPE_BOOL, "strings": _PROTO.TYPE_STRING,
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*")


class NotJudgeable(Exception):
    """A value cannot be handed to CEL: of the wrong type, too long, or out of range."""


@dataclass(frozen=True)
class Form:
    """A fact schema in the two shapes that CEL needs: a pool that types it, a class that holds it."""

    schema: FactSchema
    pool: DescriptorPool
    message: type[Message]

    @property
    def type_name(self) -> str:
        """The full name of the message type."""
        return f"{PACKAGE}.{self.schema.name}"


@lru_cache(maxsize=512)
def form_of(schema: FactSchema) -> Form:
    """The protobuf form of a schema. Raises InputRefused where a name or list cannot be put so."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    file = descriptor_pb2.FileDescriptorProto(
        name=f"muniment/{schema.name}.proto", package=PACKAGE, syntax="proto2",
        dependency=["google/protobuf/timestamp.proto"],
    )  # fmt: skip
    _describe(file.message_type.add(name=schema.name), schema.fields, f".{PACKAGE}.{schema.name}")
    pool.AddSerializedFile(file.SerializeToString())
    found = pool.FindMessageTypeByName(f"{PACKAGE}.{schema.name}")
    return Form(schema, pool, message_factory.GetMessageClass(found))


def _describe(message: descriptor_pb2.DescriptorProto, fields: Sequence[Field], path: str) -> None:
    for number, part in enumerate(fields, start=1):
        if not _NAME.fullmatch(part.name):
            raise InputRefused(f"A field is named {part.name!r}; expected lower-case letters, digits and _.")
        if part.optional and part.type in {"strings", "records"}:
            raise InputRefused(f"The list {part.name!r} is optional; a list is [] or unseen.")
        entry = message.field.add(name=part.name, number=number, label=_label(part))
        if part.type in _SCALARS:
            entry.type = _SCALARS[part.type]
        elif part.type == "time":
            entry.type, entry.type_name = _PROTO.TYPE_MESSAGE, ".google.protobuf.Timestamp"
        else:
            inner = f"In_{part.name}"
            _describe(message.nested_type.add(name=inner), part.fields, f"{path}.{inner}")
            entry.type, entry.type_name = _PROTO.TYPE_MESSAGE, f"{path}.{inner}"


def _label(part: Field) -> descriptor_pb2.FieldDescriptorProto.Label.ValueType:
    return _PROTO.LABEL_REPEATED if part.type in {"strings", "records"} else _PROTO.LABEL_OPTIONAL


# --- setting the fields that a predicate reads ---------------------------------------------------

Setter = Callable[[Any, Any], int]
"""Puts one value into one message; returns the characters of text it holds."""


def setter_of(fields: Sequence[Field], reads: frozenset[str], prefix: str = "") -> Setter:
    """A function that fills a message with the fields of a value that ``reads`` names, and no others.

    It raises NotJudgeable where a value has not the type of its field. Nothing it reads is unseen:
    that was decided before.
    """
    setters = tuple(
        (part.name, _field_setter(part, reads, f"{prefix}{part.name}"))
        for part in fields
        if _touched(f"{prefix}{part.name}", reads)
    )

    def fill(message: Any, value: Any) -> int:
        text = 0
        for name, put in setters:
            inner = value[name]
            if inner is not None:
                text += put(message, inner)
        return text

    return fill


def _touched(path: str, reads: frozenset[str]) -> bool:
    return any(read == path or read.startswith(f"{path}.") for read in reads)


def _field_setter(part: Field, reads: frozenset[str], path: str) -> Setter:
    name = part.name
    match part.type:
        case "record":
            return _record_setter(name, setter_of(part.fields, reads, f"{path}."))
        case "records":
            return _records_setter(name, setter_of(part.fields, reads, f"{path}."))
        case "strings":
            return _strings_setter(name)
        case "time":
            return _time_setter(name)
        case "string":
            return _text_setter(name)
        case kind:
            return _number_setter(name, {"int": int, "bool": bool, "double": float}[kind])


def _record_setter(name: str, fill: Setter) -> Setter:
    def put(message: Any, value: Any) -> int:
        if not isinstance(value, Mapping):
            raise NotJudgeable(f"{name} is {type(value).__name__}, not a record")
        inner = getattr(message, name)
        inner.SetInParent()
        return fill(inner, value)

    return put


def _records_setter(name: str, fill: Setter) -> Setter:
    def put(message: Any, value: Any) -> int:
        inner = getattr(message, name)
        total = 0
        for member in _listed(name, value):
            if not isinstance(member, Mapping):
                raise NotJudgeable(f"{name} holds {type(member).__name__}, not records")
            total += fill(inner.add(), member)
        return total

    return put


def _strings_setter(name: str) -> Setter:
    def put(message: Any, value: Any) -> int:
        items = _listed(name, value)
        if not all(type(item) is str for item in items):
            raise NotJudgeable(f"{name} holds something that is not text")
        _store(name, lambda: getattr(message, name).extend(items))
        return sum(map(len, items))

    return put


def _listed(name: str, value: Any) -> Sequence[Json]:
    if not isinstance(value, list | tuple):
        raise NotJudgeable(f"{name} is {type(value).__name__}, not a list")
    if len(value) > MAX_LIST:
        raise NotJudgeable(f"{name} has {len(value)} elements, and at most {MAX_LIST} are judged")
    return value


def _text_setter(name: str) -> Setter:
    def put(message: Any, value: Any) -> int:
        if type(value) is not str:
            raise NotJudgeable(f"{name} is {type(value).__name__}, not text")
        try:
            setattr(message, name, value)
        except (ValueError, UnicodeError) as error:
            raise NotJudgeable(f"{name} is not well-formed text") from error
        return len(value)

    return put


def _number_setter(name: str, kind: type) -> Setter:
    kinds = {int, float} if kind is float else {kind}

    def put(message: Any, value: Any) -> int:
        if type(value) not in kinds:
            raise NotJudgeable(f"{name} is {type(value).__name__}, not {kind.__name__}")
        try:
            setattr(message, name, value)
        except (ValueError, OverflowError) as error:
            raise NotJudgeable(f"{name} is out of range") from error
        return 0

    return put


def _time_setter(name: str) -> Setter:
    def put(message: Any, value: Any) -> int:
        instant = as_time(name, value)
        try:
            getattr(message, name).FromDatetime(instant)
        except (ValueError, OverflowError) as error:
            raise NotJudgeable(f"{name} is out of range") from error
        return 0

    return put


def _store(name: str, put: Callable[[], object]) -> None:
    try:
        put()
    except (ValueError, UnicodeError) as error:
        raise NotJudgeable(f"{name} holds text that is not well-formed") from error


def as_time(name: str, value: Any) -> datetime:
    """The instant that a ``time`` field states. Raises NotJudgeable where it has none or no zone."""
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise NotJudgeable(f"{name} is a time without a zone")
        return value.astimezone(UTC)
    try:
        return parse_time(value, field=name)
    except InputRefused as error:
        raise NotJudgeable(f"{name} is not a time with a zone") from error
