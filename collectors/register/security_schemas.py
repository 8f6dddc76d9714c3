"""The registers that people and tools keep of how the estate is run: one table each, a row per entry.

The resource of a fact is the row's ``id``. An empty cell of an optional field is known to be absent.
"""

from __future__ import annotations

from compliance.facts import FactSchema, Field

CONTROL_ACTIVITY = FactSchema(
    "control_activity",
    "One performance of a recurring control activity on a system: a review, a test, a scan, a check.",
    (
        Field("activity", "string", "What was done, such as access-review, restore-test or penetration-test"),
        Field("system", "string", "Id of the asset"),
        Field("performed_at", "time", "When it was completed"),
        Field("performed_by", "string", "Who did it"),
        Field("approved_by", "string", "Who looked over the result; absent if nobody did", optional=True),
        Field("outcome", "string", "passed or failed"),
        Field("items", "int", "How many things it covered"),
        Field("open_items", "int", "How many of them are still to be put right"),
        Field("reference", "string", "Where the record of it lies", optional=True),
    ),
)

MEASUREMENT = FactSchema(
    "measurement",
    "One figure that monitoring took of a system.",
    (
        Field("measure", "string", "What was measured, such as clock-offset-ms or reads-enforced-share"),
        Field("system", "string", "Id of the asset"),
        Field("value", "double", "The figure; shares lie between 0 and 1"),
        Field("measured_at", "time", "When it was taken"),
    ),
)

APPLICATION_POLICY = FactSchema(
    "application_policy",
    "The sign-in and session settings of one application, as the identity provider exports them.",
    (
        Field("application", "string", "Name of the application"),
        Field("system", "string", "Id of the asset that it belongs to"),
        Field("federated", "bool", "Whether people sign in only through the identity provider"),
        Field("factors", "string", "Second factor demanded: none, any or phishing-resistant"),
        Field("privileged", "bool", "Whether it is a way to administer systems"),
        Field(
            "idle_minutes",
            "int",
            "Minutes until an idle session ends; absent if it never does",
            optional=True,
        ),
        Field(
            "session_minutes", "int", "Minutes until any session ends; absent if it never does", optional=True
        ),
        Field(
            "lockout_attempts",
            "int",
            "Failed attempts until the lock; absent if there is none",
            optional=True,
        ),
        Field(
            "lockout_minutes", "int", "Minutes that the lock lasts; absent if there is none", optional=True
        ),
        Field(
            "first_password_changes", "bool", "Whether a first password is unique and must be changed at once"
        ),
        Field(
            "reset_verifies", "bool", "Whether a person is verified before a credential is changed or reset"
        ),
        Field("shared_accounts", "int", "Accounts that several people use"),
        Field("default_accounts", "int", "Vendor-supplied accounts that can still sign in"),
    ),
)

ELEVATION = FactSchema(
    "elevation",
    "One temporary grant of privileged or emergency access, as the access broker exports it.",
    (
        Field("principal", "string", "Who got the access"),
        Field("system", "string", "Id of the asset"),
        Field("emergency", "bool", "Whether it was taken by the emergency path"),
        Field("approved_by", "string", "Who approved it; absent if nobody did", optional=True),
        Field("ticket", "string", "The request that explains it", optional=True),
        Field("granted_at", "time", "When it began"),
        Field("expires_at", "time", "When it ends by itself; absent if it does not", optional=True),
        Field("reviewed_at", "time", "When its use was looked over; absent if it was not yet", optional=True),
    ),
)

ENDPOINT = FactSchema(
    "endpoint",
    "A network endpoint of a system, as the scan of endpoints found it.",
    (
        Field("host", "string", "Host name and port"),
        Field("system", "string", "Id of the asset"),
        Field("public", "bool", "Whether it answers from the internet"),
        Field("plaintext", "bool", "Whether it accepts connections without encryption"),
        Field("tls_minimum", "string", "Oldest TLS version it accepts, such as 1.2", optional=True),
        Field("weak_suites", "int", "Cipher suites it accepts that are not on the approved list"),
        Field("certificate_expires", "time", "When its certificate ends", optional=True),
        Field("mutual", "bool", "Whether it demands a client certificate"),
        Field("authenticated", "bool", "Whether every request must be authenticated"),
        Field("web_firewall", "bool", "Whether a web application firewall blocks in front of it"),
        Field("quota", "bool", "Whether each client is limited in rate"),
        Field("enforced_by", "string", "Policy enforcement point in its path; absent if none", optional=True),
    ),
)

CRYPTO_ASSET = FactSchema(
    "crypto_asset",
    "An entry of the cryptographic inventory: a certificate, key, protocol or module in use.",
    (
        Field("kind", "string", "certificate, key, protocol or module"),
        Field("system", "string", "Id of the asset that uses it"),
        Field("algorithm", "string", "Algorithm and strength"),
        Field("approved", "bool", "Whether the cryptography policy allows it"),
        Field("validation_required", "bool", "Whether a validated module is demanded there"),
        Field(
            "validated_until", "time", "End of the module's validation; absent if it has none", optional=True
        ),
        Field("expires", "time", "End of its cryptoperiod or validity", optional=True),
        Field("owner", "string", "The role that answers for it", optional=True),
        Field("reviewed_at", "time", "When the entry was last confirmed"),
    ),
)

LOG_SOURCE = FactSchema(
    "log_source",
    "A stream of audit logs of one system, as the central log platform reports it.",
    (
        Field("system", "string", "Id of the asset"),
        Field("event_types", "strings", "Kinds of event that arrived in the last day"),
        Field(
            "fields", "strings", "Fields that every event carried: who, what, when, where, outcome, target"
        ),
        Field("last_event_at", "time", "When the last event arrived; absent if none ever did", optional=True),
        Field("delay_seconds", "int", "99th percentile between event and arrival"),
        Field("clock_offset_ms", "int", "Largest clock difference of its hosts"),
        Field("time_source", "string", "Where its hosts take their time from", optional=True),
        Field("retention_days", "int", "How long events are kept"),
        Field("hot_days", "int", "How long they can be searched at once"),
        Field("locked", "bool", "Whether nobody can change or delete them before that"),
        Field("readers", "int", "How many people may read them"),
        Field("detections", "int", "Detection rules that run on it"),
        Field("last_test_detected_at", "time", "When a planted anomaly was last detected", optional=True),
        Field("personal_in_clear", "bool", "Whether sampling found raw identifiers of people in it"),
    ),
)

TOKEN_DOMAIN = FactSchema(
    "token_domain",
    "One domain of the token vault or pseudonymisation service, with what its logs and scans counted.",
    (
        Field("kind", "string", "vault, format-preserving or keyed-hash"),
        Field("keyed", "bool", "Whether tokens or hashes need a secret key to make"),
        Field("key_shared", "bool", "Whether its key serves another domain too"),
        Field("key_age_days", "int", "Days since its key was made"),
        Field("key_in_hardware", "bool", "Whether its key lies in a hardware module"),
        Field("reversals", "int", "Tokens turned back in the last 30 days"),
        Field("reversals_without_purpose", "int", "Of these, without stated purpose or ticket"),
        Field("clear_values", "int", "Clear values found by scans where only tokens belong"),
        Field("scanned_at", "time", "When those scans ended"),
    ),
)

SYNTHETIC_DATASET = FactSchema(
    "synthetic_dataset",
    "A synthetic dataset with its evaluation.",
    (
        Field("dataset", "string", "NAMESPACE/NAME"),
        Field(
            "admitted_at", "time", "When it was first allowed to be used; absent if it is not", optional=True
        ),
        Field("evaluated_at", "time", "When it was evaluated; absent if it was not", optional=True),
        Field("fidelity", "double", "Fidelity score", optional=True),
        Field("fidelity_floor", "double", "Least score that is accepted"),
        Field("attack_advantage", "double", "Advantage of a membership-inference attack", optional=True),
        Field("attack_ceiling", "double", "Most that is accepted"),
    ),
)

INCIDENT = FactSchema(
    "incident",
    "An incident of the incident register. The resource is its id.",
    (
        Field("kind", "string", "security, breach, availability, spill or ai"),
        Field("severity", "string", "low, medium, high or critical; absent until it is rated", optional=True),
        Field("owner", "string", "Who leads the response", optional=True),
        Field("systems", "strings", "Ids of the assets concerned"),
        Field("detected", "time", "When it was noticed"),
        Field("triaged", "time", "When it was judged", optional=True),
        Field("contained", "time", "When it stopped spreading", optional=True),
        Field("recovered", "time", "When service was confirmed sound again", optional=True),
        Field("closed", "time", "When it was closed", optional=True),
        Field("root_cause", "string", "What caused it", optional=True),
        Field("lessons", "string", "What was learned and changed", optional=True),
        Field("evidence_sha256", "strings", "Digests of the evidence that was preserved"),
        Field(
            "personal_data",
            "bool",
            "Whether personal data are concerned; absent until assessed",
            optional=True,
        ),
        Field("people", "int", "How many people are concerned; absent until known", optional=True),
        Field("high_risk", "bool", "Whether a high risk to people was found", optional=True),
        Field("assessed", "time", "When it was judged a reportable breach or not", optional=True),
        Field(
            "reasons_recorded", "bool", "Whether facts, effects, measures and the decision are written down"
        ),
        Field(
            "regimes", "strings", "Regimes that demand a notice: gdpr, hipaa, glba, eu-ai-act, card, contract"
        ),
        Field("aware", "time", "When the clock of the notices began", optional=True),
        Field("authority_notified", "time", "When the authority was told", optional=True),
        Field("people_notified", "time", "When the people were told", optional=True),
        Field(
            "customer_notified",
            "time",
            "When controllers, covered entities, card brands were told",
            optional=True,
        ),
        Field("death", "bool", "Whether a person may have died of it"),
        Field("widespread", "bool", "Whether it is widespread or hits critical infrastructure"),
    ),
)

BACKUP = FactSchema(
    "backup",
    "The back-up of one system, as the back-up tool reports it. The resource is its id.",
    (
        Field("system", "string", "Id of the asset"),
        Field("last_success", "time", "End of the last good one; absent if there is none", optional=True),
        Field("interval_hours", "int", "Hours between two by plan"),
        Field("encrypted", "bool", "Whether copies are encrypted"),
        Field("immutable", "bool", "Whether copies cannot be changed or deleted before their time"),
        Field("offsite", "bool", "Whether a copy lies in another permitted region or site"),
        Field("jobs", "int", "Jobs in the last 30 days"),
        Field("failures", "int", "Of these, failed"),
        Field("restored", "time", "When restoring was last tried", optional=True),
        Field("restore_passed", "bool", "Whether that gave back whole and readable data", optional=True),
        Field(
            "erasures_reapplied",
            "bool",
            "Whether the deletion log was applied again afterwards",
            optional=True,
        ),
    ),
)

PERSONNEL_EVENT = FactSchema(
    "personnel_event",
    "Somebody joins, moves or leaves, as the system of record for staff says. The resource is its id.",
    (
        Field("person", "string", "Id of the person: externalId or userName in the directory"),
        Field("kind", "string", "joined, moved or left"),
        Field("effective", "time", "When it took effect"),
        Field("access_approved_by", "string", "Who approved the access that goes with it", optional=True),
        Field("screened", "time", "When the person was screened", optional=True),
        Field("confidentiality_signed", "time", "When confidentiality was agreed", optional=True),
        Field("assets_returned", "time", "When assets came back", optional=True),
    ),
)

SECURITY_REGISTERS: tuple[FactSchema, ...] = (
    APPLICATION_POLICY, BACKUP, CONTROL_ACTIVITY, CRYPTO_ASSET, ELEVATION, ENDPOINT, INCIDENT, LOG_SOURCE,
    MEASUREMENT, PERSONNEL_EVENT, SYNTHETIC_DATASET, TOKEN_DOMAIN,
)  # fmt: skip
"""One table each, named as its fact is."""
