"""An OCI image registry (distribution specification 1.1)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.fault_proxy import Asked, Reply
from tests.stand_ins.answering import PAGE, allowed, path_of, query_of, said

NAME = "shop/scorer"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def manifest(label: str) -> bytes:
    """The manifest of an image; what differs is its label."""
    return json.dumps({
        "schemaVersion": 2, "mediaType": MANIFEST, "layers": [],
        "annotations": {"org.opencontainers.image.revision": label,
                        "org.opencontainers.image.created": "2026-11-20T10:00:00Z"},
    }).encode()  # fmt: skip


def digest(body: bytes) -> str:
    """The digest of a manifest."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass
class OciRegistry:
    """One repository: manifests by tag, referrers by digest; None where the registry has no such endpoint."""

    tags: dict[str, bytes] = field(default_factory=dict)
    referrers: dict[str, list[dict[str, Any]]] | None = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        """Sections "Listing Tags", "Pulling manifests" and "Listing Referrers"."""
        path = path_of(asked).removeprefix(f"/v2/{NAME}/")
        if not allowed(asked):
            return said({"errors": [{"code": "UNAUTHORIZED"}]}, 401)
        if path == "tags/list":
            return self._tags(asked)
        if match := re.fullmatch(r"manifests/(.+)", path):
            body = self.tags.get(match[1])
            return said({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, 404) if body is None else Reply(200, body)
        if self.referrers is not None and (match := re.fullmatch(r"referrers/(.+)", path)):
            return said({"schemaVersion": 2, "manifests": self.referrers.get(match[1], [])})
        return said({"errors": [{"code": "NOT_FOUND"}]}, 404)

    def _tags(self, asked: Asked) -> Reply:
        query = query_of(asked)
        tags = sorted(tag for tag in self.tags if tag > query.get("last", ""))
        part = tags[:PAGE]
        following = urlencode({"n": PAGE, "last": part[-1]}) if len(tags) > PAGE else ""
        link = {"Link": f'</v2/{NAME}/tags/list?{following}>; rel="next"'} if following else {}
        return said({"name": NAME, "tags": part}, headers=link)
