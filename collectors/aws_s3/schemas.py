"""The fact that S3 shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

BUCKET = FactSchema(
    "s3_bucket",
    "An S3 bucket. The resource is its ARN.",
    (
        Field("name", "string", "Bucket name"),
        Field("account", "string", "Account id"),
        Field("region", "string", "Region in which it lies"),
        Field("created", "time", "When the bucket was created"),
        Field("encryption", "string", "Default encryption: AES256, aws:kms or aws:kms:dsse", optional=True),
        Field("kms_key_id", "string", "KMS key of the default encryption, if one is named", optional=True),
        Field("versioning", "string", "Enabled, Suspended or Off"),
        Field("mfa_delete", "bool", "Whether deleting a version needs MFA"),
        Field("object_lock", "bool", "Whether Object Lock is on"),
        Field("object_lock_mode", "string", "Default retention: GOVERNANCE or COMPLIANCE", optional=True),
        Field("object_lock_days", "int", "Days of the default retention; a year counts 365", optional=True),
        Field("public_access_blocked", "bool", "Whether all four blocks of public access are on"),
        Field("policy_public", "bool", "Whether S3 itself calls its policy public"),
        Field("policy_allows_anyone", "bool", "Whether its policy allows principal * something, unbounded"),
        Field("policy_principals", "strings", "Whom its policy allows something, sorted"),
        Field("tls_only", "bool", "Whether its policy denies everyone every access without TLS"),
        Field("logging_target", "string", "Bucket that gets its access log; absent without one", optional=True),
        Field("replication_destinations", "strings", "Buckets (ARNs) to which enabled rules copy, sorted"),
        Field("replication_regions", "strings", "Regions in which those buckets lie, sorted"),
        Field("lifecycle_expiry_days", "int", "Fewest days after which an enabled rule deletes objects", optional=True),
        Field("lifecycle_abort_days", "int", "Fewest days after which unfinished uploads are aborted", optional=True),
        Field("data_class", "string", "Its tag data-class", optional=True),
        Field("environment", "string", "Its tag environment", optional=True),
        Field("zone", "string", "Its tag zone", optional=True),
        Field("owner", "string", "Its tag owner", optional=True),
    ),
)  # fmt: skip
