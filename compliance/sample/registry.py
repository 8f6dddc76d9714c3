"""Meridian's model registry: a small loopback server that speaks those routes of MLflow's REST API that are read."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from compliance.canonical import Json, micros

API = "/api/2.0/mlflow/"


@dataclass
class ModelVersion:
    """A version of a registered model, with the training run behind it."""

    name: str
    version: str
    created: datetime
    run_id: str
    tags: dict[str, str] = field(default_factory=dict)
    """Tags of the version; tag and value."""
    run_tags: dict[str, str] = field(default_factory=dict)


class ModelRegistry:
    """The registered models, served over HTTP from ``start`` until ``stop``."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, str]] = {}
        """Tags of each registered model."""
        self.versions: list[ModelVersion] = []
        self.aliases: dict[str, dict[str, str]] = {}
        """Model, then alias, then version."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="model-registry", daemon=True)

    @property
    def url(self) -> str:
        """Where it is reached."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def register(self, version: ModelVersion, *, alias: str | None = None) -> None:
        """Add a version, and put it into use under an alias."""
        self.versions.append(version)
        self.tags.setdefault(version.name, {})
        if alias is not None:
            self.put_into_use(version.name, version.version, alias)

    def put_into_use(self, name: str, version: str, alias: str = "champion") -> None:
        """Point an alias of a model to a version of it."""
        self.aliases.setdefault(name, {})[alias] = version

    # --- what the API answers ----------------------------------------------------------------

    def answer(self, operation: str, query: dict[str, str]) -> dict[str, Json] | None:
        """The answer to a call, or None where there is no such thing."""
        match operation:
            case "registered-models/search":
                return {"registered_models": [self._model(name) for name in sorted(self.tags)]}
            case "registered-models/get" if query.get("name") in self.tags:
                return {"registered_model": self._model(query["name"])}
            case "model-versions/search":
                named = query.get("filter", "").removeprefix("name=").strip("'\"")
                return {"model_versions": [_version(one) for one in self.versions if one.name == named]}
            case "runs/get":
                found = [one for one in self.versions if one.run_id == query.get("run_id")]
                return {"run": _run(found[0])} if found else None
            case _:
                return None

    def _model(self, name: str) -> dict[str, Json]:
        aliases = [
            {"alias": alias, "version": version} for alias, version in self.aliases.get(name, {}).items()
        ]
        return {"name": name, "tags": _tags(self.tags[name]), "aliases": aliases}


def _version(version: ModelVersion) -> dict[str, Json]:
    return {
        "name": version.name, "version": version.version, "creation_timestamp": micros(version.created) // 1000,
        "run_id": version.run_id, "status": "READY", "current_stage": "None", "tags": _tags(version.tags),
    }  # fmt: skip


def _run(version: ModelVersion) -> dict[str, Json]:
    return {
        "info": {"run_id": version.run_id, "status": "FINISHED"},
        "data": {"tags": _tags(version.run_tags)}, "inputs": {"dataset_inputs": []},
    }  # fmt: skip


def _tags(tags: dict[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in sorted(tags.items())]


def _handler_of(registry: ModelRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        """Head and body leave together: sent apart, each answer would wait 40 ms for an acknowledgement."""

        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(asked.query).items()}
            said = registry.answer(asked.path.removeprefix(API), query)
            body = json.dumps(
                said if said is not None else {"error_code": "RESOURCE_DOES_NOT_EXIST"}
            ).encode()
            self.send_response(HTTPStatus.OK if said is not None else HTTPStatus.NOT_FOUND)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's own signature)
            """Nothing is logged."""

    return Handler
