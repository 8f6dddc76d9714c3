"""The fact that KMS shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

KEY = FactSchema(
    "kms_key",
    "A KMS key. The resource is its ARN.",
    (
        Field("key_id", "string", "Key id"),
        Field("account", "string", "Account id"),
        Field("region", "string", "AWS region"),
        Field("aliases", "strings", "Its aliases, sorted"),
        Field("manager", "string", "Who manages it: AWS or CUSTOMER"),
        Field("state", "string", "Key state, such as Enabled or PendingDeletion"),
        Field("usage", "string", "Key usage, such as ENCRYPT_DECRYPT"),
        Field("spec", "string", "Key spec, such as SYMMETRIC_DEFAULT"),
        Field("origin", "string", "Where its material is from, such as AWS_KMS or EXTERNAL"),
        Field("created", "time", "When the key was created"),
        Field("deletion_date", "time", "When it will be deleted; absent if it will not", optional=True),
        Field("rotation_supported", "bool", "Whether automatic rotation applies to such a key"),
        Field(
            "rotation_enabled",
            "bool",
            "Whether it rotates; absent where rotation does not apply",
            optional=True,
        ),
        Field(
            "rotation_period_days",
            "int",
            "Days between rotations; absent where none are stated",
            optional=True,
        ),
        Field(
            "policy_allows_anyone", "bool", "Whether its policy allows something to principal *, unbounded"
        ),
        Field(
            "policy_principals",
            "strings",
            "Whom its policy allows something, as the policy names them, sorted",
        ),
        Field("data_class", "string", "Its tag data-class", optional=True),
        Field("owner", "string", "Its tag owner", optional=True),
    ),
)
