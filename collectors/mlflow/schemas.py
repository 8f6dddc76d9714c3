"""The fact that MLflow shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

VERSION = FactSchema(
    "model_version",
    "A version of a registered model. The resource is NAME/VERSION. Tags are MLflow tags.",
    (
        Field("name", "string", "Name of the registered model"),
        Field("version", "string", "Version number"),
        Field("created", "time", "When the version was created"),
        Field("stage", "string", "Stage, such as Production; absent without one", optional=True),
        Field("aliases", "strings", "Aliases of this version, sorted"),
        Field("approval", "string", "The version's tag approval", optional=True),
        Field("approved_by", "string", "The version's tag approved_by", optional=True),
        Field("requested_by", "string", "The version's tag requested_by", optional=True),
        Field("purpose", "string", "Tag purpose of the version, else of the model", optional=True),
        Field("owner", "string", "Tag owner of the version, else of the model", optional=True),
        Field("risk_class", "string", "Tag risk_class of the version, else of the model", optional=True),
        Field("run_id", "string", "The run that made it, by the registry", optional=True),
        Field(
            "run_status", "string", "That run's status, such as FINISHED; absent without a run", optional=True
        ),
        Field("datasets", "strings", "NAME@DIGEST of the datasets logged as that run's inputs, sorted"),
    ),
)
