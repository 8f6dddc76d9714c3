"""What a sound organisation shows of its security, and one fault for each check of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from compliance.derived.posture_topics import TOPICS
from tests.derived_parts import ANN, ago

if TYPE_CHECKING:
    from tests.shipped import Organisation

ACCOUNT = "123456789012"
KEY = f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/k1"
RAW, CURATED = "arn:aws:s3:::raw", "arn:aws:s3:::curated"
PORTAL, LAB = "portal", "lab"
LISTED = (
    "access_review", "ai_system", "application_policy", "asset", "backup", "change", "cloudtrail_trail", "control_activity",
    "crypto_asset", "directory_group", "directory_user", "elevation", "endpoint", "exercise", "feature_view", "image",
    "incident", "lake_table", "log_source", "measurement", "personnel_event", "repository", "s3_bucket", "scan_finding",
    "scan_run", "secret", "synthetic_dataset", "ticket", "token_domain",
)  # fmt: skip
EVENTS = ["access", "account-change", "admin", "authentication", "failure", "log-change", "object-change"]
DONE = (
    "answer-sample", "baseline-check", "capacity-test", "copy-scan", "criticality-review", "data-verification",
    "egress-review", "external-scan", "input-validation-test", "integrity-check", "log-review", "malware-scan",
    "network-rule-review", "replay-test", "response-sample", "run-repetition", "segmentation-test", "support-review",
    "threat-model", "utility-review", "vulnerability-scan",
)  # fmt: skip
EXERCISED = ("failover", "incident-tabletop", "penetration-test", "red-team")
FIGURES: Mapping[str, tuple[float, float]] = {
    "alert-triage-hours": (2.0, 9.0), "attribute-decisions-share": (1.0, 0.9), "availability": (0.999, 0.9),
    "budgeted-cost-share": (0.99, 0.5), "capacity-headroom": (0.4, 0.01), "completions-guarded-share": (1.0, 0.9),
    "duplicate-effects-share": (0.0, 0.1), "durable-runs-share": (1.0, 0.5), "embeddings-redacted-share": (1.0, 0.5),
    "endpoint-protection-share": (1.0, 0.5), "entitled-chunks-share": (1.0, 0.9), "error-budget-left": (0.5, 0.0),
    "index-identifiers-found": (0.0, 3.0), "injections-caught-share": (0.99, 0.5), "lost-events": (0.0, 3.0),
    "marked-outputs-share": (1.0, 0.5), "masked-fields-share": (1.0, 0.5), "outbound-unlisted-flows": (0.0, 3.0),
    "patched-in-time-share": (0.99, 0.5), "probe-success-share": (1.0, 0.5), "prompts-logged-share": (1.0, 0.5),
    "prompts-templated-share": (1.0, 0.5), "reads-enforced-share": (1.0, 0.5), "scratch-older-than-a-day": (0.0, 3.0),
    "short-tokens-share": (1.0, 0.5), "workload-identity-share": (1.0, 0.5),
}  # fmt: skip
"""Each measure with a value that is sound and one that is not."""


def _asset(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": name, "name": name, "kind": "system", "owner": "platform", "data_class": "personal", "personal_data": True,
        "cardholder_data": True, "health_data": True, "environment": "production", "criticality": "critical",
        "location": "eu-central-1", "supported_until": None, "reviewed": ago(30), "disposed": None, "disposal_method": None,
    } | more  # fmt: skip


def _bucket(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name, "account": ACCOUNT, "region": "eu-central-1", "created": ago(900), "encryption": "aws:kms",
        "kms_key_id": KEY, "versioning": "Enabled", "mfa_delete": False, "object_lock": True,
        "object_lock_mode": "COMPLIANCE", "object_lock_days": 365, "public_access_blocked": True, "policy_public": False,
        "policy_allows_anyone": False, "policy_principals": [], "tls_only": True, "logging_target": None,
        "replication_destinations": [], "replication_regions": [], "lifecycle_expiry_days": 400,
        "lifecycle_abort_days": None, "data_class": "card", "environment": "production", "zone": "raw", "owner": "lake",
    } | more  # fmt: skip


def _finding(rule: str, **more: Any) -> dict[str, Any]:
    return {
        "tool": "Prowler", "rule": rule, "title": rule, "severity": "high", "status": "pass", "category": "configuration",
        "cve": None, "fix_available": None, "last_seen": ago(1), "first_seen": ago(1), "resolved_at": None, "target": rule,
        "target_type": None, "account": ACCOUNT, "region": "eu-central-1", "line": None, "requirements": [],
    } | more  # fmt: skip


def _done(activity: str, system: str) -> dict[str, Any]:
    return {
        "activity": activity, "system": system, "performed_at": ago(1), "performed_by": "ann", "approved_by": "bob",
        "outcome": "passed", "items": 10, "open_items": 0, "reference": None,
    }  # fmt: skip


def _exercise(kind: str) -> dict[str, Any]:
    return {
        "id": kind, "kind": kind, "performed": ago(30), "passed": True, "scope": None, "systems": [PORTAL, LAB],
        "independent": True, "rto_minutes": 10, "rto_target_minutes": 60, "rpo_minutes": 1, "rpo_target_minutes": 5,
        "findings": 1, "findings_open": 0, "next_due": None, "evidence": None, "owner": None,
    }  # fmt: skip


def _review(system: str) -> dict[str, Any]:
    return {
        "id": system, "system": system, "kind": "users", "period_end": ago(35), "due": None, "completed": ago(30),
        "reviewer": "ann", "approved_by": "bob", "accounts": 10, "revoked": 1, "revoked_open": 0, "next_due": None,
    }  # fmt: skip


ANCHORS = sorted({anchor for topic in TOPICS.values() for anchor in topic.anchors})
RESOURCES: Mapping[tuple[str, str], dict[str, Any]] = {
    ("asset", PORTAL): _asset(PORTAL),
    ("asset", LAB): _asset(LAB, environment="staging", criticality="low"),
    ("s3_bucket", RAW): _bucket("raw"),
    ("s3_bucket", CURATED): _bucket("curated", kms_key_id=None, encryption="AES256", zone="curated", data_class="public"),
    **{("scan_finding", rule): _finding(rule) for rule in ANCHORS},
    ("scan_finding", "image"): _finding("layer", target="app@sha256:aa", category="vulnerability", account=None),
    **{("control_activity", f"{a}/{s}"): _done(a, s) for a in DONE for s in (PORTAL, LAB)},
    **{("exercise", kind): _exercise(kind) for kind in EXERCISED},
    **{("access_review", system): _review(system) for system in (PORTAL, LAB)},
    **{
        ("measurement", f"{m}/{s}"): {"measure": m, "system": s, "value": good, "measured_at": ago(1)}
        for m, (good, _) in FIGURES.items() for s in (PORTAL, LAB)
    },
    ("ai_system", PORTAL): {
        "id": PORTAL, "name": PORTAL, "role": "provider", "risk_class": "limited", "purpose": "support", "models": ["scorer"],
        "status": "in-service", "in_service_since": ago(100), "prohibited_practices_reviewed": ago(30),
        "classification_reason": "not in Annex III", "technical_documentation": ago(100),
        "documentation_kept_until": ago(-3700), "conformity_assessed": ago(100), "declaration_signed": ago(100),
        "registered": ago(100), "quality_management": True, "risk_management_reviewed": ago(30),
        "human_oversight": "support lead", "oversight_tested": ago(30), "instructions_published": ago(100),
        "transparency_notice": True, "content_marked": True, "log_retention_days": 400, "post_market_plan": ago(100),
        "post_market_reviewed": ago(30), "workers_informed": ago(100), "impact_assessment": "d1", "owner": "support",
    },
    ("application_policy", "console"): {
        "application": "console", "system": PORTAL, "federated": True, "factors": "phishing-resistant", "privileged": True,
        "idle_minutes": 15, "session_minutes": 480, "lockout_attempts": 5, "lockout_minutes": 30, "shared_accounts": 0, "first_password_changes": True, "reset_verifies": True,
        "default_accounts": 0,
    },
    ("directory_user", "u1"): {
        "user_name": "ann", "active": True, "external_id": "p1", "user_type": "Employee", "department": None,
        "manager": None, "created": ago(400), "last_modified": ago(90), "mfa": True, "phishing_resistant": True,
        "last_sign_in": ago(2), "groups": [], "roles": ["Administrator"], "entitlements": [],
    },
    ("directory_user", "u2"): {
        "user_name": "cam", "active": False, "external_id": "p2", "user_type": "Employee", "department": None,
        "manager": None, "created": ago(400), "last_modified": ago(30), "mfa": True, "phishing_resistant": True,
        "last_sign_in": ago(40), "groups": [], "roles": [], "entitlements": [],
    },
    ("directory_group", "g1"): {
        "name": "readers", "external_id": None, "members": 0, "member_ids": [], "created": None, "last_modified": None,
    },
    ("personnel_event", "e1"): {
        "person": "p1", "kind": "joined", "effective": ago(400), "access_approved_by": "bob", "screened": ago(410),
        "confidentiality_signed": ago(400), "assets_returned": None,
    },
    ("personnel_event", "e2"): {
        "person": "p2", "kind": "left", "effective": ago(31), "access_approved_by": None, "screened": ago(410),
        "confidentiality_signed": ago(400), "assets_returned": ago(31),
    },
    ("elevation", "x1"): {
        "principal": "ann", "system": PORTAL, "emergency": False, "approved_by": "bob", "ticket": "OPS-1",
        "granted_at": ago(10), "expires_at": ago(9.8), "reviewed_at": ago(9),
    },
    ("endpoint", "h1"): {
        "host": "portal.example:443", "system": PORTAL, "public": True, "plaintext": False, "tls_minimum": "1.3",
        "weak_suites": 0, "certificate_expires": ago(-60), "mutual": False, "authenticated": True, "web_firewall": True,
        "quota": True, "enforced_by": "pep-eu",
    },
    ("crypto_asset", "c1"): {
        "kind": "module", "system": PORTAL, "algorithm": "AES-256-GCM", "approved": True, "validation_required": True,
        "validated_until": ago(-300), "expires": ago(-300), "owner": "platform", "reviewed_at": ago(30),
    },
    **{
        ("log_source", f"{system}-audit"): {
            "system": system, "event_types": EVENTS, "fields": ["outcome", "target", "what", "when", "where", "who"],
            "last_event_at": ago(0.1), "delay_seconds": 30, "clock_offset_ms": 10, "time_source": "time.example",
            "retention_days": 400, "hot_days": 90, "locked": True, "readers": 5, "detections": 12,
            "last_test_detected_at": ago(30), "personal_in_clear": False,
        }
        for system in (PORTAL, LAB)
    },
    ("backup", "b1"): {
        "system": PORTAL, "last_success": ago(0.5), "interval_hours": 24, "encrypted": True, "immutable": True,
        "offsite": True, "jobs": 300, "failures": 1, "restored": ago(30), "restore_passed": True,
        "erasures_reapplied": True,
    },
    ("incident", "i1"): {
        "kind": "breach", "severity": "high", "owner": "duty", "systems": [PORTAL], "detected": ago(200),
        "triaged": ago(199.9), "contained": ago(199), "recovered": ago(198), "closed": ago(150), "root_cause": "leaked key",
        "lessons": "broker only", "evidence_sha256": ["ab12"], "personal_data": True, "people": 900, "high_risk": True,
        "assessed": ago(199.5), "reasons_recorded": True, "regimes": ["gdpr", "hipaa", "glba", "eu-ai-act", "contract"],
        "aware": ago(199.8), "authority_notified": ago(199), "people_notified": ago(195), "customer_notified": ago(199),
        "death": False, "widespread": False,
    },
    ("token_domain", "cards"): {
        "kind": "keyed-hash", "keyed": True, "key_shared": False, "key_age_days": 100, "key_in_hardware": True,
        "reversals": 3, "reversals_without_purpose": 0, "clear_values": 0, "scanned_at": ago(2),
    },
    ("synthetic_dataset", "s1"): {
        "dataset": "lake/fake", "admitted_at": ago(10), "evaluated_at": ago(12), "fidelity": 0.9, "fidelity_floor": 0.8,
        "attack_advantage": 0.01, "attack_ceiling": 0.05,
    },
    ("feature_view", "shop/profile"): {
        "project": "shop", "name": "profile", "kind": "batch", "entities": ["customer"], "features": ["age"],
        "sources": ["tickets"], "online": True, "ttl_seconds": 86400, "created": ago(90), "updated": ago(9),
        "materialisations": 3, "materialised_to": ago(1), "owner": "ml", "purpose": "support", "data_class": "personal",
        "key_space": "customer",
    },
    ("lake_table", "lake/tickets"): {
        "namespace": "lake", "name": "tickets", "format": "delta", "dataset": "lake/tickets", "current_version": "5",
        "fields": ["email"], "append_only": False, "versions": 5, "readable_versions": 5, "oldest_snapshot_at": ago(20),
        "last_written": ago(1), "deletes": 0, "unpurged_deletes": 0, "oldest_unpurged": None, "last_vacuum_at": ago(5),
        "time_travel_days": 20,
    },
    ("cloudtrail_trail", "t1"): {
        "name": "t1", "account": ACCOUNT, "home_region": "eu-central-1", "multi_region": True, "organization": True,
        "global_events": True, "log_file_validation": True, "bucket": "trail", "kms_key_id": None,
        "cloudwatch_log_group": None, "logging": True, "latest_delivery_at": ago(0.1), "latest_delivery_error": None,
        "latest_digest_at": ago(0.1), "management_events": "all", "data_event_types": [], "data_event_resources": [],
        "insights": True,
    },
    ("secret", "db"): {
        "name": "db", "account": ACCOUNT, "region": "eu-central-1", "created": ago(400), "rotation_enabled": True,
        "rotation_days": 30, "last_rotated": ago(10), "next_rotation": ago(-20), "last_changed": ago(10),
        "last_accessed": ago(1), "kms_key_id": KEY, "deleted_at": None, "replica_regions": [],
        "policy_allows_anyone": False, "policy_principals": [], "data_class": None, "owner": "platform",
    },
    ("repository", "org/app"): {
        "name": "org/app", "platform": "github", "visibility": "private", "private": True, "archived": False,
        "created": ago(900), "default_branch": "main", "protected": True, "required_approvals": 1, "dismiss_stale": True,
        "code_owner_review": True, "author_may_approve": False, "required_checks": ["tests"], "checks_required": True,
        "admins_exempt": False, "force_push_allowed": False, "direct_push_allowed": False,
        "signed_commits_required": True, "secret_scanning": True,
    },
    ("change", "org/app#1"): {
        "repository": "org/app", "platform": "github", "number": 1, "author": "ann", "author_is_bot": False,
        "created": ago(6), "merged": ago(5), "merged_by": "bob", "title": "PAY-1", "target_branch": "main",
        "source_branch": "pay-1", "commit": "aa", "merge_commit": "bb", "approvers": ["bob"], "approved_head": ["bob"],
        "approved_at": ago(5), "checks_passed": ["tests"], "checks_failed": [], "checks_pending": [], "tickets": ["PAY-1"],
        "labels": [],
    },
    ("ticket", "PAY-1"): {
        "id": "PAY-1", "kind": "change", "status": "done", "priority": None, "opened": ago(8), "due": None, "closed": ago(4),
        "requested_by": "ann", "approved_by": "bob", "approved": ago(6), "implemented_by": "ann", "tested": True,
        "rollback_plan": True, "emergency": False, "system": PORTAL, "change": None,
    },
    ("scan_run", "r1"): {
        "file": "r1.sarif", "tool": "CodeQL", "tool_version": "2", "finished": ago(2), "successful": True, "findings": 1,
        "failed": 0, "worst": None, "repository": "org/app", "revision": "aa",
    },
    ("image", "app@sha256:aa"): {
        "repository": "app", "digest": "sha256:aa", "tags": ["v1"], "media_type": "m", "created": None, "revision": None,
        "base": None, "source": None, "signed": True, "signatures": 1, "sbom": True, "provenance": True, "attached": [],
    },
}  # fmt: skip
Fault = Callable[["Organisation"], object]


def _scan(topic: str) -> Fault:
    anchor = min(TOPICS[topic].anchors)
    return lambda o: o.set("scan_finding", anchor, status="fail")


def _late(activity: str, system: str = PORTAL) -> Fault:
    return lambda o: o.set("control_activity", f"{activity}/{system}", performed_at=ago(500))


def _bad(measure: str) -> Fault:
    return lambda o: o.set("measurement", f"{measure}/{PORTAL}", value=FIGURES[measure][1])


def _put(type_: str, resource: str, **changes: Any) -> Fault:
    return lambda o: o.set(type_, resource, **changes)


def _found(category: str) -> Fault:
    return _put(
        "scan_finding", "image", status="open", category=category, severity="critical", first_seen=ago(90)
    )


def _both(*faults: Fault) -> Fault:
    def act(organisation: Organisation) -> None:
        for fault in faults:
            fault(organisation)

    return act


_LEAVER = _put("directory_user", "u2", active=True)
FAULTS: Mapping[str, Fault] = {
    "applications-are-federated": _put("application_policy", "console", federated=False),
    "iam-user-without-password": _put("iam_user", f"arn:aws:iam::{ACCOUNT}:user/ann", console_access=True),
    "application-demands-second-factor": _put("application_policy", "console", factors="any"),
    "person-has-second-factor": _put("directory_user", "u1", phishing_resistant=False),
    "leaver-has-no-active-account": _LEAVER,
    "account-belongs-to-somebody": _put("directory_user", "u1", external_id="p9"),
    "access-of-joiners-approved": _put("personnel_event", "e1", access_approved_by=None),
    "directory-account-not-dormant": _put("directory_user", "u1", last_sign_in=ago(120)),
    "application-session-limits": _put("application_policy", "console", idle_minutes=None),
    "application-locks-out": _put("application_policy", "console", lockout_attempts=None),
    "application-guards-credentials": _put("application_policy", "console", reset_verifies=False),
    "application-has-no-shared-account": _put("application_policy", "console", shared_accounts=2),
    "person-has-one-account": _both(
        _put("directory_user", "u1", roles=[]),
        _put("directory_user", "u9", external_id="p1", user_name="x"),
    ),
    "iam-password-mixture": _scan("password-policy"),
    "iam-machine-user-has-no-key": _put(
        "iam_user", f"arn:aws:iam::{ACCOUNT}:user/ann",
        access_keys=[{"active": True, "created": ago(3), "last_used": ago(1)}],
    ),
    "runs-have-workload-identity": _bad("workload-identity-share"),
    "service-role-has-owner": _put("iam_role", f"arn:aws:iam::{ACCOUNT}:role/trainer", owner=None),
    "iam-role-session-bounded": _put("iam_role", f"arn:aws:iam::{ACCOUNT}:role/trainer", max_session_seconds=90000),
    "issued-tokens-are-short": _bad("short-tokens-share"),
    "allowed-decision-states-purpose": lambda o: o.book.decision("d2", [ANN], principal="x"),
    "reads-decided-by-attributes": _bad("attribute-decisions-share"),
    "unregistered-use-is-refused": lambda o: o.book.decision("d2", [ANN], purpose="resale", principal="x"),
    "access-review-current": _put("access_review", PORTAL, completed=ago(200)),
    "elevation-is-approved-and-ends": _put("elevation", "x1", approved_by="ann"),
    "elevation-is-reviewed": _put("elevation", "x1", reviewed_at=None),
    "privileged-account-is-a-persons": _put("directory_user", "u1", external_id="p9"),
    "secret-rotates": _put("secret", "db", last_rotated=ago(200)),
    "secret-is-closed-and-owned": _put("secret", "db", owner=None),
    "repository-scanned-for-secrets": _both(
        _put("repository", "org/app", secret_scanning=False),
        _put("scan_run", "r1", finished=ago(60)),
    ),
    "leaked-secret-revoked": _found("secret"),
    "image-holds-no-secret": _found("secret"),
    "estate-shows-no-secret": _scan("exposed-secrets"),
    "network-ingress-closed": _scan("network-ingress"),
    "data-services-not-public": _scan("network-exposure"),
    "subnets-are-apart": _scan("network-segmentation"),
    "filter-rules-reviewed": _late("network-rule-review"),
    "networks-have-egress-gate": _scan("network-egress"),
    "no-unlisted-flow-left": _bad("outbound-unlisted-flows"),
    "egress-list-reviewed": _late("egress-review"),
    "compute-is-isolated": _scan("compute-isolation"),
    "utilities-reviewed": _late("utility-review"),
    "scratch-is-encrypted": _scan("scratch-storage"),
    "scratch-is-wiped": _bad("scratch-older-than-a-day"),
    "runs-are-recorded": _bad("durable-runs-share"),
    "runs-can-be-repeated": _late("run-repetition"),
    "effects-applied-once": _bad("duplicate-effects-share"),
    "no-event-lost": _bad("lost-events"),
    "replay-gives-same-state": _late("replay-test"),
    "bucket-states-its-zone": _put("s3_bucket", CURATED, owner=None),
    "bucket-is-closed": _put("s3_bucket", CURATED, public_access_blocked=False),
    "key-serves-one-zone": _put("s3_bucket", CURATED, kms_key_id=KEY),
    "raw-bucket-is-locked": _put("s3_bucket", RAW, object_lock_mode="GOVERNANCE"),
    "stored-data-verified": _late("data-verification"),
    "system-states-its-environment": _put("asset", LAB, environment=None),
    "key-serves-one-environment": _put("s3_bucket", CURATED, kms_key_id=KEY, environment="staging"),
    "released-by-another": _put("change", "org/app#1", approved_head=["ann"]),
    "no-live-data-below-production": _put("control_activity", f"copy-scan/{LAB}", outcome="failed"),
    "contract-key-in-region": _put("kms_key", KEY, region="us-east-1"),
    "bucket-key-in-same-region": _put("s3_bucket", RAW, region="us-east-1"),
    "other-regions-refused": _scan("region-limits"),
    "table-keeps-versions": _put("lake_table", "lake/tickets", readable_versions=1),
    "training-data-resolve": _put("model_version", "ranker/1", name="ranker", version="1"),
    "feature-states-its-rules": _put("feature_view", "shop/profile", ttl_seconds=None),
    "endpoint-refuses-plaintext": _put("endpoint", "h1", plaintext=True),
    "endpoint-certificate-lasts": _put("endpoint", "h1", certificate_expires=ago(-2)),
    "nothing-sends-in-clear": _scan("transport-encryption"),
    "classified-bucket-has-own-key": _put("s3_bucket", RAW, kms_key_id=None),
    "everything-stored-is-encrypted": _scan("storage-encryption"),
    "crypto-asset-approved-and-current": _put("crypto_asset", "c1", approved=False),
    "crypto-module-validated": _put("crypto_asset", "c1", validated_until=ago(3)),
    "kms-key-spec-approved": _put("kms_key", KEY, spec="RSA_2048"),
    "endpoint-is-enforced": _put("endpoint", "h1", enforced_by=None),
    "reads-are-decided": _bad("reads-enforced-share"),
    "responses-hold-permitted-fields": _late("response-sample"),
    "fields-are-masked": _bad("masked-fields-share"),
    "public-endpoint-is-shielded": _put("endpoint", "h1", quota=False),
    "web-protection-attached": _scan("web-protection"),
    "retrieved-chunks-entitled": _bad("entitled-chunks-share"),
    "model-service-access-is-narrow": _scan("llm-access"),
    "embeddings-are-redacted": _bad("embeddings-redacted-share"),
    "index-names-nobody": _bad("index-identifiers-found"),
    "prompts-from-templates": _bad("prompts-templated-share"),
    "injections-are-caught": _bad("injections-caught-share"),
    "guardrails-attached": _scan("llm-guardrails"),
    "input-validation-tested": _late("input-validation-test"),
    "completions-are-guarded": _bad("completions-guarded-share"),
    "answers-leak-nothing": _late("answer-sample"),
    "calls-are-logged": _bad("prompts-logged-share"),
    "logs-name-nobody": _put("log_source", f"{PORTAL}-audit", personal_in_clear=True),
    "system-discloses-and-marks": _put("ai_system", PORTAL, content_marked=False),
    "outputs-bear-the-mark": _bad("marked-outputs-share"),
    "token-domain-shows-no-clear-value": _put("token_domain", "cards", clear_values=3),
    "reversals-state-a-purpose": _put("token_domain", "cards", reversals_without_purpose=1),
    "card-zone-has-own-key": _put("s3_bucket", RAW, kms_key_id=None),
    "pseudonyms-are-keyed": _put("token_domain", "cards", keyed=False),
    "pseudonym-key-renewed": _put("token_domain", "cards", key_age_days=900),
    "synthetic-data-evaluated": _put("synthetic_dataset", "s1", attack_advantage=0.5),
    "account-has-trail": _put("cloudtrail_trail", "t1", logging=False),
    "system-sends-required-events": _put("log_source", f"{PORTAL}-audit", event_types=["access"]),
    "services-write-logs": _scan("audit-logging"),
    "logs-arrive-promptly": _put("log_source", f"{PORTAL}-audit", last_event_at=ago(3)),
    "clocks-are-in-step": _put("log_source", f"{PORTAL}-audit", time_source=None),
    "logs-locked-and-kept": _put("log_source", f"{PORTAL}-audit", retention_days=100),
    "trail-archive-protected": _scan("log-protection"),
    "detection-runs-and-works": _put("log_source", f"{PORTAL}-audit", last_test_detected_at=None),
    "threat-detection-on": _scan("threat-detection"),
    "logs-reviewed-daily": _late("log-review"),
    "alerts-judged-in-hours": _bad("alert-triage-hours"),
    "alarms-are-set": _scan("log-alarms"),
    "network-detection-on": _scan("network-detection"),
    "branch-is-protected": _put("repository", "org/app", admins_exempt=True),
    "change-approved-and-traceable": _put("change", "org/app#1", tickets=[]),
    "emergency-approved-afterwards": _put("change", "org/app#1", labels=["emergency"]),
    "repository-demands-checks": _put("repository", "org/app", required_checks=[]),
    "change-passed-its-checks": _put("change", "org/app#1", checks_passed=[]),
    "change-tested-with-way-back": _put("ticket", "PAY-1", tested=False),
    "account-follows-baseline": _scan("hardening"),
    "system-compared-with-baseline": _late("baseline-check"),
    "system-has-threat-model": _put("control_activity", f"threat-model/{PORTAL}", approved_by=None),
    "repository-analysed": _put("scan_run", "r1", worst="high"),
    "code-is-reviewed": _put("change", "org/app#1", approved_head=[]),
    "system-scanned-with-login": _late("vulnerability-scan"),
    "system-scanned-from-outside": _put("control_activity", f"external-scan/{PORTAL}", outcome="failed"),
    "serious-vulnerability-mended": _found("vulnerability"),
    "patches-in-time": _bad("patched-in-time-share"),
    "scanning-is-on": _scan("vulnerability-scanning"),
    "hosts-patched-and-supported": _scan("patching"),
    "support-reviewed": _late("support-review"),
    "workloads-run-agent": _bad("endpoint-protection-share"),
    "system-scanned-for-malware": _late("malware-scan"),
    "critical-files-compared": _late("integrity-check"),
    "image-holds-no-malware": _found("malware"),
    "malware-protection-on": _scan("malware-protection"),
    "system-tested-by-attack": _put("exercise", "penetration-test", independent=False),
    "segments-tested": _late("segmentation-test"),
    "red-team-acted": _put("exercise", "red-team", performed=ago(500)),
    "image-is-traceable": _put("image", "app@sha256:aa", signed=False),
    "image-is-scanned-and-sound": _found("vulnerability"),
    "commits-are-signed": _put("repository", "org/app", signed_commits_required=False),
    "system-took-part-in-exercise": _put("exercise", "incident-tabletop", systems=[]),
    "incident-has-owner": _put("incident", "i1", owner=None),
    "incident-judged-within-a-day": _put("incident", "i1", triaged=ago(190)),
    "serious-incident-contained": _put("incident", "i1", contained=None),
    "closed-incident-is-complete": _put("incident", "i1", evidence_sha256=[]),
    "breach-is-registered": _put("incident", "i1", reasons_recorded=False),
    "breach-assessed-within-a-day": _put("incident", "i1", assessed=ago(180)),
    "authority-told-in-72-hours": _put("incident", "i1", authority_notified=ago(190)),
    "people-told-in-60-days": _put("incident", "i1", people_notified=ago(100)),
    "large-health-breach-reported": _put("incident", "i1", authority_notified=ago(100)),
    "financial-authority-told-in-30-days": _put("incident", "i1", authority_notified=ago(160)),
    "customers-told-in-three-days": _put("incident", "i1", customer_notified=None),
    "serious-ai-incident-reported": _put("incident", "i1", authority_notified=ago(180)),
    "critical-system-failed-over": _put("exercise", "failover", passed=False),
    "criticality-reviewed": _late("criticality-review"),
    "services-are-redundant": _scan("redundancy"),
    "system-is-backed-up": _put("backup", "b1", immutable=False),
    "backup-jobs-succeed": _put("backup", "b1", failures=30),
    "restore-was-tried": _put("backup", "b1", erasures_reapplied=False),
    "accounts-have-backup-plans": _scan("backups"),
    "capacity-has-room": _bad("capacity-headroom"),
    "load-and-faults-withstood": _late("capacity-test"),
    "probes-succeed": _bad("probe-success-share"),
    "error-budget-left": _bad("error-budget-left"),
    "availability-kept": _bad("availability"),
    "monitoring-is-on": _scan("monitoring"),
    "spend-has-a-name": _bad("budgeted-cost-share"),
    "saving-keeps-protection": _put("s3_bucket", CURATED, encryption=None),
}  # fmt: skip
"""One fault for each check of the security half."""
