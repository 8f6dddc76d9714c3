"""The form of a registry dump (Feast 0.30 and later, protobuf as JSON). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

VIEWS: Mapping[str, str] = {
    "featureViews": "batch", "streamFeatureViews": "stream", "onDemandFeatureViews": "on-demand",
}  # fmt: skip
"""The dump's lists of feature views, and what each is called."""


def dump_of(body: bytes) -> Mapping[str, Json]:
    """The dump's object. Raises InputRefused where it is none, or names no project."""
    said = strict_json(body, what="file")
    if not isinstance(said, dict) or not isinstance(said.get("project"), str) or not said["project"]:
        raise InputRefused(
            "It is no registry dump: expected an object with project, as `feast registry-dump` prints."
        )
    return said
