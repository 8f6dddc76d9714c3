"""Refusals as pages: what is the matter, in a sentence, and where to go on. Nothing is read from the store."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from web.access import COOKIE
from web.problems import Problem
from web.rendering import html_page

SIGN_IN = 401
ADVICE = {
    403: "Your role does not open this page. Go on with one of those that it opens, or ask an administrator.",
    404: "The address may be mistyped, or what it named is not there at this instant.",
    500: "Nothing was changed. If it happens again, tell whoever runs the server; its log says where it happened.",
    503: "Try again in a moment.",
}


@dataclass(frozen=True)
class ProblemPage:
    """A refusal, without anything that only a signed-in person may see."""

    status: int
    title: str
    detail: str
    advice: str
    sign_in: bool


def problem_page(request: Request, problem: Problem) -> Response:
    """The page of a refusal."""
    status, detail = problem["status"], problem["detail"]
    if status == SIGN_IN and COOKIE not in request.cookies and "link" not in request.query_params:
        detail = "You are not signed in."
    page = ProblemPage(status, problem["title"], detail, ADVICE.get(status, ""), sign_in=status == SIGN_IN)
    return html_page("problem.html", page, status)
