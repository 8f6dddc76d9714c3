"""Persons: training, access reviews, appointments, policies."""

from __future__ import annotations

from collectors.register.columns import register

TRAINING_RECORD = register(
    "training_record",
    "One person's training. The resource is its id.",
    ("person", "string", "Id of the person, as the directory has it"),
    ("course", "string", "Course"),
    ("topics", "strings", "Topics, such as security, privacy or ai-literacy"),
    ("role", "string?", "Role for which it is asked"),
    ("assigned", "time?", "When it was assigned"),
    ("due", "time?", "When it must be done"),
    ("completed", "time?", "When it was done"),
    ("passed", "bool?", "Whether its test was passed"),
    ("expires", "time?", "When it must be done again"),
    ("acknowledged_policies", "bool?", "Whether the policies were acknowledged with it"),
)  # fmt: skip
ACCESS_REVIEW = register(
    "access_review",
    "A review of who may do what in one system. The resource is its id.",
    ("system", "string", "System reviewed"),
    ("kind", "string?", "users, privileged, service-accounts or data"),
    ("period_end", "time?", "End of the period reviewed"),
    ("due", "time?", "When it must be done"),
    ("completed", "time?", "When it was done"),
    ("reviewer", "string?", "Who reviewed"),
    ("approved_by", "string?", "Who approved the result"),
    ("accounts", "int", "Accounts reviewed"),
    ("revoked", "int", "Accounts or rights to be taken away"),
    ("revoked_open", "int", "Of these, those still there"),
    ("next_due", "time?", "When the next is due"),
)  # fmt: skip
ROLE_ASSIGNMENT = register(
    "role_assignment",
    "An appointment to a duty, such as data protection officer. The resource is its id.",
    (
        "role", "string",
        "dpo, ciso, qualified-individual, ai-officer, human-oversight, control-owner or another",
    ),
    ("holder", "string", "Who holds it"),
    ("appointed", "time", "When they were appointed"),
    ("ends", "time?", "When it ends"),
    ("appointed_by", "string?", "Who appointed them"),
    ("reports_to", "string?", "Whom they report to"),
    ("scope", "string?", "Systems, models or entities that it covers"),
    ("published", "bool?", "Whether their contact is published"),
    ("authority_told", "time?", "When the authority was told"),
    ("qualified", "bool?", "Whether their qualification is on file"),
    ("deputy", "string?", "Who stands in for them"),
)  # fmt: skip
POLICY_DOCUMENT = register(
    "policy_document",
    "A policy, standard or procedure. The resource is its id.",
    ("title", "string", "Title"),
    ("kind", "string?", "policy, standard, procedure or plan"),
    ("topics", "strings", "What it settles, such as access-control, retention or ai-governance"),
    ("version", "string?", "Version"),
    ("approved", "time?", "When it was approved"),
    ("approved_by", "string?", "Who approved it"),
    ("published", "time?", "When it was published"),
    ("reviewed", "time?", "Last review"),
    ("next_review", "time?", "When the next is due"),
    ("owner", "string?", "Who answers for it"),
)  # fmt: skip
