"""The facts that a SCIM directory shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

USER = FactSchema(
    "directory_user",
    "A user of the identity provider. The resource is its SCIM id.",
    (
        Field("user_name", "string", "userName, the name to sign in with"),
        Field("active", "bool", "Whether the account may be used"),
        Field("external_id", "string", "Id in the personnel system", optional=True),
        Field("user_type", "string", "userType, such as Employee or Contractor", optional=True),
        Field("department", "string", "Department, from the enterprise extension", optional=True),
        Field("manager", "string", "Id of the manager, from the enterprise extension", optional=True),
        Field("created", "time", "meta.created", optional=True),
        Field("last_modified", "time", "meta.lastModified", optional=True),
        Field("mfa", "bool", "Whether a second factor is set up; unseen where the provider does not say"),
        Field("phishing_resistant", "bool", "Whether a factor resists phishing; unseen where the provider does not say"),
        Field("last_sign_in", "time", "Last sign-in; unseen where the provider does not say", optional=True),
        Field("groups", "strings", "Ids of its groups, as the user states them, sorted"),
        Field("roles", "strings", "Its roles, sorted"),
        Field("entitlements", "strings", "Its entitlements, sorted"),
    ),
)  # fmt: skip
GROUP = FactSchema(
    "directory_group",
    "A group of the identity provider. The resource is its SCIM id.",
    (
        Field("name", "string", "displayName"),
        Field("external_id", "string", "Id in another system", optional=True),
        Field("members", "int", "How many members it has"),
        Field("member_ids", "strings", "Ids of its members, sorted"),
        Field("created", "time", "meta.created", optional=True),
        Field("last_modified", "time", "meta.lastModified", optional=True),
    ),
)
