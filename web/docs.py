"""``/docs``: the API as a page, made on the server from its OpenAPI document; it needs no script."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/docs", response_class=HTMLResponse)
def docs(request: Request) -> HTMLResponse:
    """Every operation with its parameters and answers."""
    return HTMLResponse(page(request.app.openapi()))


def page(document: Mapping[str, Any]) -> str:
    """The OpenAPI document as HTML."""
    title = html.escape(document["info"]["title"])
    operations = "".join(_operations(document["paths"]))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title></head><body>'
        f'<h1>{title}: API</h1><p>As an OpenAPI document: <a href="/openapi.json">openapi.json</a>.'
        " Send <code>Authorization: Bearer TOKEN</code>; refusals are problem details (RFC 9457).</p>"
        f"{operations}</body></html>"
    )


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            says = html.escape(operation.get("description", operation.get("summary", "")))
            yield f"<h2><code>{method.upper()} {html.escape(path)}</code></h2><p>{says}</p>"
            yield _parameters(operation.get("parameters", []))
            yield _answers(operation["responses"])


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<li><code>{html.escape(one['name'])}</code> ({html.escape(one['in'])}"
        f"{', required' if one.get('required') else ''})</li>"
        for one in parameters
    )
    return f"<ul>{rows}</ul>" if rows else ""


def _answers(responses: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<dt>{html.escape(status)}</dt><dd>{html.escape(one.get('description', ''))}</dd>"
        for status, one in sorted(responses.items())
    )
    return f"<dl>{rows}</dl>"
