"""Exercises and tests that prepare for the worst."""

from __future__ import annotations

from collectors.register.columns import register

EXERCISE = register(
    "exercise",
    "An exercise or test: restore, failover, tabletop, penetration test, red team. The resource is its id.",
    (
        "kind", "string",
        ("restore, failover, incident-tabletop, breach-notification, erasure, penetration-test, red- "
        "team or another"),
    ),
    ("performed", "time", "When it took place"),
    ("passed", "bool?", "Whether it met its aim; absent where it has none"),
    ("scope", "string?", "What was exercised"),
    ("systems", "strings", "Systems concerned"),
    ("independent", "bool?", "Whether somebody not concerned carried it out"),
    ("rto_minutes", "int?", "Minutes until service was back"),
    ("rto_target_minutes", "int?", "Minutes that were aimed at"),
    ("rpo_minutes", "int?", "Minutes of data that were lost"),
    ("rpo_target_minutes", "int?", "Minutes of data that may be lost"),
    ("findings", "int", "Findings"),
    ("findings_open", "int", "Of these, those still open"),
    ("next_due", "time?", "When the next is due"),
    ("evidence", "string?", "Where its report lies"),
    ("owner", "string?", "Who answers for it"),
)  # fmt: skip
