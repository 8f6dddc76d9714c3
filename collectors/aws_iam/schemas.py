"""The facts that IAM shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

ACCOUNT = FactSchema(
    "iam_account",
    "An AWS account as a whole: its root user and its password policy. The resource is the account id.",
    (
        Field("account", "string", "Account id, 12 digits"),
        Field("users", "int", "Number of IAM users by the account summary"),
        Field("root_mfa", "bool", "Whether the root user has an MFA device"),
        Field("root_access_keys", "int", "Number of access keys of the root user"),
        Field(
            "password_min_length", "int", "Shortest password allowed; absent without a policy", optional=True
        ),
        Field(
            "password_reuse_prevention", "int", "Former passwords that may not be used again", optional=True
        ),
        Field("password_max_age_days", "int", "Days after which a password must change", optional=True),
    ),
)
USER = FactSchema(
    "iam_user",
    "An IAM user. The resource is its ARN. Sign-in fields come from the credential report.",
    (
        Field("name", "string", "User name"),
        Field("account", "string", "Account id"),
        Field("created", "time", "When the user was created"),
        Field("console_access", "bool", "Whether the user has a password"),
        Field("mfa_active", "bool", "Whether the user has an MFA device"),
        Field("admin", "bool", "Whether a policy of the user or of its groups allows every action on everything"),
        Field("groups", "strings", "Names of its groups, sorted"),
        Field("policies", "strings", "ARNs of attached and names of inline policies of its own, sorted"),
        Field("password_last_used", "time", "Last sign-in by password; absent if none is known", optional=True),
        Field(
            "access_keys", "records", "Its access keys, without their ids",
            fields=(
                Field("active", "bool", "Whether the key can be used"),
                Field("created", "time", "When the key was created or last changed"),
                Field("last_used", "time", "Last use; absent if none is known", optional=True),
            ),
        ),
        Field("owner", "string", "Its tag owner", optional=True),
    ),
)  # fmt: skip
ROLE = FactSchema(
    "iam_role",
    "An IAM role. The resource is its ARN.",
    (
        Field("name", "string", "Role name"),
        Field("account", "string", "Account id"),
        Field("created", "time", "When the role was created"),
        Field("trusted_principals", "strings", "Who may assume it, as its trust policy names them, sorted"),
        Field(
            "trusts_anyone", "bool", "Whether anyone may assume it: principal * without a bounding condition"
        ),
        Field("admin", "bool", "Whether one of its policies allows every action on everything"),
        Field("policies", "strings", "ARNs of attached and names of inline policies, sorted"),
        Field("last_used", "time", "Last use in the tracking period; absent if none", optional=True),
        Field("max_session_seconds", "int", "Longest session, in seconds"),
        Field("owner", "string", "Its tag owner", optional=True),
        Field("purpose", "string", "Its tag purpose", optional=True),
    ),
)
