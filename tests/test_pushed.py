"""The cores of intake: bodies taken apart, values replaced in place, SQL masked."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.lineage.sql_texts import sql_texts
from collectors.pushed.bodies import take_apart
from collectors.pushed.redaction import Cleaner, clean
from collectors.pushed.spans import Edit, Path, elements, pointer, replaced, spans
from collectors.pushed.sql_masking import LONGEST, MASKED_WHOLE, mask
from compliance.errors import InputRefused

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)
INDENTS = st.sampled_from([None, 0, 1, 7])


def written(value: Any, indent: int | None, *, ascii_only: bool = False) -> str:
    return json.dumps(value, indent=indent, ensure_ascii=ascii_only)


def paths_of(value: Any, path: Path = ()) -> dict[Path, Any]:
    found = {path: value}
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for part, inner in members:
        found |= paths_of(inner, (*path, part))
    return found


# --- spans -------------------------------------------------------------------------------------


@given(value=JSON, indent=INDENTS, ascii_only=st.booleans())
def test_a_span_holds_exactly_its_value(value: Any, indent: int | None, ascii_only: bool) -> None:
    """For every value of a text there is one span, which holds that value and nothing else."""
    text = written(value, indent, ascii_only=ascii_only)
    found = {span.path: json.loads(text[span.start : span.end]) for span in spans(text)}
    assert found == paths_of(value)


@given(value=JSON, indent=INDENTS, data=st.data())
def test_replacing_changes_one_value_and_no_other_character(
    value: Any, indent: int | None, data: st.DataObject
) -> None:
    """The text around a replaced value stays as it was, to the letter."""
    text = written(value, indent)
    span = data.draw(st.sampled_from(sorted(spans(text), key=lambda one: (one.start, -one.end))))
    changed = replaced(text, {span.path: Edit("X")})
    assert changed == text[: span.start] + '"X"' + text[span.end :]


@given(values=st.lists(JSON, max_size=5), indent=INDENTS)
def test_elements_are_where_they_stand(values: list[Any], indent: int | None) -> None:
    """The elements of an array are found in their order, each with exactly its text."""
    text = " " + written(values, indent) + "\n"
    assert [json.loads(text[start:end]) for start, end in elements(text)] == values


@given(path=st.lists(st.text() | st.integers(0, 9)))
def test_pointers_keep_paths_apart(path: list[str | int]) -> None:
    """A JSON pointer has one part for each step, escaped as RFC 6901 says."""
    parts = pointer(path).split("/")[1:]
    assert [part.replace("~1", "/").replace("~0", "~") for part in parts] == [str(part) for part in path]


# --- bodies ------------------------------------------------------------------------------------


@given(values=st.lists(st.dictionaries(st.text(), JSON, min_size=1, max_size=3), min_size=1, max_size=4))
def test_three_layouts_hold_the_same_items(values: list[dict[str, Any]]) -> None:
    """An array and lines give the same items, and each item's own text."""
    lines = "\n\n".join(written(value, None) for value in values) + "\n"
    for body in (written(values, 1), lines):
        parts = take_apart(body.encode())
        assert list(parts.values) == values
        assert [json.loads(parts.item_text(number)) for number in range(len(values))] == values
    again = take_apart(lines.encode(), media_type="application/x-ndjson; charset=utf-8")
    assert (list(again.values), again.media_type) == (values, "application/x-ndjson")


def test_a_fault_in_a_line_names_the_line() -> None:
    """Lines are counted as an editor counts them, empty ones included."""
    with pytest.raises(InputRefused) as caught:
        take_apart(b'{"a": 1}\n\n{"a": }\n')
    assert caught.value.field == "line 3"


def test_pretty_printed_json_is_no_ndjson() -> None:
    """One object over many lines is one object."""
    parts = take_apart(json.dumps({"a": {"b": 1}, "c": [1]}, indent=2).encode())
    assert (parts.layout, len(parts.values)) == ("object", 1)


# --- SQL ---------------------------------------------------------------------------------------

KEPT = [
    ("select a.b, count(*) from x.y as z where n = 1", None, "select a.b, count(*) from x.y as z where n = ?"),
    ("select 'it''s' from t -- bob\nlimit 3", None, "select ? from t /* ? */ limit ?"),
    ('select "c" . "d" from "s"."t"', None, 'select "c" . "d" from "s"."t"'),
    ('select * from t where n = "bob"', None, "select * from t where n = ?"),
    ("select `c` from `t` where n = \"bob\" or m = 'o\\'k'", None, "select `c` from `t` where n = ? or m = ?"),
    ("select $q$bob$q$, E'b\\'ob' from t", "postgres", "select ?, ? from t"),
    ("insert into t values (1, 'bob'); delete from t where k in ('a', 'b')", None,
     "insert into t values (?, ?); delete from t where k in (?, ?)"),
    ("(id = 'bob')", None, "(id = ?)"),
    ("select 12bob, 1_000 from t", None, "select ?, ? from t"),
    ("select /*+ bob */ 1", None, "select /* ? */ ?"),
    ("CREATE TABLE t AS SELECT a FROM u WHERE b > 1", None, "CREATE TABLE t AS SELECT a FROM u WHERE b > ?"),
]  # fmt: skip
WHOLE = [
    "select 'bob", "select $q$bob$q$ from t", "select 'a\\' bob' from t", "call p('bob')", "bob !! bob",
    "{{ config() }} select 'bob'", "explain select 'bob'", "x" * (LONGEST + 1), "select " + "(" * 5000,
]  # fmt: skip


@pytest.mark.parametrize(("text", "dialect", "expected"), KEPT)
def test_literals_and_comments_are_masked_and_the_rest_is_kept(
    text: str, dialect: str | None, expected: str
) -> None:
    """Literals and comments become question marks; names, spacing and structure stay as written."""
    assert " ".join(mask(text, dialect).split()) == expected


@pytest.mark.parametrize("text", WHOLE)
def test_what_is_not_understood_is_masked_whole(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """What the parser does not understand, or keeps unparsed, is masked whole, and its text is not logged."""
    with caplog.at_level(logging.DEBUG):
        assert mask(text) == MASKED_WHOLE
    assert "bob" not in caplog.text


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_characters="\\$`"), min_size=3),
    frame=st.sampled_from(["select {} from t", "select * from t where a = {} and b < 3", "insert into t values ({}, 1)",
                           "update t set a = {} -- {}", "merge into t using u on t.k = u.k and t.k = {} when matched then delete"]),
    other=st.text("ab;-/*'\" \n", max_size=8),
)  # fmt: skip
def test_no_literal_survives(secret: str, frame: str, other: str) -> None:
    """Whatever stands in a literal, quotes and comment signs included, is not in the masked text."""
    secret = f"sec{secret}ret"
    literal = "'" + secret.replace("'", "''") + "'"
    masked = mask(frame.format(literal, other))
    assert secret not in masked
    assert "sec" not in masked.replace("select", "")


@given(
    text=st.text("select from where='\"`-/*\\$;().,1a\n ", max_size=60),
    dialect=st.sampled_from([None, "mysql", "odd"]),
)
def test_masking_never_fails(text: str, dialect: str | None) -> None:
    """Any text at all is masked, in part or whole."""
    assert isinstance(mask(text, dialect), str)


def test_where_events_hold_sql() -> None:
    """The sql facet, SQL tests, predicates, scan filters and parsed Spark literals are found; prose is not."""
    event = {
        "job": {"facets": {"sql": {"query": "select 1", "dialect": "Spark"}, "documentation": {"content": "x", "contentType": "text/markdown"}}},
        "run": {"facets": {
            "test": {"tests": [{"content": "select 2", "contentType": "sql"}]},
            "spark.logicalPlan": {"plan": [{"class": "org.apache.spark.sql.catalyst.expressions.Literal", "value": "k"}]},
            "airflow": {"task": {"sql": ["select 3", "select 4"]}},
        }},
        "outputs": [{"outputFacets": {"commit": {"operationParameters": {"predicate": "k = 1"}}}}],
        "inputs": [{"inputFacets": {"icebergScanReport": {"filterDescription": "k = 2"}}}],
        "sql": "no facet",
    }  # fmt: skip
    found = {pointer(place.path): (place.dialect, place.is_literal) for place in sql_texts(event)}
    assert found == {
        "/job/facets/sql/query": ("spark", False),
        "/run/facets/test/tests/0/content": (None, False),
        "/run/facets/spark.logicalPlan/plan/0/value": (None, True),
        "/run/facets/airflow/task/sql/0": (None, False),
        "/run/facets/airflow/task/sql/1": (None, False),
        "/outputs/0/outputFacets/commit/operationParameters/predicate": (None, False),
        "/inputs/0/inputFacets/icebergScanReport/filterDescription": (None, False),
    }


# --- redaction ---------------------------------------------------------------------------------


def pseudonymise(key_space: str, key: str) -> str:
    return f"{key_space}:{len(key)}"


def cleaned(value: Any, *, holders: tuple[Path, ...] = (), **configured: Any) -> Any:
    cleaner = Cleaner.configured(pseudonymise, **configured)
    return clean(value, lambda: json.dumps(value), cleaner, holders=holders)


def test_what_needs_no_redaction_is_not_touched() -> None:
    """Without anything to replace there is no new text, so that the stored bytes are those received."""
    result = cleaned({"a": ["x"]}, pointers=("/b", "/a/7"), patterns=("z",))
    assert (result.text, result.redactions) == (None, ())


def test_the_outer_redaction_stands() -> None:
    """Of redactions that lie within each other the outer one stands, whichever was found first."""
    value = {"a": {"key_space": "c", "key": "secret", "b": "secret"}}
    for pointers in (("/a", "/a/b"), ("/a/b", "/a")):
        result = cleaned(value, holders=(("a",),), pointers=pointers)
        assert result.value == {"a": "[redacted]"}


def test_a_pattern_reaches_names_and_values_alike() -> None:
    """A name that matches goes with what it holds, and two such names do not become one."""
    result = cleaned({"a@x": 1, "b@x": {"c": 2}, "d": ["e@x!", 3]}, patterns=(r"\w@x",))
    assert sorted(result.value) == ["[redacted] 1", "[redacted] 2", "d"]
    assert result.value["d"] == ["[redacted]!", 3]
    assert "@x" not in result.text


@given(value=st.dictionaries(st.text(), JSON, max_size=4), data=st.data())
def test_a_pointer_takes_out_what_it_points_to(value: dict[str, Any], data: st.DataObject) -> None:
    """What a configured pointer points to is gone, and everything beside it is as it was."""
    path = data.draw(st.sampled_from([path for path in paths_of(value) if path] or [("none",)]))
    before = {other: one for other, one in paths_of(value).items() if not isinstance(one, dict | list)}
    after = paths_of(cleaned(value, pointers=(pointer(path),)).value)
    untouched = {other: one for other, one in before.items() if pointer(other[: len(path)]) != pointer(path)}
    assert (
        untouched.items()
        <= {other: one for other, one in after.items() if not isinstance(one, dict | list)}.items()
    )
    assert all(after.get(other) == "[redacted]" for other in [path] if path in paths_of(value))
