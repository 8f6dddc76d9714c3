"""Results of checks on data: quality and drift."""

from __future__ import annotations

from collectors.register.columns import register

DATA_QUALITY_RESULT = register(
    "data_quality_result",
    "A check on data: a row, or an expectation of a Great Expectations result. The resource is its id.",
    ("dataset", "string", "Dataset: NAMESPACE/NAME, or as the tool names it"),
    ("check", "string", "Expectation or rule"),
    ("column", "string?", "Column, where it is about one"),
    ("suite", "string?", "Suite that it belongs to"),
    ("passed", "bool", "Whether it was met"),
    ("severity", "string?", "Severity, where stated"),
    ("observed", "string?", "What was found"),
    ("performed", "time", "When it was carried out"),
    ("tool", "string?", "Tool that carried it out"),
)  # fmt: skip
DRIFT_RESULT = register(
    "drift_result",
    "A comparison of data with a reference: a row, or a column of an Evidently report. The resource is its id.",
    ("subject", "string", "Dataset (NAMESPACE/NAME) or model (NAME/VERSION) watched"),
    ("column", "string?", "Column; absent for the whole"),
    ("method", "string?", "Test or distance"),
    ("score", "double?", "Its value"),
    ("threshold", "double?", "Value from which on it is drift"),
    ("drifted", "bool", "Whether it is drift"),
    ("performed", "time", "When it was carried out"),
    ("tool", "string?", "Tool that carried it out"),
)  # fmt: skip
