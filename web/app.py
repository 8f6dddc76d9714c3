"""The web application: routers, errors, headers and counters around one opened store."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI

from web import answering, docs, health, intake, logapi, manifests, problems, scoping, sign_in, usage_api
from web.appending import cleaner_of
from web.headers import Hardened
from web.health import Counted, Metrics
from web.pages import ROUTERS as PAGES
from web.pages import problem_page as page_of_problem
from web.ports import AnswersPort, StorePort
from web.problems import ProblemPage
from web.refusals import Recorded, Refusals

INTAKE_THREADS = 8
"""Bodies that are worked on at once; further ones wait."""
ROUTERS: tuple[APIRouter, ...] = (
    intake.router, manifests.router, answering.router, usage_api.router, scoping.router, logapi.router, sign_in.router, health.router,
    docs.router,
    *PAGES,
)  # fmt: skip


def create_app(
    store: StorePort,
    answers: AnswersPort,
    *,
    pages: Iterable[APIRouter] = (),
    problem_page: ProblemPage = page_of_problem,
) -> FastAPI:
    """The application that serves a store. ``pages`` are further routers, such as those for people.

    Raises InputRefused where a configured redaction cannot be understood.
    """
    app = FastAPI(
        title="Muniment", version="1", docs_url=None, redoc_url=None, openapi_url="/openapi.json",
        description="Evidence in, proofs and answers out.",
    )  # fmt: skip
    app.state.store = store
    app.state.answers = answers
    app.state.cleaner = cleaner_of(store.settings, store.key_spaces)
    app.state.intake_threads = CapacityLimiter(INTAKE_THREADS)
    app.state.metrics = Metrics()
    app.state.problem_page = problem_page
    problems.install(app)
    for router in (*ROUTERS, *pages):
        app.include_router(router)
    app.state.refusals = Refusals(store.log, store.clock)
    app.add_middleware(Recorded, refusals=app.state.refusals)
    app.add_middleware(Counted, metrics=app.state.metrics)
    app.add_middleware(Hardened)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Put the schema of problem details into the OpenAPI document, where the routes refer to it."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        document = made()
        document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = problems.SCHEMA
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend the document
