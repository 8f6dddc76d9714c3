"""The fact that Secrets Manager shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

SECRET = FactSchema(
    "secret",
    "A secret of AWS Secrets Manager, without its value. The resource is its ARN.",
    (
        Field("name", "string", "Name of the secret"),
        Field("account", "string", "Account id"),
        Field("region", "string", "AWS region"),
        Field("created", "time", "When it was created"),
        Field("rotation_enabled", "bool", "Whether automatic rotation is on"),
        Field("rotation_days", "int", "Days between rotations, where the rule states days", optional=True),
        Field("last_rotated", "time", "Last rotation that succeeded; absent if there was none", optional=True),
        Field("next_rotation", "time", "When the next rotation is due, where one is", optional=True),
        Field("last_changed", "time", "Last change of the secret or its description", optional=True),
        Field("last_accessed", "time", "Day of its last use; absent if there was none", optional=True),
        Field("kms_key_id", "string", "KMS key that encrypts it; absent for AWS's own", optional=True),
        Field("deleted_at", "time", "When its deletion was asked for; absent if it was not", optional=True),
        Field("replica_regions", "strings", "Regions to which it is copied, sorted"),
        Field("policy_allows_anyone", "bool", "Whether its policy allows principal * something, unbounded"),
        Field("policy_principals", "strings", "Whom its policy allows something, sorted"),
        Field("data_class", "string", "Its tag data-class", optional=True),
        Field("owner", "string", "Its tag owner", optional=True),
    ),
)  # fmt: skip
