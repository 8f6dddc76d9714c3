"""Our own static files: one stylesheet, one icon."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from web.rendering import static

KEPT = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """A static file; its address holds its digest, so it never changes."""
    content, media_type = static(name)
    return Response(content, media_type=media_type, headers={"Cache-Control": KEPT})


@router.get("/favicon.ico")
def favicon() -> Response:
    """The icon, for browsers that ask for it unasked."""
    content, media_type = static("favicon.svg")
    return Response(content, media_type=media_type, headers={"Cache-Control": "public, max-age=86400"})
