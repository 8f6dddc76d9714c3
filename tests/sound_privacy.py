"""What a sound organisation shows of privacy, vendors and AI, and one fault for each check of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tests.derived_parts import ANN, ago

if TYPE_CHECKING:
    from tests.shipped import Organisation

LISTED = (
    "ai_operation", "ai_risk", "authorisation", "bias_data", "content_scan", "data_product", "data_quality_result", "data_subject_request", "datasheet",
    "disclosure", "dpia", "model_card", "model_evaluation", "model_monitor", "model_release", "notice",
    "preference_channel", "processing_activity", "technical_file", "transfer", "vendor", "deidentified_release",
    "drift_result", "key_release", "privacy_budget", "schema_subject", "unlearning", "assurance_engagement",
    "policy_document", "risk", "role_assignment", "training_record",
)  # fmt: skip
MODEL, PORTAL, DEPLOYED, GENERAL = "scorer/3", "portal", "triage", "writer"
DATASETS = ("lake/features", "lake/scores", "lake/tickets")
FILE = ("description", "development", "monitoring", "metrics", "risk-management", "changes", "post-market")
INSTRUCTIONS = (
    "purpose", "accuracy", "risks", "explainability", "groups", "input-data", "output", "changes", "oversight", "logs",
)  # fmt: skip
PRACTICES = (
    "manipulation", "vulnerability", "social-scoring", "crime-prediction", "face-scraping", "emotion-at-work",
    "biometric-sorting", "remote-identification", "intimate-imagery", "child-abuse",
)  # fmt: skip
ACCESS = (
    "purposes", "categories", "recipients", "retention", "rights", "complaint", "source", "decisions", "safeguards", "copy",
    "sold-or-shared",
)  # fmt: skip
CLAUSES = (
    "instructions", "confidentiality", "security", "subprocessors", "rights-assistance", "breach-assistance",
    "return-or-delete", "audit", "permitted-uses", "no-further-use", "security-rule", "report-incidents", "subcontractors",
    "access", "amendment", "accounting", "delegated-duties", "books-to-authority", "return-or-destroy", "limited-purposes",
    "no-sale", "same-protection", "deletion-assistance", "limit-sensitive", "notify-inability", "no-combining",
    "responsibility",
)  # fmt: skip


def _system(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "name": name, "role": "provider", "risk_class": "high", "purpose": "support", "models": [MODEL],
        "status": "in-service", "in_service_since": ago(100), "prohibited_practices_reviewed": ago(30),
        "classification_reason": "Annex III", "technical_documentation": ago(100), "documentation_kept_until": ago(-3700),
        "conformity_assessed": ago(40), "declaration_signed": ago(40), "registered": ago(40), "quality_management": True,
        "risk_management_reviewed": ago(30), "human_oversight": "lead", "oversight_tested": ago(30),
        "instructions_published": ago(100), "transparency_notice": True, "content_marked": True, "log_retention_days": 400,
        "post_market_plan": ago(100), "post_market_reviewed": ago(30), "workers_informed": ago(100),
        "impact_assessment": "d1", "owner": "support",
    } | more  # fmt: skip


def _operation(**more: Any) -> dict[str, Any]:
    return {
        "profiling": False, "annex_use": None, "screened_for": list(PRACTICES), "released": ago(60), "modified": ago(60),
        "role_reviewed": ago(30), "suppliers": ["cloud"], "instructions_received": ago(90),
        "settings_follow_instructions": True, "input_checked": ago(30), "interacts_with_people": True,
        "generates_content": True, "decides_about_people": True,
        "disclosures": ["interaction-notice", "output-mark", "deepfake-label", "text-label"], "disclosures_tested": ago(30),
        "content_safeguards": ["intimate-imagery", "child-abuse"],
        "log_events": ["use", "risk", "modification", "input", "verification"],
        "oversight": ["built-in", "by-deployer", "understand", "automation-bias", "interpret", "override", "stop"],
        "overseers": 2, "overseers_trained": 2, "override_tested": ago(30), "explained_on_request": True,
        "deployers_trained": True, "people_told": True, "opt_out": True, "human_path": True, "weighs_sensitive_data": True,
        "sensitive_condition": "explicit consent",
    } | more  # fmt: skip


def _file(system: str, kind: str, sections: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "subject": system, "kind": kind, "sections": list(sections), "updated_at": ago(20), "approved_by": "bob",
        "kept_until": ago(-3700), "public": False,
    }  # fmt: skip


def _risk(system: str) -> dict[str, Any]:
    return {
        "system": system, "topics": ["intended-use", "misuse", "vulnerable-groups", "post-market"], "assessed": ago(20),
        "treatment": "design", "due": ago(10), "treated": ago(15), "tested": ago(14), "residual_accepted_by": "bob",
        "owner": "ann",
    }  # fmt: skip


def _evaluation(kind: str) -> dict[str, Any]:
    return {
        "model": MODEL, "kind": kind, "performed": ago(1), "passed": True, "metric": None, "value": None, "threshold": None,
        "group": None, "dataset": None, "evaluator": "qa", "independent": True, "findings": 0, "findings_open": 0,
        "report": None, "tool": None, "limits_set": ago(9), "groups": ["age"], "groups_missing": [],
        "mitigation_approved_by": None,
    }  # fmt: skip


def _datasheet(**more: Any) -> dict[str, Any]:
    said = (
        "motivation", "composition", "collection", "origin", "license", "preprocessing", "labelled_by", "representative",
        "biases", "gaps", "assumptions", "availability", "context", "mitigation", "errors",
    )  # fmt: skip
    return dict.fromkeys(said, "stated") | {
        "lawful_basis": "consent", "purposes": ["support"], "personal_data": True, "special_categories": False,
        "special_category_use": None, "biases_examined": ago(30), "copyright_reviewed": ago(30), "retention_days": 30,
        "approved": ago(30), "approved_by": "bob", "reviewed": ago(30), "next_review": ago(-300), "owner": "ml",
        "use": "training", "opt_outs_honoured": True, "face_scraping": False,
    } | more  # fmt: skip


def _request(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "law": "gdpr", "received": ago(60), "verified": ago(59), "acknowledged": ago(58), "due": ago(30),
        "extended": False, "answered": ago(40), "outcome": "granted", "reason_given": None, "erasure_request_id": None,
        "channel": "web", "owner": "dpo", "answer": list(ACCESS), "recipients": ["cloud"], "recipients_told": ["cloud"],
        "datasets": [], "applied": ago(45), "exception": None, "remedies_told": None, "extension_told": None,
        "doubt_recorded": None, "fee_charged": False, "account_needed": False, "format": "json", "reviewer": "ann",
        "kept_until": ago(-900),
    } | more  # fmt: skip


def _notice(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "audience": "customers", "version": "3", "published": ago(190), "reviewed": ago(30),
        "next_review": ago(-300), "purposes": ["support"], "systems": [PORTAL], "url": None, "owner": "dpo", "law": "gdpr",
        "recipients": ["cloud"], "data_categories": ["contact"], "channels": ["web"],
        "sections": [
            "controller", "purposes", "basis", "recipients", "transfers", "retention", "rights", "complaint", "source",
            "sale-and-sharing", "purpose", "logic", "outcome", "opt-out", "access",
        ],
    } | more  # fmt: skip


def _assessment(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": kind, "processing": ["a1", "a2"], "systems": [PORTAL, DEPLOYED], "status": "approved", "high_risk": True,
        "residual_risk": "low", "measures": 3, "measures_open": 0, "dpo_consulted": ago(200), "subjects_consulted": True,
        "authority_consulted": None, "approved": ago(195), "approver": "bob", "author": "ann", "reviewed": ago(30),
        "next_review": ago(-300), "owner": "dpo", "decision": "go", "contributors": ["ann"], "processing_began": ago(30),
        "changed": None, "provider_information": True, "kept_until": ago(-1800),
        "harms": ["breach", "discrimination", "control", "coercion", "economic", "physical", "reputation", "psychological"],
        "sections": [
            "operations", "necessity", "risks", "measures", "purpose", "categories", "minimum", "methods", "sources",
            "retention", "contact", "consumers", "told", "recipients", "benefits", "harms", "safeguards", "admt-logic",
            "admt-output", "processes", "duration", "people", "oversight", "response",
        ],
    } | more  # fmt: skip


def _activity(**more: Any) -> dict[str, Any]:
    return {
        "name": "support", "role": "controller", "controller": "Example Ltd", "purposes": ["support"],
        "lawful_basis": "consent", "special_category_basis": "explicit consent", "data_categories": ["contact"],
        "subject_categories": ["customers"], "special_categories": True, "recipients": ["cloud"], "third_countries": ["US"],
        "safeguards": "clauses", "retention_days": 90, "security_measures": ["encryption"], "datasets": list(DATASETS),
        "automated_decisions": True, "dpia_required": True, "dpia": "d1", "notice": "n1", "reviewed": ago(30),
        "next_review": ago(-300), "owner": "dpo", "joint_controllers": [], "representative": None, "officer": "dpo",
        "customers": ["Client"], "processing_kinds": ["hosting"], "basis_law": None, "criminal_data": True,
        "criminal_authority": "law", "minors": True, "parental_check": "e-mail plus", "research": False,
        "identifiers_needed": "yes", "screened": ago(200),
    } | more  # fmt: skip


def _vendor(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "category": "cloud", "criticality": "critical", "processes_personal_data": True,
        "data_classes": ["phi", "card"], "datasets": ["lake/tickets"], "country": "US", "dpa_signed": ago(300),
        "dpa_expires": ago(-300), "baa_signed": ago(300), "transfer_mechanism": "clauses", "sccs_signed": ago(300),
        "transfer_assessed": ago(100), "security_terms": True, "incident_notice_hours": 24, "audit_right": True,
        "certificates": [{"name": "soc2", "valid_until": ago(-200)}], "subprocessors": ["sub"],
        "subprocessors_reviewed": ago(10), "last_assessed": ago(100), "next_assessment": ago(-200), "risk": "low",
        "exit_plan": True, "contract_ends": ago(-300), "active": True, "owner": "procurement",
        "roles": ["processor", "business-associate", "service-provider", "card-service"],
        "contracts": ["dpa", "baa", "cpra", "clauses", "safeguards", "pci", "ai-supply"], "clauses": list(CLAUSES),
        "approved": ago(310), "live_since": ago(290), "monitored": ago(2), "adverse_change": ago(50),
        "adverse_change_reviewed": ago(48), "subprocessors_authorised": ["sub"], "subprocessors_bound": ["sub"],
        "responsibilities_agreed": ago(100), "customer_keys": True, "customer_keys_offered": True,
        "masked_before_sending": True, "data_returned": None,
    } | more  # fmt: skip


def _transfer(**more: Any) -> dict[str, Any]:
    return {
        "recipient": "cloud", "country": "US", "mechanism": "clauses", "signed": ago(300), "expires": ago(-300),
        "impact_assessed": ago(100), "reviewed": ago(100), "datasets": ["lake/tickets"], "supplementary_measures": [],
        "owner": "dpo", "law": "gdpr", "assessment_finds": "sufficient", "ground": None, "purposes": ["support"],
        "ended": None,
    } | more  # fmt: skip


RESOURCES: Mapping[tuple[str, str], dict[str, Any]] = {
    ("ai_system", PORTAL): _system(PORTAL),
    ("ai_system", DEPLOYED): _system(DEPLOYED, role="deployer"),
    ("ai_system", GENERAL): _system(GENERAL, risk_class="gpai"),
    **{("ai_operation", name): _operation() for name in (PORTAL, DEPLOYED, GENERAL)},
    **{
        ("technical_file", f"{system}-{kind}"): _file(system, kind, sections)
        for system in (PORTAL, DEPLOYED, GENERAL)
        for kind, sections in (
            ("annex-iv", FILE), ("instructions", INSTRUCTIONS), ("declaration", ()), ("gpai-model", ()),
            ("gpai-downstream", ()), ("copyright-policy", ()), ("training-summary", ()), ("systemic-risk", ()),
            ("quality-system", (
                "design", "development", "testing", "data", "risk", "post-market", "incidents", "records")),
        )
    },
    **{("ai_risk", f"{name}-r"): _risk(name) for name in (PORTAL, DEPLOYED, GENERAL)},
    **{
        ("model_evaluation", kind): _evaluation(kind)
        for kind in ("accuracy", "robustness", "security", "fairness", "privacy", "red-team")
    },
    ("model_card", MODEL): {
        "intended_use": "support", "out_of_scope": "credit", "limitations": "none known", "training_data": ["lake/features"],
        "evaluation_data": ["lake/features"], "metrics": ["auc"], "fairness": "even", "human_oversight": "lead",
        "risk_class": "limited", "explanation": "weights", "security": "signed", "approved": ago(1), "approved_by": "bob",
        "author": "ann", "reviewed": ago(1), "next_review": ago(-300), "owner": "ml",
    },
    ("model_monitor", MODEL): {
        "watches": ["drift", "skew", "cohorts", "feedback", "safety"], "reported_at": ago(0.2), "breaches": 1, "untended": 0,
        "median_detect_minutes": 10, "median_resolve_minutes": 30, "owner": "ml",
    },
    ("model_release", MODEL): {
        "stages": ["canary"], "compared_at": ago(1), "known_good": MODEL, "known_good_warm": True,
        "rollback_tested_at": ago(5), "rollback_minutes": 3, "signed": True, "provenance": True, "scanned_at": ago(1),
        "artefact_readers": ["serving"], "unknown_downloads": 0,
    },
    **{("datasheet", name): _datasheet() for name in DATASETS},
    **{
        ("data_quality_result", f"q-{name}"): {
            "dataset": name, "check": "not-null", "column": None, "suite": None, "passed": True, "severity": None,
            "observed": None, "performed": ago(1), "tool": None,
        }
        for name in DATASETS
    },
    **{
        ("data_subject_request", name): _request(name)
        for name in ("access", "portability", "erasure", "rectification", "restriction", "human-review")
    },
    ("data_subject_request", "refused"): _request(
        "objection", outcome="refused", exception="legal claims", reason_given=True, remedies_told=True
    ),
    ("data_subject_request", "know"): _request("access", law="cpra", acknowledged=ago(55)),
    **{
        ("data_subject_request", name): _request(name, law="cpra", answered=ago(50), applied=ago(50))
        for name in ("opt-out", "limit", "admt-opt-out")
    },
    ("notice", "n1"): _notice("privacy"),
    ("notice", "n2"): _notice("automated-decision", purposes=[]),
    ("dpia", "d1"): _assessment("dpia"),
    ("dpia", "d2"): _assessment("cpra", processing=[]),
    ("dpia", "d3"): _assessment("fria", processing=[]),
    ("processing_activity", "a1"): _activity(),
    ("processing_activity", "a2"): _activity(role="processor", purposes=["support"]),
    ("vendor", "cloud"): _vendor("cloud"),
    ("vendor", "former"): _vendor("former", active=False, contract_ends=ago(60), data_returned=ago(50)),
    ("transfer", "x1"): _transfer(),
    ("transfer", "x2"): _transfer(mechanism="derogation", ground="explicit consent"),
    ("transfer", "x3"): _transfer(mechanism="idta", law="uk-gdpr"),
    ("disclosure", "s1"): {
        "regime": "hipaa", "kind": "marketing", "at": ago(30), "recipient": "cloud", "content": "contact",
        "purpose": "support", "basis": "authorisation", "authorisation": "p1", "minimum_checked": True, "countable": True,
        "kept_until": ago(-2200),
    },
    ("authorisation", "p1"): {
        "kind": "sale", "purposes": ["support", "marketing"], "signed_at": ago(60), "expires_at": ago(-300), "revoked_at": None,
        "remuneration_stated": True, "kept_until": ago(-2200),
        "elements": [
            "description", "discloser", "recipient", "purpose", "expiry", "signature", "revocation-right", "redisclosure",
        ],
    },
    **{
        ("content_scan", name): {
            "kinds_found": ["email"], "kinds_clear": [], "untagged": [], "recall": 0.99, "recall_floor": 0.95, "actions": 5,
            "detections": 5, "scanned_at": ago(1),
        }
        for name in DATASETS
    },
    **{
        ("data_product", name): {
            "owner": "team", "owner_active": True, "steward": "ann", "service_level": "daily", "lifecycle": "reviewed",
            "domain": "support",
        }
        for name in DATASETS
    },
    **{
        ("drift_result", f"d-{name}"): {
            "subject": name, "column": "age", "method": "psi", "score": 0.1, "threshold": 0.2, "drifted": False,
            "performed": ago(1), "tool": None,
        }
        for name in DATASETS
    },
    **{
        ("data_quality_result", f"{check}-lake"): {
            "dataset": "lake/tickets", "check": check, "column": None, "suite": None, "passed": True, "severity": None,
            "observed": None, "performed": ago(1), "tool": None,
        }
        for check in ("reconciliation", "signature")
    },
    **{
        ("schema_subject", name): {
            "subject": name, "latest_version": 2, "versions": 2, "schema_id": 1, "schema_type": "AVRO",
            "compatibility": "BACKWARD", "compatibility_own": True, "fields": ["email"], "tags": [], "tagged_fields": [],
            "dataset": name, "owner": "team", "data_class": "personal",
        }
        for name in DATASETS
    },
    ("deidentified_release", "r1"): {
        "dataset": "lake/open", "method": "safe-harbor", "scanned_at": ago(10), "identifiers_found": [],
        "no_actual_knowledge": True, "expert": None, "expert_valid_until": None, "codes": "keyed", "smallest_group": 20,
        "smallest_group_floor": 11, "recipient": "university", "agreement_signed_at": ago(20),
        "agreement_terms": ["no-reidentification", "no-contact", "safeguards", "report", "subcontractors"],
        "public_commitment": True, "purpose": "research", "fidelity": None, "fidelity_floor": None,
        "membership_advantage": None, "advantage_ceiling": None,
    },
    ("role_assignment", "dpo"): {
        "role": "dpo", "holder": "ann", "appointed": ago(400), "ends": None, "appointed_by": "board", "reports_to": "board",
        "scope": None, "published": True, "authority_told": ago(390), "qualified": True, "deputy": "bob",
    },
    ("policy_document", "security"): {
        "title": "Security", "kind": "policy", "topics": ["access"], "version": "2", "approved": ago(100),
        "approved_by": "board", "published": ago(99), "reviewed": ago(100), "next_review": ago(-200), "owner": "ciso",
    },
    ("risk", "loss"): {
        "title": "Loss", "category": "security", "likelihood": "low", "impact": "high", "level": "medium",
        "residual_level": "low", "treatment": "mitigate", "status": "treated", "controls": ["RES-02"], "accepted_by": None,
        "accepted": None, "accepted_until": None, "identified": ago(300), "reviewed": ago(30), "next_review": ago(-300),
        "due": ago(60), "owner": "ciso",
    },
    ("assurance_engagement", "a1"): {
        "regime": "cpra", "kind": "audit", "independent": True, "done_at": ago(100), "next_due": ago(-200),
        "reported_to": "board", "findings_open": 0, "findings_overdue": 0,
        "components": [
            "mfa", "passwords", "encryption", "access", "privileged", "account-creation", "data-map", "hardware-software",
            "updates", "cloud", "masking", "patching", "change-control", "testing", "logs", "intrusion", "leakage", "malware",
            "segmentation", "ports", "secure-coding", "vendors", "retention", "incidents", "continuity", "training",
        ],
    },
    ("training_record", "t1"): {
        "person": "p1", "course": "Security", "topics": ["security"], "role": None, "assigned": ago(60), "due": ago(30),
        "completed": ago(40), "passed": True, "expires": ago(-300), "acknowledged_policies": True,
    },
    ("ticket", "GAP-1"): {
        "id": "GAP-1", "kind": "corrective", "status": "done", "priority": None, "opened": ago(60), "due": ago(20),
        "closed": ago(30), "requested_by": "ann", "approved_by": "bob", "approved": ago(59), "implemented_by": "ann",
        "tested": True, "rollback_plan": None, "emergency": False, "system": None, "change": None,
    },
    ("vendor", "host"): _vendor("host", roles=["infrastructure"], processes_personal_data=False, datasets=[], data_classes=[]),
    ("privacy_budget", "p1"): {
        "dataset": "lake/open", "epsilon_limit": 1.0, "epsilon_spent": 0.4, "answered_beyond": 0, "direct_readers": 0,
        "counted_at": ago(1),
    },
    ("key_release", "k1"): {
        "kind": "enclave", "attested": True, "participants": None, "participants_floor": None, "raw_records_out": 0,
        "at": ago(2),
    },
    ("model_evaluation", "canary"): _evaluation("canary"),
    ("unlearning", "u1"): {
        "model": MODEL, "decision": "keep", "reason": "nothing learned of it", "decided_at": ago(1), "decided_by": "ann",
        "done_at": ago(1),
    },
    ("preference_channel", "web"): {
        "choices": ["opt-out", "limit", "minors-opt-in"], "honours_signals": True, "signals": 100, "honoured": 100,
        "account_needed": False, "steps_to_opt_in": 2, "wait_days": 365, "tested_at": ago(30),
    },
    ("bias_data", "b1"): {
        "system": PORTAL, "need_documented": ago(60), "need_in_record": "a1",
        "protection": ["pseudonymised", "encrypted", "reuse-limited", "access-logged"], "readers": ["ann"],
        "readers_documented": True, "shared_with": [], "done": ago(20), "retention_ends": ago(-10), "erased": ago(10),
    },
}  # fmt: skip
Fault = Callable[["Organisation"], object]


def _put(type_: str, resource: str, **changes: Any) -> Fault:
    return lambda o: o.set(type_, resource, **changes)


def _service(**changes: Any) -> Fault:
    return _put("ai_system", PORTAL, **changes)


def _running(system: str = PORTAL, **changes: Any) -> Fault:
    return _put("ai_operation", system, **changes)


def _paper(kind: str, system: str = PORTAL, **changes: Any) -> Fault:
    return _put("technical_file", f"{system}-{kind}", **changes)


def _evaluated(kind: str, **changes: Any) -> Fault:
    return _put("model_evaluation", kind, **changes)


def _asked(name: str, **changes: Any) -> Fault:
    return _put("data_subject_request", name, **changes)


def _supplier(**changes: Any) -> Fault:
    return _put("vendor", "cloud", **changes)


def _row(**changes: Any) -> Fault:
    return _put("processing_activity", "a1", **changes)


def _each_row(**changes: Any) -> Fault:
    def act(organisation: Organisation) -> None:
        for row in ("a1", "a2"):
            organisation.set("processing_activity", row, **changes)

    return act


def _lapsed(organisation: Organisation) -> None:
    """A record that the model learned from is erased later, and nothing was decided since."""
    book, tags = organisation.book, {"purpose": "support"}
    book.run("fill", writes=["archive"], days=90, tags=tags)
    book.manifest("archive", "fill", [ANN], days=90)
    book.run("learn", reads=["archive"], days=80, tags=tags | {"model": MODEL.replace("/", "@")})
    book.erasure("e9", ANN, ["archive"], asked=60, done=50)
    organisation.set("unlearning", "u1", decision="retrain", decided_at=ago(60), done_at=None)


FAULTS: Mapping[str, Fault] = {
    # AI systems
    "ai-system-is-classed-and-screened": _running(screened_for=["manipulation"]),
    "ai-system-class-fits-its-use": _service(risk_class="prohibited"),
    "risks-consider-what-they-must": _put("ai_risk", f"{PORTAL}-r", topics=["misuse"]),
    "risks-are-newer-than-the-release": _put("ai_risk", f"{PORTAL}-r", assessed=ago(90)),
    "risks-are-treated-and-accepted": _put("ai_risk", f"{PORTAL}-r", residual_accepted_by=None),
    "deployers-are-informed-and-trained": _running(deployers_trained=False),
    "technical-file-is-complete-and-current": _paper("annex-iv", updated_at=ago(90)),
    "documents-are-kept-ten-years": _paper("annex-iv", kept_until=ago(-100)),
    "system-has-means-of-oversight": _running(oversight=["stop"]),
    "overseers-are-assigned-and-trained": _running(overseers_trained=1),
    "override-and-stop-were-tested": _running(override_tested=ago(200)),
    "system-is-monitored-after-release": _service(post_market_reviewed=ago(200)),
    "system-is-conform-as-it-runs": _service(conformity_assessed=ago(90)),
    "quality-system-is-documented": _service(quality_management=False),
    "system-role-is-reviewed": _running(role_reviewed=ago(90)),
    "system-runs-registered-models": _service(models=["ghost/1"]),
    "general-purpose-model-is-documented": _paper("training-summary", GENERAL, subject="other"),
    "general-purpose-model-was-attacked": _put("model_evaluation", "red-team", kind="accuracy"),
    "system-records-events-by-itself": _running(log_events=["use"]),
    "people-are-told-of-the-machine": _running(disclosures=["output-mark"]),
    "made-content-is-marked": _running(disclosures=["interaction-notice"]),
    "disclosures-were-tested": _running(disclosures_tested=ago(200)),
    "forbidden-content-is-filtered": _running(content_safeguards=["child-abuse"]),
    "system-is-set-as-instructed": _running(DEPLOYED, settings_follow_instructions=False),
    "input-data-was-checked": _running(DEPLOYED, input_checked=ago(200)),
    "people-are-told-of-decisions": _running(DEPLOYED, people_told=False),
    "event-log-is-kept": _service(log_retention_days=90),
    "instructions-have-their-parts": _paper("instructions", sections=["purpose"]),
    "contested-decision-has-a-person": _running(human_path=False),
    "decision-on-sensitive-data-has-condition": _running(sensitive_condition=None),
    "decision-can-be-refused": _running(explained_on_request=False),
    "significant-decision-has-safeguards": _running(people_told=False),
    "significant-decision-spares-sensitive-data": _running(sensitive_condition=None),
    "deployed-system-has-rights-assessment": _put("dpia", "d3", status="draft"),
    "serious-ai-incident-reported-in-time": _put("incident", "i1", authority_notified=ago(150)),
    "serious-ai-incident-was-investigated": _put("incident", "i1", evidence_sha256=[]),
    # Models and their data
    "training-dataset-has-datasheet": _put("datasheet", "lake/features", approved_by=None),
    "training-dataset-is-rightful": _put("datasheet", "lake/features", opt_outs_honoured=False),
    "training-dataset-was-examined-for-bias": _put("datasheet", "lake/features", biases_examined=ago(900)),
    "training-dataset-passes-its-tests": _put("data_quality_result", "q-lake/features", passed=False),
    "model-passed-fairness-tests": _evaluated("fairness", groups_missing=["age"]),
    "evaluation-limits-were-fixed-first": _evaluated("accuracy", limits_set=ago(0.5)),
    "model-passed-its-evaluations": _evaluated("robustness", passed=False),
    "model-went-through-red-team": _evaluated("red-team", performed=ago(300)),
    "model-of-personal-data-does-not-leak": _evaluated("privacy", passed=False),
    "model-has-current-card": _put("model_card", MODEL, limitations=None),
    "model-was-released-progressively": _put("model_release", MODEL, compared_at=None),
    "model-can-be-rolled-back": _put("model_release", MODEL, rollback_minutes=30),
    "model-is-watched": _put("model_monitor", MODEL, watches=["drift"]),
    "model-breaches-are-tended": _put("model_monitor", MODEL, untended=2),
    "model-artefact-is-signed-and-scanned": _put("model_release", MODEL, signed=False),
    "model-weights-are-fetched-by-known": _put("model_release", MODEL, unknown_downloads=3),
    "bias-data-is-necessary-and-recorded": _put("bias_data", "b1", need_in_record=None),
    "bias-data-is-protected": _put("bias_data", "b1", protection=["encrypted"]),
    "bias-data-stays-inside": _put("bias_data", "b1", shared_with=["partner"]),
    "bias-data-is-erased": _put("bias_data", "b1", done=ago(90), erased=None),
    # Record of processing, notices, assessments
    "purpose-is-in-record-of-processing": _row(lawful_basis="contract"),
    "record-of-processing-is-reviewed": _row(reviewed=ago(500)),
    "controller-row-is-complete": _row(officer=None),
    "processor-row-is-complete": _put("processing_activity", "a2", customers=[]),
    "purpose-is-in-a-notice-before-use": _put("notice", "n1", published=ago(3)),
    "notice-agrees-with-record": _row(recipients=["cloud", "broker"]),
    "privacy-notice-has-its-parts": _put("notice", "n1", sections=["purposes"]),
    "admt-notice-has-its-parts": _put("notice", "n2", systems=[]),
    "purpose-was-screened": _row(screened=None),
    "high-risk-purpose-is-assessed-first": _put("dpia", "d1", approved=ago(1)),
    "assessment-has-its-content": _put("dpia", "d1", dpo_consulted=None),
    "assessment-is-current": _put("dpia", "d1", reviewed=ago(500)),
    "assessment-uses-provider-information": _put("dpia", "d1", provider_information=False),
    "remaining-high-risk-was-consulted-on": _put("dpia", "d1", residual_risk="high"),
    "risk-assessment-has-its-content": _put("dpia", "d2", harms=["breach"]),
    "risk-assessment-explains-technology": _put("dpia", "d2", sections=["purpose"]),
    "risk-assessment-is-kept": _put("dpia", "d2", kept_until=ago(-10)),
    # Data: quality, content, schemas, releases, erasure
    "written-dataset-is-tested": _put("data_quality_result", "q-lake/scores", passed=False),
    "failing-dataset-is-not-rewritten": _put("data_quality_result", "q-lake/scores", passed=False, performed=ago(9)),
    "written-dataset-is-compared": _put("drift_result", "d-lake/scores", performed=ago(30)),
    "drift-has-ticket": _put("drift_result", "d-lake/scores", drifted=True),
    "reconciliation-agrees": _put("data_quality_result", "reconciliation-lake", passed=False),
    "delivery-is-authentic": _put("data_quality_result", "signature-lake", passed=False),
    "canary-training-passed": _put("model_evaluation", "canary", passed=False),
    "written-dataset-is-governed": _put("data_product", "lake/scores", owner_active=False),
    "schema-compatibility-is-enforced": _put("schema_subject", "lake/scores", compatibility="NONE"),
    "written-dataset-is-scanned": _put("content_scan", "lake/scores", scanned_at=ago(90)),
    "sensitive-fields-are-tagged": _put("content_scan", "lake/scores", untagged=["phone"]),
    "classifier-recall-is-enough": _put("content_scan", "lake/scores", recall=0.5),
    "dataset-holds-no-clear-content": _put("content_scan", "lake/scores", kinds_clear=["pan"]),
    "detections-were-acted-on": _put("content_scan", "lake/scores", actions=1),
    "personal-dataset-has-registered-purposes": lambda o: o.book.contract("tickets", ["resale"], days=2),
    "personal-dataset-has-listed-columns": lambda o: o.book.contract("scores", ["support"], days=2),
    "vendor-is-on-the-map": _supplier(datasets=["lake/secret"]),
    "release-has-no-identifiers": _put("deidentified_release", "r1", identifiers_found=["phone"]),
    "release-rests-on-its-method": _put("deidentified_release", "r1", no_actual_knowledge=False),
    "release-is-bound-by-agreement": _put("deidentified_release", "r1", agreement_terms=["report"]),
    "aggregate-keeps-its-budget": _put("privacy_budget", "p1", epsilon_spent=3.0),
    "key-release-is-attested": _put("key_release", "k1", attested=False),
    "deleted-rows-are-purged": _put("lake_table", "lake/tickets", unpurged_deletes=3, oldest_unpurged=ago(60)),
    "model-followed-erasure": _lapsed,
    # Governance
    "role-has-holder-and-deputy": _put("role_assignment", "dpo", deputy=None),
    "policy-is-approved-and-current": _put("policy_document", "security", next_review=ago(3)),
    "risk-is-assessed": _put("risk", "loss", likelihood=None),
    "risk-is-treated-or-accepted": _put("risk", "loss", status="open"),
    "asset-has-scope-flags": _put("asset", "lab", cardholder_data=None),
    "corrective-ticket-is-in-time": _put("ticket", "GAP-1", closed=None),
    "audit-findings-are-not-overdue": _put("assurance_engagement", "a1", findings_overdue=1),
    "engagement-is-in-date": _put("assurance_engagement", "a1", next_due=ago(3)),
    "cybersecurity-audit-went-through-components": _put("assurance_engagement", "a1", components=["mfa"]),
    "change-has-second-person": _put("change", "org/app#1", approved_head=["ann"]),
    "key-users-do-not-administer": _put("iam_role", "arn:aws:iam::123456789012:role/trainer", admin=True),
    "training-is-completed-in-time": _put("training_record", "t1", completed=None),
    "joiner-was-screened-and-bound": _put("personnel_event", "e1", screened=None),
    "leaver-returned-assets": _put("personnel_event", "e2", assets_returned=None),
    "dataset-is-a-product": _put("data_product", "lake/scores", service_level=None),
    "repository-gate-is-closed": _put("repository", "org/app", admins_exempt=True),
    "infrastructure-provider-has-current-report": _put("vendor", "host", certificates=[]),
    # Requests of people
    "request-answered-in-time": _asked("access", answered=ago(10)),
    "request-confirmed-in-time": _asked("know", acknowledged=ago(30)),
    "access-answer-complete": _asked("access", answer=["purposes"]),
    "refusal-names-exception-and-remedy": _asked("refused", remedies_told=False),
    "requester-was-identified": _asked("access", verified=None),
    "request-was-free-and-open": _asked("access", fee_charged=True),
    "copy-is-machine-readable": _asked("portability", format="paper"),
    "request-record-kept": _asked("know", kept_until=ago(-10)),
    "correction-reaches-copies": _asked("rectification", applied=None),
    "correction-told-to-recipients": _asked("rectification", recipients_told=[]),
    "erasure-told-to-recipients": _asked("erasure", recipients_told=[]),
    "intervention-has-reviewer": _asked("human-review", reviewer=None),
    "choice-takes-effect-in-time": _asked("opt-out", applied=None),
    "admt-refusal-takes-effect": _asked("admt-opt-out", applied=None),
    # Vendors, transfers, disclosures
    "vendor-is-known-to-the-record": _supplier(owner=None),
    "subprocessors-are-authorised-and-bound": _supplier(subprocessors_bound=[]),
    "vendor-was-approved-before-use": _supplier(approved=ago(100)),
    "vendor-was-assessed-within-a-year": _supplier(last_assessed=ago(500)),
    "critical-vendor-has-current-report": _supplier(certificates=[]),
    "processor-agreement-has-its-terms": _supplier(audit_right=False),
    "associate-agreement-has-its-terms": _supplier(baa_signed=None),
    "california-agreement-has-its-terms": _supplier(contracts=["dpa", "baa", "safeguards", "ai-supply"]),
    "safeguards-are-agreed": _supplier(responsibilities_agreed=ago(500)),
    "ended-vendor-returned-data": _put("vendor", "former", data_returned=None),
    "critical-vendor-is-watched": _supplier(monitored=ago(30)),
    "adverse-change-was-reviewed": _supplier(adverse_change_reviewed=None),
    "vendor-gets-contracted-data": _supplier(datasets=["lake/secret"]),
    "vendor-gets-masked-identifiers": _supplier(masked_before_sending=False),
    "critical-vendor-uses-customer-keys": _supplier(customer_keys=False),
    "vendor-abroad-has-transfer": _put("transfer", "x1", assessment_finds="insufficient"),
    "transfer-was-assessed": _put("transfer", "x1", impact_assessed=ago(500)),
    "derogation-states-its-ground": _put("transfer", "x2", ground=None),
    "united-kingdom-transfer-has-its-own-instrument": _put("transfer", "x3", mechanism="clauses"),
    "sensitive-data-read-under-condition": _each_row(special_category_basis=None),
    "criminal-data-has-authority": _row(criminal_authority=None),
    "childrens-data-has-parental-check": _row(parental_check=None),
    "disclosure-is-accounted-for": _put("disclosure", "s1", content=None),
    "disclosure-goes-to-known-recipient": _put("disclosure", "s1", recipient="stranger"),
    "countable-disclosure-is-kept": _put("disclosure", "s1", kept_until=ago(-10)),
    "disclosure-was-authorised": _put("disclosure", "s1", authorisation="none"),
    "disclosure-is-minimum": _put("disclosure", "s1", minimum_checked=False),
    "authorisation-is-complete": _put("authorisation", "p1", elements=["purpose"]),
    "authorisation-is-kept": _put("authorisation", "p1", kept_until=ago(-10)),
    "health-data-read-for-permitted-purpose": lambda o: o.book.run("r9", reads=["scratch"], tags={"purpose": "support"}),
    "channel-offers-choices": _put("preference_channel", "web", honours_signals=False),
    "channel-protects-minors": _put("preference_channel", "web", choices=["opt-out", "limit"]),
    "signals-are-in-force": _put("preference_channel", "web", honoured=10),
    "channel-was-tested": _put("preference_channel", "web", tested_at=ago(300)),
    "refusal-is-respected": _put("preference_channel", "web", wait_days=30),
}  # fmt: skip
"""One fault for each check of the privacy half."""
