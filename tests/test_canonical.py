"""Bytes, digests, times and names in the one form that is ever written."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.canonical import (
    canonical,
    content_bytes,
    evidence_id,
    format_time,
    from_micros,
    instant_of,
    is_pseudonym,
    micros,
    parse_evidence_id,
    parse_time,
    pseudonym,
    require_reckonable,
    strict_json,
)
from compliance.errors import InputRefused, TooLarge

SAFE = st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
VALUES = st.recursive(
    st.none() | st.booleans() | SAFE | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_bytes_are_the_same_value(value: object) -> None:
    """Canonical bytes parse back to the value they were made of, and are a fixed point."""
    once = canonical(value)
    assert json.loads(once) == value
    assert canonical(json.loads(once)) == once


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    'aé\x00\x1f\x7f"\\/\n\t\b\f\r\ue000\U00010000', max_size=6
)
RFC_VALUES = st.recursive(
    st.none() | st.booleans() | SAFE | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=6),
    max_leaves=12,
)


@given(RFC_VALUES)
@settings(max_examples=500)
def test_canonical_bytes_are_those_of_the_reference_library(value: object) -> None:
    """Our faster way writes what the RFC 8785 library writes: control characters, any order of names, any number."""
    assert content_bytes(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [{1: "a"}, {"a": b"bytes"}, {"a": {None: 1}}, {"a": object()}, ["\ud800"]])
def test_what_json_lacks_has_no_canonical_bytes(value: object) -> None:
    """No name but a string, no bytes, no object of ours, no lone surrogate gets into an entry."""
    with pytest.raises(InputRefused):
        canonical(value)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), SAFE, max_size=6))
def test_order_of_members_does_not_show(value: dict[str, int]) -> None:
    """Two objects that differ in the order of their members alone have equal bytes."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@pytest.mark.parametrize("value", [{"a": 1.5}, [2**53], {"deep": [{"x": float("nan")}]}, {"x": -(2**60)}])
def test_numbers_that_have_no_one_form_are_refused(value: object) -> None:
    """No float and no integer above 2^53-1 stands in an entry."""
    with pytest.raises(InputRefused):
        canonical(value)


def test_received_documents_may_hold_any_number() -> None:
    """A received document with floats and large integers still has one stable form to be recognised by."""
    assert content_bytes({"b": 1.5, "a": 2**70}) == content_bytes({"a": 2**70, "b": 1.5})
    assert content_bytes({"a": 1}) != content_bytes({"a": 2})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a":1,"a":2}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b"[Infinity]", "Infinity"),
        (b'{"a":', "not JSON"),
        (b"\xff\xfe", "not JSON"),
    ],
)
def test_hostile_json_is_refused_by_name(body: bytes, said: str) -> None:
    """Duplicate keys, NaN, Infinity, cut and non-UTF-8 bodies are refused, saying which it was."""
    with pytest.raises(InputRefused, match=said):
        strict_json(body)


def test_deep_nesting_is_refused() -> None:
    """A body nested a hundred thousand levels deep is refused and does not exhaust the stack."""
    with pytest.raises(TooLarge):
        strict_json(b"[" * 100_000 + b"]" * 100_000)
    with pytest.raises(TooLarge):
        strict_json(b"[" * 65 + b"]" * 65)
    assert strict_json(b"[" * 64 + b"]" * 64)


def test_pseudonym_is_half_an_hmac() -> None:
    """A pseudonym is the first 16 bytes of HMAC-SHA256 over the UTF-8 bytes of the NFC-normalised key."""
    # RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
    assert pseudonym(b"Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"
    composed, parted = unicodedata.normalize("NFC", "Zoë"), unicodedata.normalize("NFD", "Zoë")
    assert composed != parted
    assert pseudonym(b"s", composed) == pseudonym(b"s", parted)


def test_a_pseudonym_is_written_in_one_way() -> None:
    """Only 32 lower-case hex digits are a pseudonym."""
    assert is_pseudonym("0" * 32)
    assert not is_pseudonym("A" * 32)
    assert not is_pseudonym("0" * 31)
    assert not is_pseudonym(None)


def test_times_are_utc_inside() -> None:
    """A time with any offset is read as the same instant in UTC and written with Z."""
    assert format_time(parse_time("2026-11-23T20:55:00+01:00")) == "2026-11-23T19:55:00Z"
    assert format_time(parse_time("2026-11-23T19:55:00.250Z")) == "2026-11-23T19:55:00.250000Z"
    assert format_time(parse_time("2026-11-23t19:55:00z")) == "2026-11-23T19:55:00Z"


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-23T19:55:00", None, 7, "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_time_with_a_zone_is_refused(text: object) -> None:
    """A time without a zone, out of range, or that is no time is refused, naming the field."""
    with pytest.raises(InputRefused) as refused:
        parse_time(text, field="at")
    assert refused.value.field == "at"


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 (the strategy wants naive bounds)
def test_micros_lose_nothing(value: datetime) -> None:
    """An instant kept as microseconds comes back exactly."""
    assert from_micros(micros(value)) == value


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59Z"])
def test_nothing_is_asked_of_the_ends_of_time(text: str) -> None:
    """An instant to which no span can be added, or from which none can be taken, is refused by its name."""
    require_reckonable(parse_time("1900-01-01T00:00:00Z"), "at")
    with pytest.raises(InputRefused, match="1900 to 8999"):
        require_reckonable(parse_time(text), "at")


def test_a_source_time_ahead_of_its_receipt_counts_as_the_receipt() -> None:
    """A source's time counts unless it is more than five minutes ahead of the receipt."""
    received = datetime(2026, 11, 23, 12, tzinfo=timezone(timedelta(hours=1)))
    assert instant_of(received + timedelta(minutes=5), received) == received + timedelta(minutes=5)
    assert instant_of(received + timedelta(minutes=5, seconds=1), received) == received
    assert instant_of(received - timedelta(days=400), received) == received - timedelta(days=400)


def test_evidence_ids_are_index_or_index_and_item() -> None:
    """INDEX and INDEX/ITEM are evidence ids; anything else is refused."""
    assert parse_evidence_id(evidence_id(12)) == (12, None)
    assert parse_evidence_id(evidence_id(12, 3)) == (12, 3)
    for text in ("", "a", "1/", "/1", "-1", "1/2/3", "١"):
        with pytest.raises(InputRefused):
            parse_evidence_id(text)
