"""Risks, assets, tickets."""

from __future__ import annotations

from collectors.register.columns import register

RISK = register(
    "risk",
    "A risk. The resource is its id.",
    ("title", "string", "Title"),
    ("category", "string?", "security, privacy, ai, supplier, financial-reporting or another"),
    ("likelihood", "string?", "Likelihood"),
    ("impact", "string?", "Impact"),
    ("level", "string", "critical, high, medium or low, before treatment"),
    ("residual_level", "string?", "The same after treatment"),
    ("treatment", "string", "mitigate, accept, transfer or avoid"),
    ("status", "string", "open, treated or closed"),
    ("controls", "strings", "Ids of the controls that treat it"),
    ("accepted_by", "string?", "Who accepted what remains"),
    ("accepted", "time?", "When they did"),
    ("accepted_until", "time?", "Until when that holds"),
    ("identified", "time?", "When it was identified"),
    ("reviewed", "time?", "Last review"),
    ("next_review", "time?", "When the next is due"),
    ("due", "time?", "When its treatment must be done"),
    ("owner", "string?", "Who answers for it"),
)  # fmt: skip
ASSET = register(
    "asset",
    "An asset: system, dataset, model, key or device. The resource is its id.",
    ("name", "string", "Name"),
    ("kind", "string", "system, dataset, model, service, device or another"),
    ("owner", "string?", "Who answers for it"),
    ("data_class", "string?", "Class of the data in it"),
    ("personal_data", "bool?", "Whether it holds personal data"),
    ("cardholder_data", "bool?", "Whether it holds or carries cardholder data"),
    ("health_data", "bool?", "Whether it holds protected health information"),
    ("environment", "string?", "production, staging or development"),
    ("criticality", "string?", "critical, high, medium or low"),
    ("location", "string?", "Country or region"),
    ("supported_until", "time?", "When support for it ends"),
    ("reviewed", "time?", "Last review"),
    ("disposed", "time?", "When it was disposed of"),
    ("disposal_method", "string?", "How it was made unreadable"),
)  # fmt: skip
TICKET = register(
    "ticket",
    "A ticket of a tracker: change, access, exception or another. The resource is its id.",
    ("kind", "string", "change, access, incident, exception, vulnerability or another"),
    ("status", "string", "Status"),
    ("priority", "string?", "Priority"),
    ("opened", "time", "When it was opened"),
    ("due", "time?", "When it must be done"),
    ("closed", "time?", "When it was closed"),
    ("requested_by", "string?", "Who asked"),
    ("approved_by", "string?", "Who approved"),
    ("approved", "time?", "When they did"),
    ("implemented_by", "string?", "Who carried it out"),
    ("tested", "bool?", "Whether the outcome was tested"),
    ("rollback_plan", "bool?", "Whether there is a way back"),
    ("emergency", "bool?", "Whether it was an emergency"),
    ("system", "string?", "System concerned"),
    ("change", "string?", "The change that carried it out, OWNER/NAME#NUMBER"),
)  # fmt: skip
