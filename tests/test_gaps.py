"""Control gaps: which they are, in which order, and as CSV that no spreadsheet runs."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.gaps import COLUMNS, Gap, gaps_as_csv

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
BASIS = {"as_of": "2026-11-23T12:00:00Z", "library": "ab12", "log_size": 7, "program": "muniment/0.1.0"}
GAP = Gap(
    control="KEY-01", title="Keys rotate", family="keys", status="deficient", cause=None, severity="high",
    since=NOW - timedelta(days=3), because="rotation_enabled is false", fix="Turn it on", owner="platform",
    requirements=("gdpr:Art.32(1)(a)", "pci-dss-4.0.1:3.7.4"), enforcement_points=(), failing=1, population=3,
    findings=(),
)  # fmt: skip


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows as a reader of CSV sees them."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_each_row_says_what_it_was_computed_from() -> None:
    """A gap is one row with every column and the four values of its basis."""
    (row,) = rows_of(gaps_as_csv([GAP], BASIS))
    assert list(row) == [*COLUMNS, *BASIS]
    assert row["since"] == "2026-11-20T12:00:00Z"
    assert row["requirements"] == "gdpr:Art.32(1)(a) pci-dss-4.0.1:3.7.4"
    assert {name: row[name] for name in BASIS} == {name: str(value) for name, value in BASIS.items()}


def test_no_gaps_are_a_head_alone() -> None:
    """Without a gap the file has its head, so that it is told from one that was cut short."""
    assert gaps_as_csv([], BASIS).splitlines() == [",".join([*COLUMNS, *BASIS])]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_a_spreadsheet_would_run_is_made_harmless(start: str) -> None:
    """A cell that begins like a formula is given an apostrophe, wherever its text came from."""
    evil = f'{start}HYPERLINK("http://evil.test","x")'
    (row,) = rows_of(gaps_as_csv([replace(GAP, because=evil, title=evil, owner=evil)], BASIS))
    assert {row["because"], row["title"], row["owner"]} == {f"'{evil}"}


@given(
    because=st.text(st.characters(exclude_categories=["Cs"])),
    fix=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_whatever_a_reason_holds_the_table_keeps_its_form(because: str, fix: str) -> None:
    """Quotes, commas, line ends and controls stay within their cell, and no cell begins a formula."""
    text = gaps_as_csv([replace(GAP, because=because, fix=fix), GAP], BASIS)
    first, second = rows_of(text)
    assert first["because"].removeprefix("'") == because.removeprefix("'")
    assert first["fix"].removeprefix("'") == fix.removeprefix("'")
    assert second["control"] == "KEY-01"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in first.values())
