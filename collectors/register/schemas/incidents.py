"""Incidents, and the exercises that prepare for them."""

from __future__ import annotations

from collectors.register.columns import register

INCIDENT = register(
    "incident",
    "A security, privacy or AI incident. The resource is its id.",
    ("kind", "string", "security, privacy, ai or availability"),
    ("severity", "string", "critical, high, medium or low"),
    ("status", "string", "open, contained or closed"),
    ("occurred", "time?", "When it happened"),
    ("detected", "time", "When it was found"),
    ("contained", "time?", "When it was contained"),
    ("resolved", "time?", "When it was resolved"),
    ("personal_data", "bool", "Whether personal data was affected"),
    ("records_affected", "int?", "Records affected"),
    ("ai_system", "string?", "Id of the AI system concerned"),
    ("authority_notice_required", "bool?", "Whether an authority must be told"),
    ("authority_notified", "time?", "When it was told"),
    ("subjects_notice_required", "bool?", "Whether the persons concerned must be told"),
    ("subjects_notified", "time?", "When they were told"),
    ("customer_notified", "time?", "When customers or controllers were told"),
    ("root_cause", "string?", "Root cause"),
    ("corrective_actions", "int", "Corrective actions decided"),
    ("corrective_actions_open", "int", "Of these, those still open"),
    ("reviewed", "time?", "When it was looked back at"),
    ("decision_recorded", "bool?", "Whether the reason for telling nobody is recorded"),
    ("owner", "string?", "Who answers for it"),
    ("triaged", "time?", "When it was first judged"),
    ("assessed", "time?", "When it was judged whether it is a breach"),
    ("aware", "time?", "When the organisation became aware: the start of notice periods"),
    ("regimes", "strings", "Regimes that ask for notice: gdpr, hipaa, glba, eu-ai-act, card or contract"),
    ("lessons", "string?", "What was learned"),
    ("evidence_sha256", "strings", "SHA-256 of preserved evidence"),
    ("high_risk", "bool?", "Whether a high risk to persons is likely"),
    ("death", "bool?", "Whether somebody died or may have"),
    ("widespread", "bool?", "Whether it is widespread"),
)  # fmt: skip
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
