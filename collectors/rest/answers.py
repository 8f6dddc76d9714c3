"""What a JSON answer over HTTP says, or why it says nothing. Pure."""

from __future__ import annotations

from collectors.problems import NO_ANSWER, Problem, ProblemKind
from compliance.canonical import Json, content_bytes, sha256_hex, strict_json
from compliance.errors import InputRefused

OK_BELOW = 300
REDIRECT_BELOW = 400
KINDS: dict[int, ProblemKind] = {
    401: "denied", 403: "denied", 404: "absent", 410: "absent", 429: "throttled", 501: "unsupported", 503: "throttled",
}  # fmt: skip
ELSEWHERE = 3
"""The status under which an answer is kept whose next link leads to another place: its bytes are left out."""


def problem_of(status: int, body: bytes) -> Problem | None:
    """Why an answer is not what was asked for, or None. GitHub states its rate limit with a 403."""
    if status == NO_ANSWER:
        return Problem("silent", status)
    if status == ELSEWHERE or OK_BELOW <= status < REDIRECT_BELOW:
        return Problem("redirected", status)
    if status >= REDIRECT_BELOW:
        limited = status == 403 and b"rate limit" in body.lower()  # noqa: PLR2004 (HTTP: forbidden)
        return Problem("throttled" if limited else KINDS.get(status, "failed"), status)
    try:
        said(body)
    except InputRefused:
        return Problem("unreadable", status)
    return None


def fingerprint(body: bytes, ignoring: frozenset[str]) -> str:
    """A digest that is equal for two answers that say the same but for these members; empty for the bytes' own."""
    if not ignoring:
        return ""
    try:
        return sha256_hex(content_bytes(_without(said(body), ignoring)))
    except InputRefused:
        return ""


def _without(value: Json, names: frozenset[str]) -> Json:
    if isinstance(value, dict):
        return {name: _without(inner, names) for name, inner in value.items() if name not in names}
    return [_without(inner, names) for inner in value] if isinstance(value, list) else value


def said(body: bytes) -> Json:
    """The answer's object or list. Raises InputRefused. An empty body (204) says nothing: an empty object."""
    if not body.strip():
        raise InputRefused("The answer is empty.")
    value = strict_json(body, what="answer")
    if not isinstance(value, dict | list):
        raise InputRefused(f"The answer is a {type(value).__name__}; expected an object or a list.")
    return value
