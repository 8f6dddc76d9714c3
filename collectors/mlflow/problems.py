"""What an MLflow answer says, or why it says nothing. Pure."""

from __future__ import annotations

from collectors.problems import NO_ANSWER, Problem, ProblemKind
from compliance.canonical import Json, strict_json
from compliance.errors import InputRefused

OK_BELOW = 300
REDIRECT_BELOW = 400
KINDS: dict[int, ProblemKind] = {
    401: "denied",
    403: "denied",
    404: "absent",
    429: "throttled",
    503: "throttled",
}


def problem_of(status: int, body: bytes) -> Problem | None:
    """Why an answer is not what was asked for, or None."""
    if status == NO_ANSWER:
        return Problem("silent", status)
    if status >= REDIRECT_BELOW:
        return Problem(KINDS.get(status, "failed"), status)
    if status >= OK_BELOW:
        return Problem("redirected", status)
    try:
        content(body)
    except InputRefused:
        return Problem("unreadable", status)
    return None


def content(body: bytes) -> dict[str, Json]:
    """The answer's object. Raises InputRefused. MLflow leaves empty lists and texts out of it."""
    value = strict_json(body, what="answer")
    if not isinstance(value, dict):
        raise InputRefused(f"The answer is a {type(value).__name__}; expected an object.")
    return value


def members(said: dict[str, Json], name: str) -> list[dict[str, Json]]:
    """A list of objects in an answer, empty where it is left out. Raises InputRefused."""
    value = said.get(name, [])
    if not isinstance(value, list) or not all(isinstance(member, dict) for member in value):
        raise InputRefused(f"The answer's {name} is no list of objects.", field=name)
    return value
