"""Bytes, digests, times and names in the one form that is ever written to the log.

Pure. What is written here can never be mended: RFC 8785 canonical JSON, RFC 3339 times in UTC,
pseudonyms by HMAC-SHA256 (RFC 2104), evidence ids. Hostile JSON is parsed here too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import rfc8785

from compliance.errors import InputRefused, TooLarge

Json: TypeAlias = Any
"""A JSON value as ``json.loads`` gives it: dict, list, str, int, float, bool or None."""

AHEAD_ALLOWED = timedelta(minutes=5)
"""A source time further ahead of its receipt than this counts as the receipt, and is a defect."""
PSEUDONYM_DIGITS = 32
MAX_DEPTH = 64
"""Levels of nesting that a received document may have."""
LARGEST_INTEGER = 2**53 - 1
"""The largest integer that RFC 8785 writes: that of a double without a gap."""

# --- canonical bytes and digests ---------------------------------------------------------------


def canonical(value: Json) -> bytes:
    """RFC 8785 bytes of a value that holds no float and no integer beyond 2^53-1.

    Raises InputRefused where one is found: entries carry such numbers as strings.
    """
    fast = _canonical_fast(value)
    if fast is not None:
        return fast
    _refuse_floats(value, "")
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise InputRefused(f"The value has no canonical form: {error}.") from error


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, check_circular=False)


def _canonical_fast(value: Json) -> bytes | None:
    """The canonical bytes where Python's own encoder gives them, at a quarter of the time; else None.

    It does for ASCII text without floats: only the order of names outside the basic plane and the form
    of floats differ (RFC 8785 sections 3.2.2.3 and 3.2.3). A test holds both against each other.
    """
    if not _is_plain(value):
        return None
    text = _ENCODER.encode(value)
    return text.encode("ascii") if text.isascii() else None


def _is_plain(value: Json) -> bool:
    """Whether a value is made of exact strings, booleans, nulls, integers within 2^53-1, lists and dicts."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-LARGEST_INTEGER <= value <= LARGEST_INTEGER)
    if kind is dict:
        return all(type(key) is str for key in value) and all(map(_is_plain, value.values()))
    return kind in {list, tuple} and all(map(_is_plain, value))


def _refuse_floats(value: Json, path: str) -> None:
    match value:
        case float():
            raise InputRefused(f"A float stands at {path or '/'}; write it as a string.", field=path)
        case Mapping():
            for key, inner in value.items():
                _refuse_floats(inner, f"{path}/{key}")
        case list() | tuple():
            for index, inner in enumerate(value):
                _refuse_floats(inner, f"{path}/{index}")
        case _:
            pass


def content_bytes(value: Json) -> bytes:
    """Canonical bytes of a received document, which may hold floats and large integers.

    RFC 8785 where it has a form; beyond its number range, sorted compact JSON, which is as unique.
    """
    fast = _canonical_fast(value)
    if fast is not None:
        return fast
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode("utf-8", "surrogatepass")


def sha256_hex(body: bytes) -> str:
    """SHA-256 of bytes, in lower-case hex, as ``sha256sum`` prints it."""
    return hashlib.sha256(body).hexdigest()


def strict_json(body: bytes, *, what: str = "body") -> Json:
    """Parse hostile JSON: UTF-8, no duplicate key, no NaN or Infinity, at most 64 levels deep.

    Raises InputRefused naming what is wrong, TooLarge where it is nested deeper.
    """
    try:
        value = _STRICT.decode(_text(body))
    except RecursionError as error:
        raise TooLarge(f"The {what} is nested deeper than {MAX_DEPTH} levels.") from error
    except _TwiceError as error:
        name = error.args[0]
        raise InputRefused(f"The {what} has the key {name!r} twice in one object.", field=name) from error
    except _ConstantError as error:
        raise InputRefused(f"The {what} holds {error.args[0]}, which JSON does not have.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise InputRefused(f"The {what} is not JSON: {error}.") from error
    # No value is nested deeper than it has opening brackets; most have fewer than are allowed.
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise TooLarge(f"The {what} is nested deeper than {MAX_DEPTH} levels.")
    return value


class _TwiceError(ValueError):
    """A name stands twice in one object."""


class _ConstantError(ValueError):
    """NaN, Infinity or -Infinity."""


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        # Counted once: looking each name up in the list would be quadratic in a hostile object.
        counted = Counter(name for name, _ in pairs)
        raise _TwiceError(next(name for name, times in counted.items() if times > 1))
    return value


def _refuse_constant(name: str) -> None:
    raise _ConstantError(name)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _text(body: bytes) -> str:
    """The text of a document, as ``json.loads`` finds its encoding out."""
    return body.decode(json.detect_encoding(body), "surrogatepass")


def _depth(value: Json) -> int:
    deepest, stack = 0, [(value, 1)]
    while stack:
        inner, level = stack.pop()
        deepest = max(deepest, level)
        if isinstance(inner, dict):
            stack.extend((child, level + 1) for child in inner.values())
        elif isinstance(inner, list):
            stack.extend((child, level + 1) for child in inner)
    return deepest


def pseudonym(secret: bytes, key: str) -> str:
    """The pseudonym of a record key: 32 lower-case hex digits (CONTRACT section 3).

    The first 16 bytes of HMAC-SHA256 over the UTF-8 bytes of the NFC-normalised key.
    """
    normal = unicodedata.normalize("NFC", key).encode()
    return hmac.new(secret, normal, hashlib.sha256).digest()[:16].hex()


def is_pseudonym(text: object) -> bool:
    """Whether a value is written as a pseudonym: 32 lower-case hex digits."""
    return isinstance(text, str) and len(text) == PSEUDONYM_DIGITS and set(text) <= set("0123456789abcdef")


# --- times -------------------------------------------------------------------------------------


def parse_time(text: object, *, field: str = "time", assume_utc: bool = False) -> datetime:
    """An RFC 3339 time as an aware UTC datetime (microseconds; finer digits are cut).

    Raises InputRefused where it is no time, or has no zone and ``assume_utc`` is false.
    """
    if not isinstance(text, str) or not text:
        raise InputRefused(f"{field} is {text!r}; expected an RFC 3339 time with a zone.", field=field)
    try:
        # RFC 3339 lets T and Z be written small (section 5.6); Python does not.
        value = datetime.fromisoformat(text.strip().upper())
    except ValueError as error:
        message = f"{field} is {text!r}; expected an RFC 3339 time such as 2026-11-23T19:55:00Z."
        raise InputRefused(message, field=field) from error
    if value.tzinfo is None:
        if not assume_utc:
            message = f"{field} is {text!r}, which has no zone; write Z or an offset behind it."
            raise InputRefused(message, field=field)
        value = value.replace(tzinfo=UTC)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise InputRefused(f"{field} is {text!r}, out of range.", field=field) from error


def format_time(value: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; microseconds only where there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def micros(value: datetime) -> int:
    """Microseconds since 1970 in UTC: the form in which tables keep an instant."""
    return (value - EPOCH) // timedelta(microseconds=1)


def from_micros(value: int) -> datetime:
    """The aware UTC datetime of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


def instant_of(observed_at: datetime, received_at: datetime) -> datetime:
    """The instant an item counts from: the source's time unless it is too far ahead of receipt."""
    return received_at if observed_at > received_at + AHEAD_ALLOWED else observed_at


EARLIEST, LATEST = datetime(1900, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Instants that may be asked of: beyond them on either side lies more time than is ever added or taken away."""


def require_reckonable(at: datetime, field: str) -> None:
    """Raise InputRefused for an instant so far off that no span of time can be added to it or taken from it."""
    if not EARLIEST <= at < LATEST:
        message = (
            f"{field} is {format_time(at)}; expected an instant from {EARLIEST.year} to {LATEST.year - 1}."
        )
        raise InputRefused(message, field=field)


# --- names -------------------------------------------------------------------------------------


def evidence_id(index: int, item: int | None = None) -> str:
    """The public name of evidence: ``INDEX``, or ``INDEX/ITEM`` for one item of an entry."""
    return str(index) if item is None else f"{index}/{item}"


def parse_evidence_id(text: str) -> tuple[int, int | None]:
    """The log index and item number that an evidence id names. Raises InputRefused."""
    index, slash, item = text.partition("/")
    if not index.isascii() or not index.isdigit() or (slash and not (item.isascii() and item.isdigit())):
        raise InputRefused(f"{text!r} is no evidence id; expected INDEX or INDEX/ITEM.", field="id")
    return int(index), int(item) if slash else None


def evidence_ranges(ids: Iterable[str]) -> list[str]:
    """Evidence ids of items, shortened: ``48190/0-99`` stands for a hundred of them; each once, in order."""
    numbers = sorted({parse_evidence_id(text) for text in ids}, key=lambda pair: (pair[0], pair[1] or 0))
    spans: list[tuple[int, int, int]] = []
    for index, item in numbers:
        if item is None:
            raise InputRefused(f"{index} is no item; expected INDEX/ITEM.", field="items")
        if spans and spans[-1][0] == index and spans[-1][2] + 1 == item:
            spans[-1] = (index, spans[-1][1], item)
        else:
            spans.append((index, item, item))
    return [
        f"{index}/{first}" if first == last else f"{index}/{first}-{last}" for index, first, last in spans
    ]


def expand_ranges(texts: Iterable[str]) -> list[str]:
    """The evidence ids that ``evidence_ranges`` shortened. Raises InputRefused."""
    ids: list[str] = []
    for text in texts:
        first, dash, last = text.partition("-")
        index, item = parse_evidence_id(first)
        if item is None or (dash and not (last.isascii() and last.isdigit())):
            raise InputRefused(
                f"{text!r} is no range of evidence items; expected INDEX/FIRST-LAST.", field="items"
            )
        ids += [evidence_id(index, number) for number in range(item, (int(last) if dash else item) + 1)]
    return ids
