"""Reports of Evidently (0.2 to 0.6, JSON) as rows of ``drift_result`` and ``data_quality_result``. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collectors.fields import members
from collectors.register.rows import Row
from compliance.canonical import Json, format_time, parse_time
from compliance.errors import InputRefused

TOOL = "evidently"
PASSED = {"SUCCESS": True, "FAIL": False, "ERROR": False, "WARNING": True}


def is_evidently(said: Json) -> bool:
    """Whether a document is a report or a test suite."""
    return (
        isinstance(said, dict)
        and "timestamp" in said
        and any(isinstance(said.get(name), list) for name in ("metrics", "tests"))
    )


def evidently_rows(name: str, said: Mapping[str, Json], register: str) -> Iterator[Row]:
    """Drift by column and of the whole, or one row for each test. Raises InputRefused in any other register."""
    performed, subject = _time(said["timestamp"]), _subject(name, said)
    match register:
        case "drift_result":
            for metric in members(said.get("metrics"), "metrics"):
                yield from _drift(metric.get("result"), subject, performed)
        case "data_quality_result":
            for test in members(said.get("tests"), "tests"):
                yield _test(test, subject, performed)
        case _:
            raise InputRefused(
                f"{name}: a report of Evidently belongs to drift_result or data_quality_result."
            )


def _time(stated: Json) -> str:
    """Evidently writes local time without a zone; it is read as UTC."""
    return format_time(parse_time(str(stated).replace(" ", "T", 1), field="timestamp", assume_utc=True))


def _subject(name: str, said: Mapping[str, Json]) -> str:
    metadata = said.get("metadata")
    stated = metadata.get("dataset") or metadata.get("model") if isinstance(metadata, dict) else None
    return str(stated or name.rsplit("/", 1)[-1].split(".", 1)[0])


def _drift(result: Json, subject: str, performed: str) -> Iterator[Row]:
    if not isinstance(result, dict):
        return
    common = {"subject": subject, "performed": performed, "tool": TOOL}
    by_column = result.get("drift_by_columns")
    for column, found in sorted(by_column.items()) if isinstance(by_column, dict) else ():
        yield Row(1, {
            **common, "id": f"{subject}/{column}", "column": column, "method": found.get("stattest_name"),
            "score": found.get("drift_score"), "threshold": found.get("stattest_threshold"),
            "drifted": found.get("drift_detected"),
        })  # fmt: skip
    if "dataset_drift" in result and by_column is None:
        yield Row(1, {
            **common, "id": subject, "column": None, "method": "share of drifted columns",
            "score": result.get("share_of_drifted_columns"), "threshold": result.get("drift_share"),
            "drifted": result.get("dataset_drift"),
        })  # fmt: skip


def _test(test: Mapping[str, Json], subject: str, performed: str) -> Row:
    parameters = test.get("parameters")
    column = parameters.get("column_name") if isinstance(parameters, dict) else None
    parts = (subject, test.get("group"), test.get("name"), column)
    return Row(1, {
        "id": "/".join(str(part) for part in parts if part), "dataset": subject, "check": test.get("name"),
        "column": column, "suite": test.get("group"), "passed": PASSED.get(str(test.get("status"))), "severity": None,
        "observed": None, "performed": performed, "tool": TOOL,
    })  # fmt: skip
