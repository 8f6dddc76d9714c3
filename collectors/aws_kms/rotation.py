"""Which KMS keys can rotate by themselves. Pure.

KMS Developer Guide, "Enable automatic key rotation": only symmetric encryption keys with key
material that KMS generated; not asymmetric and HMAC keys, imported material or custom key stores.
"""

from __future__ import annotations

from collections.abc import Mapping

from compliance.canonical import Json

SYMMETRIC = "SYMMETRIC_DEFAULT"
OWN_MATERIAL = "AWS_KMS"


def rotates(described: Mapping[str, Json]) -> bool | None:
    """Whether automatic rotation applies, by DescribeKey's answer; None where it does not say."""
    metadata = described.get("KeyMetadata")
    if not isinstance(metadata, dict):
        return None
    spec, origin = metadata.get("KeySpec"), metadata.get("Origin")
    if not isinstance(spec, str) or not isinstance(origin, str):
        return None
    return spec == SYMMETRIC and origin == OWN_MATERIAL
