"""The fact that a schema registry shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

SUBJECT = FactSchema(
    "schema_subject",
    "A subject of a schema registry, with its latest schema. The resource is the subject's name.",
    (
        Field("subject", "string", "Name of the subject"),
        Field("latest_version", "int", "Number of its latest version"),
        Field("versions", "int", "How many versions it has"),
        Field("schema_id", "int", "Id of the latest schema"),
        Field("schema_type", "string", "AVRO, JSON or PROTOBUF"),
        Field("compatibility", "string", "Level in force, such as BACKWARD: its own, else the registry's"),
        Field("compatibility_own", "bool", "Whether the level is the subject's own"),
        Field("fields", "strings", "Paths of the fields of the latest schema, sorted"),
        Field("tags", "strings", "Tags of the schema and its fields, such as PII, sorted"),
        Field("tagged_fields", "strings", "PATH:TAG of each tagged field, sorted"),
        Field(
            "dataset",
            "string",
            "metadata property dataset of the latest version: NAMESPACE/NAME",
            optional=True,
        ),
        Field("owner", "string", "metadata property owner of the latest version", optional=True),
        Field("data_class", "string", "metadata property data_class of the latest version", optional=True),
    ),
)
