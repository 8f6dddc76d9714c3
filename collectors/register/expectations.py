"""Validation results of Great Expectations (0.15 to 1.x, JSON) as rows of ``data_quality_result``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collectors.fields import members
from collectors.register.rows import Row
from compliance.canonical import Json
from compliance.errors import InputRefused

SAMPLES = (
    "partial_unexpected_list", "partial_unexpected_counts", "partial_unexpected_index_list", "unexpected_list",
    "unexpected_index_list", "unexpected_index_query", "unexpected_rows",
)  # fmt: skip
"""Members of a result that quote the rows' own values."""
TOOL = "great-expectations"


def is_expectations(said: Json) -> bool:
    """Whether a document is a validation result."""
    return (
        isinstance(said, dict)
        and isinstance(said.get("results"), list)
        and isinstance(said.get("success"), bool)
        and all(isinstance(one, dict) and "expectation_config" in one for one in said["results"])
    )


def stripped(value: Json) -> Json:
    """The document without samples of the data."""
    if isinstance(value, dict):
        return {name: "[redacted]" if name in SAMPLES else stripped(inner) for name, inner in value.items()}
    return [stripped(inner) for inner in value] if isinstance(value, list) else value


def expectation_rows(name: str, said: Mapping[str, Json], register: str) -> Iterator[Row]:
    """A row for each expectation. Raises InputRefused in any other register."""
    if register != "data_quality_result":
        raise InputRefused(f"{name}: a result of Great Expectations belongs to data_quality_result.")
    stated = said.get("meta")
    meta: Mapping[str, Json] = stated if isinstance(stated, dict) else {}
    subject, suite, performed = _subject(meta), _suite(said, meta), _performed(meta)
    for one in members(said["results"], "results"):
        config = one["expectation_config"]
        check = config.get("type") or config.get("expectation_type")
        kwargs = config.get("kwargs") or {}
        column = kwargs.get("column")
        parts = (subject, suite, check, column)
        yield Row(1, {
            "id": "/".join(str(part) for part in parts if part), "dataset": subject, "check": check, "column": column,
            "suite": suite, "passed": one.get("success"), "severity": config.get("severity"),
            "observed": _observed(one.get("result")), "performed": performed, "tool": TOOL,
        })  # fmt: skip


def _subject(meta: Mapping[str, Json]) -> Json:
    """The data asset, as the batch names it."""
    for place in ("active_batch_definition", "batch_spec", "batch_kwargs"):
        batch = meta.get(place)
        if isinstance(batch, dict):
            for key in ("data_asset_name", "table_name", "table"):
                if batch.get(key):
                    return batch[key]
    return None


def _suite(said: Mapping[str, Json], meta: Mapping[str, Json]) -> Json:
    return said.get("suite_name") or meta.get("expectation_suite_name")


def _performed(meta: Mapping[str, Json]) -> Json:
    run = meta.get("run_id")
    stated = run.get("run_time") if isinstance(run, dict) else None
    return stated or meta.get("validation_time")


def _observed(result: Json) -> str | None:
    """What was found, where it is a number or a truth value: a text may be a row's own."""
    found = result.get("observed_value") if isinstance(result, dict) else None
    if (
        found is None
        and isinstance(result, dict)
        and isinstance(result.get("unexpected_percent"), int | float)
    ):
        return f"{result['unexpected_percent']} % unexpected"
    return str(found) if isinstance(found, int | float | bool) else None
