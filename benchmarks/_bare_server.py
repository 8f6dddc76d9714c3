"""The least that a peer of intake can do: parse the JSON, append it to a file, wait for the disk, answer.

Run as ``_bare_server.py PORT FILE``. No rights, no form, no dedupe, no tree, no proof.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from compliance.canonical import strict_json


def app_of(place: Path) -> FastAPI:
    """The application."""
    app = FastAPI(openapi_url=None)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append(body: bytes) -> None:
        strict_json(body)
        os.write(handle, body + b"\n")
        os.fsync(handle)

    @app.post("/append", status_code=201)
    async def take(request: Request) -> JSONResponse:
        await run_in_threadpool(append, await request.body())
        return JSONResponse({"ok": True}, 201)

    @app.get("/readyz")
    def ready() -> dict[str, bool]:
        return {"ok": True}

    return app


if __name__ == "__main__":
    uvicorn.run(app_of(Path(sys.argv[2])), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
