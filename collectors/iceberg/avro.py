"""Avro object container files, as far as Iceberg's manifests need them (Avro specification 1.11). Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused, TooLarge

MAGIC = b"Obj\x01"
SYNC_BYTES = 16
UNPACKED_AT_MOST = 256 * 1024 * 1024
LONG_BYTES = 10


@dataclass
class _Bytes:
    """Bytes that are read from the front. Raises InputRefused where they end too soon."""

    body: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        if count < 0 or self.at + count > len(self.body):
            raise InputRefused("the Avro file ends too soon")
        self.at += count
        return self.body[self.at - count : self.at]

    def long(self) -> int:
        """A zig-zag number of at most ten bytes."""
        number = shift = 0
        for _ in range(LONG_BYTES):
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:  # noqa: PLR2004 (the last byte has no high bit)
                return (number >> 1) ^ -(number & 1)
            shift += 7
        raise InputRefused("a number of the Avro file is too long")

    def text(self) -> str:
        return self.take(self.long()).decode("utf-8", "replace")


def records(body: bytes) -> Iterator[dict[str, Json]]:
    """The records of a file, bytes of values left as they are. Raises InputRefused, TooLarge."""
    source = _Bytes(body)
    if source.take(len(MAGIC)) != MAGIC:
        raise InputRefused("it is no Avro file")
    metadata = {name: value for name, value in _map(source, lambda inner: inner.take(inner.long()))}  # noqa: C416 (pairs)
    sync = source.take(SYNC_BYTES)
    schema = strict_json(metadata.get("avro.schema", b""), what="Avro schema")
    codec = metadata.get("avro.codec", b"null").decode("ascii", "replace")
    decode, unpacked = _decoder(schema, {}), 0
    while source.at < len(source.body):
        count, packed = source.long(), source.take(source.long())
        block = _Bytes(_unpacked(packed, codec))
        unpacked += len(block.body)
        if unpacked > UNPACKED_AT_MOST:
            raise TooLarge(f"the Avro file unpacks to more than {UNPACKED_AT_MOST} bytes")
        for _ in range(count):
            yield decode(block)
        if source.take(SYNC_BYTES) != sync:
            raise InputRefused("a block of the Avro file does not end as it must")


def _unpacked(packed: bytes, codec: str) -> bytes:
    if codec == "null":
        return packed
    if codec != "deflate":
        raise InputRefused(f"the Avro file is packed with {codec}; expected deflate or null")
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        found = unpacker.decompress(packed, UNPACKED_AT_MOST)
    except zlib.error as error:
        raise InputRefused("a block of the Avro file cannot be unpacked") from error
    if unpacker.unconsumed_tail:
        raise TooLarge(f"a block of the Avro file unpacks to more than {UNPACKED_AT_MOST} bytes")
    return found


Decode = Callable[[_Bytes], Json]
PRIMITIVE: dict[str, Decode] = {
    "null": lambda _: None,
    "boolean": lambda source: source.take(1) == b"\x01",
    "int": _Bytes.long,
    "long": _Bytes.long,
    "float": lambda source: struct.unpack("<f", source.take(4))[0],
    "double": lambda source: struct.unpack("<d", source.take(8))[0],
    "bytes": lambda source: source.take(source.long()),
    "string": _Bytes.text,
}


def _decoder(schema: Json, named: dict[str, Decode]) -> Decode:
    if isinstance(schema, list):
        return _union([_decoder(one, named) for one in schema])
    if isinstance(schema, str):
        found = PRIMITIVE.get(schema) or named.get(schema)
        if found is None:
            raise InputRefused(f"the Avro schema names the unknown type {schema!r}")
        return found
    type_ = schema.get("type")
    if type_ == "map":
        values = _decoder(schema["values"], named)
        return lambda source: dict(_map(source, values))
    return (
        COMPLEX[type_](schema, named)
        if isinstance(type_, str) and type_ in COMPLEX
        else _decoder(type_, named)
    )


def _named(schema: Json, named: dict[str, Decode], decode: Decode) -> Decode:
    named[str(schema["name"])] = decode
    return decode


def _record(schema: Json, named: dict[str, Decode]) -> Decode:
    parts: list[tuple[str, Decode]] = []
    decode = _named(schema, named, lambda source: {name: read(source) for name, read in parts})
    parts += [(str(one["name"]), _decoder(one["type"], named)) for one in schema["fields"]]
    return decode


def _union(branches: list[Decode]) -> Decode:
    def decode(source: _Bytes) -> Json:
        branch = source.long()
        if not 0 <= branch < len(branches):
            raise InputRefused("a union of the Avro file has no such branch")
        return branches[branch](source)

    return decode


def _blocks(source: _Bytes) -> Iterator[int]:
    while count := source.long():
        if count < 0:
            source.long()
        yield abs(count)


def _array(decode: Decode) -> Decode:
    return lambda source: [decode(source) for count in _blocks(source) for _ in range(count)]


def _fixed(schema: Json, named: dict[str, Decode]) -> Decode:
    size = int(schema["size"])
    return _named(schema, named, lambda source: source.take(size))


COMPLEX: dict[str, Callable[[Json, dict[str, Decode]], Decode]] = {
    "array": lambda schema, named: _array(_decoder(schema["items"], named)),
    "enum": lambda schema, named: _named(schema, named, _Bytes.long),
    "fixed": _fixed,
    "record": _record,
}


def _map(source: _Bytes, decode: Decode) -> Iterator[tuple[str, Json]]:
    for count in _blocks(source):
        for _ in range(count):
            yield source.text(), decode(source)
