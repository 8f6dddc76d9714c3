"""Taking a long JSON array of findings apart, so that no piece is larger than evidence may be. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from compliance.canonical import strict_json
from compliance.errors import InputRefused

FINDINGS_AT_MOST = 500
BYTES_AT_MOST = 2 * 1024 * 1024


@dataclass(frozen=True)
class Chunk:
    """Consecutive findings as a JSON array of their own bytes. ``first`` counts from 0."""

    first: int
    body: bytes
    findings: int


@dataclass
class _Gathered:
    first: int = 0
    texts: list[str] = field(default_factory=list)
    size: int = 0

    def chunk(self) -> Chunk:
        body = "[" + ",\n".join(self.texts) + "]"
        return Chunk(self.first, body.encode("utf-8", "surrogatepass"), len(self.texts))


def chunks(name: str, body: bytes) -> Iterator[Chunk]:
    """The findings of a file, a JSON array, one object, or JSON lines. Raises InputRefused where it is none."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputRefused(f"{name}: byte {error.start} is no UTF-8") from error
    gathered = _Gathered()
    for one in _objects(name, text):
        if gathered.texts and (
            len(gathered.texts) >= FINDINGS_AT_MOST or gathered.size + len(one) > BYTES_AT_MOST
        ):
            yield gathered.chunk()
            gathered = _Gathered(gathered.first + len(gathered.texts))
        gathered.texts.append(one)
        gathered.size += len(one)
    yield gathered.chunk()


def _objects(name: str, text: str) -> Iterator[str]:
    """The text of each object. What stands between them is white space and commas, within one array or none."""
    decoder, at, inside, ended = json.JSONDecoder(), 0, text.lstrip().startswith("["), False
    at = text.index("[") + 1 if inside else 0
    while True:
        while at < len(text) and text[at] in (" \t\r\n," if inside else " \t\r\n"):
            at += 1
        if at >= len(text):
            break
        if ended or (text[at] == "]" and not inside):
            raise InputRefused(f"{name}: something stands behind the array")
        if text[at] == "]":
            ended, at = True, at + 1
            continue
        try:
            _, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            line = text.count("\n", 0, at) + 1
            raise InputRefused(f"{name}:{line}: it is no JSON") from error
        one = text[at:end]
        if not isinstance(strict_json(one.encode("utf-8", "surrogatepass"), what="finding"), dict):
            raise InputRefused(f"{name}: a finding is no object")
        yield one
        at = end
    if inside and not ended:
        raise InputRefused(f"{name}: the array does not end")
