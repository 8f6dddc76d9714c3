"""Registers that a privacy office keeps, with every column's meaning. The resource is the row's ``id``.

Rows name requests, people in charge and datasets, never the person whom the data are about.
"""

from __future__ import annotations

from typing import cast

from compliance.facts import FactSchema, Field, FieldType


def register(name: str, doc: str, *columns: tuple[str, str, str]) -> FactSchema:
    """A register of these columns: name, type (``?`` marks one that may be empty), meaning."""
    fields = (Field(n, cast("FieldType", t.rstrip("?")), d, optional=t.endswith("?")) for n, t, d in columns)
    return FactSchema(name, doc, tuple(fields))


DISCLOSURE = register(
    "disclosure",
    "Data about people that left the organisation for a recipient.",
    ("regime", "string", "gdpr, uk-gdpr, cpra or hipaa"),
    ("kind", "string", "disclosure, sale, sharing or research"),
    ("at", "time", "When"),
    ("recipient", "string?", "To whom, by vendor name or address"),
    ("content", "string?", "What, in brief"),
    ("purpose", "string?", "Why, by id of the purpose"),
    ("basis", "string?", "The rule that permits it"),
    ("authorisation", "string?", "Id of the authorisation on which it rests"),
    ("minimum_checked", "bool?", "Whether it was held to the minimum necessary"),
    ("countable", "bool", "Whether it belongs in an accounting of disclosures"),
    ("kept_until", "time?", "Until when the row is kept"),
)

AUTHORISATION = register(
    "authorisation",
    "A written authorisation under health law, or a waiver in its place.",
    ("kind", "string", "use, marketing, psychotherapy-notes, sale, research or waiver"),
    ("purposes", "strings", "Purposes that it covers"),
    ("elements", "strings", "Core elements and statements that it has"),
    ("signed_at", "time?", "When it was signed or granted"),
    ("expires_at", "time?", "When it ends"),
    ("revoked_at", "time?", "When it was revoked"),
    ("remuneration_stated", "bool?", "Whether it states the payment, where there is one"),
    ("kept_until", "time?", "Until when the signed document is kept"),
)

PREFERENCE_CHANNEL = register(
    "preference_channel",
    "A site, app or service in which people state choices about sale, sharing and sensitive data.",
    ("choices", "strings", "Choices that it offers: opt-out, limit, admt-opt-out, minors-opt-in, withdraw"),
    ("honours_signals", "bool", "Whether it treats a browser's opt-out signal as a request"),
    ("signals", "int", "Signals and choices that it received in the last 30 days"),
    ("honoured", "int", "Of these, those in force at every enforcement point in time"),
    ("account_needed", "bool", "Whether an account is needed to choose"),
    ("steps_to_opt_in", "int", "Steps to agree again after refusing"),
    ("wait_days", "int?", "Days for which it does not ask again"),
    ("tested_at", "time?", "The last test with a planted signal"),
)

DEIDENTIFIED_RELEASE = register(
    "deidentified_release",
    "A dataset that is treated as no longer about identified people.",
    ("dataset", "string", "namespace/name"),
    ("method", "string", "safe-harbor, expert, limited-data-set, aggregate, synthetic or anonymised"),
    ("scanned_at", "time?", "The last scan for identifiers"),
    ("identifiers_found", "strings", "Listed identifiers that the scan found"),
    ("no_actual_knowledge", "bool?", "Whether somebody signed to know of no way back"),
    ("expert", "string?", "Who determined that the risk is very small"),
    ("expert_valid_until", "time?", "How long the determination holds"),
    ("codes", "string", "keyed, random, derived or none"),
    ("smallest_group", "int?", "Size of the smallest group that shares all quasi-identifiers"),
    ("smallest_group_floor", "int?", "The size that policy asks for"),
    ("recipient", "string?", "Who receives it"),
    ("agreement_signed_at", "time?", "When the recipient signed not to re-identify"),
    ("agreement_terms", "strings", "Terms of that agreement"),
    ("public_commitment", "bool", "Whether the organisation publicly commits not to re-identify"),
    ("purpose", "string?", "What it is released for"),
    ("fidelity", "double?", "For synthetic data, measured fidelity"),
    ("fidelity_floor", "double?", "The fidelity that policy asks for"),
    ("membership_advantage", "double?", "Advantage of a membership-inference attack"),
    ("advantage_ceiling", "double?", "The advantage that policy allows"),
)

PRIVACY_BUDGET = register(
    "privacy_budget",
    "A shared aggregate that is served under differential privacy.",
    ("dataset", "string", "namespace/name behind it"),
    ("epsilon_limit", "double", "Budget of the period"),
    ("epsilon_spent", "double", "Of it, spent"),
    ("answered_beyond", "int", "Answers that were given after it was spent"),
    ("direct_readers", "int", "Readers that reach the aggregate past the gateway"),
    ("counted_at", "time", "When this was counted"),
)

KEY_RELEASE = register(
    "key_release",
    "A release of keys or shares to computing in an enclave, or a round of joint learning.",
    ("kind", "string", "enclave, federated or multi-party"),
    ("attested", "bool?", "Whether the enclave's measurement was verified before the release"),
    ("participants", "int?", "Participants whose contributions were combined"),
    ("participants_floor", "int?", "The number that policy asks for"),
    ("raw_records_out", "int", "Raw records that left their site"),
    ("at", "time", "When"),
)

PRIVACY_REGISTERS: tuple[FactSchema, ...] = (
    AUTHORISATION, DEIDENTIFIED_RELEASE, DISCLOSURE, KEY_RELEASE, PREFERENCE_CHANNEL, PRIVACY_BUDGET,
)  # fmt: skip
"""Registers of privacy, by name."""
