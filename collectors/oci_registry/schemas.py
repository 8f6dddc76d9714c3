"""The fact that an image registry shows, with every field's meaning."""

from __future__ import annotations

from compliance.facts import FactSchema, Field

IMAGE = FactSchema(
    "image",
    "A tagged image of an OCI registry. The resource is REPOSITORY@DIGEST.",
    (
        Field("repository", "string", "Repository"),
        Field("digest", "string", "Digest of the manifest, sha256:…"),
        Field("tags", "strings", "Tags that name it, sorted"),
        Field("media_type", "string", "Media type of its manifest"),
        Field("created", "time", "Annotation org.opencontainers.image.created", optional=True),
        Field("revision", "string", "Annotation org.opencontainers.image.revision", optional=True),
        Field("base", "string", "Annotation org.opencontainers.image.base.name", optional=True),
        Field("source", "string", "Annotation org.opencontainers.image.source", optional=True),
        Field("signed", "bool", "Whether a signature is attached; that it is present, not that it is valid"),
        Field("signatures", "int", "Signatures attached: referrers, or cosign's tag"),
        Field("sbom", "bool", "Whether a software bill of materials is attached"),
        Field("provenance", "bool", "Whether a provenance attestation is attached"),
        Field("attached", "strings", "Artifact types of everything attached, sorted"),
    ),
)
