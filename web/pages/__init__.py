"""The pages that a person works at: routers, pure builders, and the frozen values that templates show."""

from __future__ import annotations

from fastapi import APIRouter

from web.pages import (
    assets,
    changes,
    controls,
    erasures,
    evidence,
    frameworks,
    gaps,
    records,
    reports_page,
    sources,
    verifying,
)
from web.pages.errors import problem_page

ROUTERS: tuple[APIRouter, ...] = (
    assets.router, gaps.router, changes.router, controls.router, frameworks.router, records.router,
    erasures.router, evidence.router, reports_page.router, sources.router, verifying.router,
)  # fmt: skip

__all__ = ["ROUTERS", "problem_page"]
