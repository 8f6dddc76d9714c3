"""The fact that CloudTrail shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

TRAIL = FactSchema(
    "cloudtrail_trail",
    "A CloudTrail trail, seen from its home region. The resource is its ARN.",
    (
        Field("name", "string", "Trail name"),
        Field("account", "string", "Account id"),
        Field("home_region", "string", "Region in which it was made"),
        Field("multi_region", "bool", "Whether it records every region"),
        Field("organization", "bool", "Whether it records every account of the organisation"),
        Field("global_events", "bool", "Whether it records global services such as IAM"),
        Field("log_file_validation", "bool", "Whether digest files make its log files tamper-evident"),
        Field("bucket", "string", "Bucket that gets the log files"),
        Field("kms_key_id", "string", "KMS key that encrypts them; absent without one", optional=True),
        Field("cloudwatch_log_group", "string", "CloudWatch log group (ARN); absent without one", optional=True),
        Field("logging", "bool", "Whether it records now"),
        Field("latest_delivery_at", "time", "Last delivery of log files; absent if there was none", optional=True),
        Field("latest_delivery_error", "string", "Error of the last delivery; absent without one", optional=True),
        Field("latest_digest_at", "time", "Last delivery of a digest file; absent if there was none", optional=True),
        Field("management_events", "string", "Management events that selectors record: all, read, write or none"),
        Field("data_event_types", "strings", "Resource types whose data events are recorded, sorted"),
        Field("data_event_resources", "strings", "ARN prefixes of those; TYPE:* stands for every one, sorted"),
        Field("insights", "bool", "Whether it looks for unusual activity (Insights)"),
    ),
)  # fmt: skip
