"""Registers of AI, data quality and governance, with every column's meaning. The resource is the row's ``id``."""

from __future__ import annotations

from collectors.register.privacy_schemas import register
from compliance.facts import FactSchema

AI_OPERATION = register(
    "ai_operation",
    "How an AI system is built to be overseen, what it shows to people, and how it is run. The resource is the system's id.",
    ("profiling", "bool?", "Whether it profiles people"),
    ("annex_use", "string?", "The listed high-risk use, or product law, that it falls under"),
    ("screened_for", "strings", "Prohibited practices that the screening went through"),
    ("released", "time?", "The last release"),
    ("modified", "time?", "The last substantial modification or change of purpose"),
    ("role_reviewed", "time?", "When its role was last reviewed"),
    ("suppliers", "strings", "Suppliers of its parts, ids of vendors"),
    ("instructions_received", "time?", "For a deployer, when the provider's instructions were last received"),
    ("settings_follow_instructions", "bool?", "Whether its settings were compared with them and agree"),
    ("input_checked", "time?", "When its input data were last checked to be relevant and representative"),
    ("interacts_with_people", "bool", "Whether people talk or write to it"),
    ("generates_content", "bool", "Whether it makes images, sound, video or text for others"),
    ("decides_about_people", "bool", "Whether decisions about people rest on it"),
    (
        "disclosures",
        "strings",
        "interaction-notice, output-mark, deepfake-label, text-label, decision-notice",
    ),
    ("disclosures_tested", "time?", "When those were last tested on a live output"),
    (
        "content_safeguards",
        "strings",
        "Forbidden content that its filters stop: intimate-imagery, child-abuse",
    ),
    ("log_events", "strings", "Events that it logs by itself: use, risk, modification, input, verification"),
    ("oversight", "strings", "understand, automation-bias, interpret, override, stop, built-in, by-deployer"),
    ("overseers", "int", "People who are assigned to oversee it"),
    ("overseers_trained", "int", "Of them, those with current training"),
    ("override_tested", "time?", "The last test of overriding it"),
    ("explained_on_request", "bool?", "Whether people are given the main elements of a decision on request"),
    ("deployers_trained", "bool?", "Whether those who use it are informed and trained"),
    ("people_told", "bool?", "Whether people are told that it takes part in decisions about them"),
    ("opt_out", "bool?", "Whether people can refuse to be decided about by it"),
    ("human_path", "bool?", "Whether a person with authority reviews contested outcomes"),
    ("weighs_sensitive_data", "bool?", "Whether it decides on special categories of data"),
    ("sensitive_condition", "string?", "The condition under which it may"),
)

AI_RISK = register(
    "ai_risk",
    "A risk of an AI system to health, safety or rights.",
    ("system", "string", "The AI system, by id"),
    ("topics", "strings", "intended-use, misuse, vulnerable-groups, post-market, bias, security, systemic"),
    ("assessed", "time?", "The last assessment"),
    ("treatment", "string?", "design, mitigate, inform or accept"),
    ("due", "time?", "When the treatment must be done"),
    ("treated", "time?", "When it was done"),
    ("tested", "time?", "When the measure was last tested"),
    ("residual_accepted_by", "string?", "Who accepted what remains"),
    ("owner", "string?", "Who answers for it"),
)

TECHNICAL_FILE = register(
    "technical_file",
    "A set of documents about an AI system or a model of general purpose.",
    ("subject", "string", "The AI system"),
    ("kind", "string", ("annex-iv, instructions, gpai-model, gpai-downstream, copyright-policy, "
     "training-summary, quality-system, notified-body, declaration or systemic-risk")),
    ("sections", "strings", "Parts that are filled in"),
    ("updated_at", "time?", "The last change"),
    ("approved_by", "string?", "Who approved it"),
    ("kept_until", "time?", "Until when its store keeps it"),
    ("public", "bool?", "Whether it is published"),
)  # fmt: skip

BIAS_DATA = register(
    "bias_data",
    "Special categories of data that are kept to find and correct bias. The resource is the dataset, NAMESPACE/NAME.",
    ("system", "string", "The AI system, by id"),
    ("need_documented", "time?", "When it was written down that no other data would do"),
    ("need_in_record", "string?", "The processing activity that gives that reason"),
    ("protection", "strings", "pseudonymised, encrypted, reuse-limited, access-logged"),
    ("readers", "strings", "Roles that may read it"),
    ("readers_documented", "bool", "Whether each of them is authorised and documented"),
    ("shared_with", "strings", "Other parties that it went to"),
    ("done", "time?", "When the correction was finished"),
    ("retention_ends", "time?", "When its retention ends"),
    ("erased", "time?", "When it was erased"),
)

MODEL_MONITOR = register(
    "model_monitor",
    "Monitoring of a model version in operation. The resource is NAME/VERSION.",
    ("watches", "strings", "drift, skew, cohorts, feedback, safety, performance"),
    ("reported_at", "time?", "The last report"),
    ("breaches", "int", "Breaches of a limit in the last 30 days"),
    ("untended", "int", "Of them, those without a ticket"),
    ("median_detect_minutes", "int?", "Median minutes from the change to the alert"),
    ("median_resolve_minutes", "int?", "Median minutes from the alert to the end"),
    ("owner", "string?", "Who is alerted"),
)

MODEL_RELEASE = register(
    "model_release",
    "How a model version was brought into operation. The resource is NAME/VERSION.",
    ("stages", "strings", "shadow, canary, blue-green"),
    ("compared_at", "time?", "When it was compared with the former version"),
    ("known_good", "string?", "The version to which one would go back"),
    ("known_good_warm", "bool?", "Whether that is ready to serve"),
    ("rollback_tested_at", "time?", "The last test of going back"),
    ("rollback_minutes", "int?", "Minutes that it took"),
    ("signed", "bool?", "Whether the artefact bears a signature that was verified at load"),
    ("provenance", "bool?", "Whether an attestation of its making is attached"),
    ("scanned_at", "time?", "When the artefact was scanned for unsafe content"),
    ("artefact_readers", "strings", "Identities that may fetch the weights"),
    ("unknown_downloads", "int", "Downloads of weights by others in the last 30 days"),
)

UNLEARNING = register(
    "unlearning",
    "What was decided about a model version after data it learned from were erased or withdrawn.",
    ("model", "string", "NAME/VERSION"),
    ("decision", "string", "retrain, unlearn, retire or keep"),
    ("reason", "string?", "Why, where it is kept"),
    ("decided_at", "time", "When"),
    ("decided_by", "string?", "By whom"),
    ("done_at", "time?", "When it was carried out"),
)

CONTENT_SCAN = register(
    "content_scan",
    "A scan of a dataset for content of kinds that need care. The resource is namespace/name.",
    (
        "kinds_found",
        "strings",
        "Kinds found: card-number, authentication-data, health, secret, free-text-person, special",
    ),
    ("kinds_clear", "strings", "Of them, those found in the clear"),
    ("untagged", "strings", "Fields that hold such content and bear no tag"),
    ("recall", "double?", "Recall of the classifier on the last labelled sample"),
    ("recall_floor", "double?", "Recall that policy asks for"),
    ("actions", "int", "Detections that were blocked, redacted or tokenised"),
    ("detections", "int", "Detections"),
    ("scanned_at", "time", "When"),
)

ASSURANCE_ENGAGEMENT = register(
    "assurance_engagement",
    "An audit, assessment, review or certification.",
    ("regime", "string", "Framework that it is about"),
    (
        "kind",
        "string",
        "audit, management-review, certification, penetration-test, evaluation or sub-certification",
    ),
    ("independent", "bool", "Whether those who did it do not run what they looked at"),
    ("done_at", "time?", "When it was finished"),
    ("next_due", "time?", "When it must be done again"),
    ("reported_to", "string?", "Who received the result"),
    ("components", "strings", "Parts of the programme that it went through"),
    ("findings_open", "int", "Findings that are open"),
    ("findings_overdue", "int", "Of them, those past their date"),
)

DATA_PRODUCT = register(
    "data_product",
    "A dataset that is published for others to use. The resource is namespace/name.",
    ("owner", "string?", "Who answers for it"),
    ("owner_active", "bool?", "Whether that person or team is still there"),
    ("steward", "string?", "Who tends it"),
    ("service_level", "string?", "Promise of freshness and availability"),
    ("lifecycle", "string?", "Policy of change and end"),
    ("domain", "string?", "Domain that it belongs to"),
)

AI_REGISTERS: tuple[FactSchema, ...] = (
    AI_OPERATION, AI_RISK, ASSURANCE_ENGAGEMENT, BIAS_DATA, CONTENT_SCAN, DATA_PRODUCT, MODEL_MONITOR, MODEL_RELEASE,
    TECHNICAL_FILE, UNLEARNING,
)  # fmt: skip
"""Registers of AI, data quality and governance, by name."""
