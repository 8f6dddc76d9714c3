"""A Confluent-compatible schema registry."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.fault_proxy import Asked, Reply
from tests.stand_ins.answering import allowed, path_of, query_of, said

AVRO = {
    "type": "record", "name": "Customer",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "mail", "type": ["null", "string"], "confluent:tags": ["PII"]},
        {"name": "home", "type": {"type": "record", "name": "Home", "fields": [{"name": "city", "type": "string"}]}},
    ],
}  # fmt: skip


@dataclass
class SchemaRegistry:
    """Subjects with their latest version."""

    subjects: dict[str, dict[str, Any]] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    level: str = "BACKWARD"

    def add(self, subject: str, **more: Any) -> None:
        """Register a schema."""
        self.subjects[subject] = {
            "subject": subject, "version": 3, "id": 7, "schema": json.dumps(AVRO),
            "metadata": {"properties": {"owner": "shop"}, "tags": {"$.id": ["KEY"]}}, **more,
        }  # fmt: skip

    def __call__(self, asked: Asked) -> Reply:
        """Confluent Schema Registry API reference."""
        path = path_of(asked)
        if not allowed(asked):
            return said({"error_code": 401, "message": "Unauthorized"}, 401)
        if path == "/subjects":
            return said(list(self.subjects))
        if path == "/config":
            return said({"compatibilityLevel": self.level})
        if match := re.fullmatch(r"/subjects/(.+)/versions(/latest)?", path):
            return said(self.subjects[match[1]] if match[2] else [1, 2, 3])
        general = self.level if query_of(asked).get("defaultToGlobal") == "true" else None
        level = self.own.get(path.removeprefix("/config/"), general)
        if level is not None:
            return said({"compatibilityLevel": level})
        return said(
            {"error_code": 40408, "message": "Subject does not have subject-level compatibility configured"},
            404,
        )
