"""The facts that a Feast registry shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

VIEW = FactSchema(
    "feature_view",
    "A feature view of a Feast registry. The resource is PROJECT/NAME.",
    (
        Field("project", "string", "Project of the registry"),
        Field("name", "string", "Name of the feature view"),
        Field("kind", "string", "batch, stream or on-demand"),
        Field("entities", "strings", "Entities by which it is looked up, sorted"),
        Field("features", "strings", "Its features, sorted"),
        Field("sources", "strings", "Names of the data sources or views that it is made of, sorted"),
        Field("online", "bool", "Whether it is served online"),
        Field("ttl_seconds", "int", "Seconds for which a value is served; absent without a limit", optional=True),
        Field("created", "time", "When it was first applied", optional=True),
        Field("updated", "time", "When it was last applied", optional=True),
        Field("materialisations", "int", "Intervals that were materialised"),
        Field("materialised_to", "time", "End of the latest of them; absent without one", optional=True),
        Field("owner", "string", "Its owner, or tag owner", optional=True),
        Field("purpose", "string", "Its tag purpose", optional=True),
        Field("data_class", "string", "Its tag data_class", optional=True),
        Field("key_space", "string", "Its tag key_space", optional=True),
    ),
)  # fmt: skip
SERVICE = FactSchema(
    "feature_service",
    "A feature service of a Feast registry: what a model reads. The resource is PROJECT/NAME.",
    (
        Field("project", "string", "Project of the registry"),
        Field("name", "string", "Name of the feature service"),
        Field("feature_views", "strings", "Feature views that it serves, sorted"),
        Field("features", "strings", "Features that it serves, as VIEW:FEATURE, sorted"),
        Field("logged", "bool", "Whether what it serves is logged"),
        Field("created", "time", "When it was first applied", optional=True),
        Field("updated", "time", "When it was last applied", optional=True),
        Field("owner", "string", "Its owner, or tag owner", optional=True),
        Field("purpose", "string", "Its tag purpose", optional=True),
        Field("model", "string", "Its tag model, such as NAME@VERSION", optional=True),
    ),
)
