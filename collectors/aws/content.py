"""AWS answers as values: the Query protocol's XML and the JSON protocol, without request ids.

Pure. Answers are hostile input: no document type, bounded depth, duplicate keys refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias
from xml.parsers import expat

from collectors.problems import NO_ANSWER, Problem, ProblemKind
from compliance.canonical import MAX_DEPTH, Json, content_bytes, sha256_hex, strict_json
from compliance.errors import InputRefused, TooLarge

OK_BELOW = 300
FORBIDDEN = (401, 403)
GONE = (404, 410)
TOO_MANY = 429

THROTTLED_CODES = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestThrottledException",
    "TooManyRequestsException", "RequestLimitExceeded", "SlowDown", "PriorRequestNotComplete",
    "BandwidthLimitExceeded", "LimitExceededException", "EC2ThrottledException",
})  # fmt: skip
"""Error codes that botocore's standard retry mode counts as throttling."""
DENIED_CODES = frozenset({
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthFailure", "NotAuthorized",
    "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "ExpiredToken",
    "ExpiredTokenException", "MissingAuthenticationToken", "OptInRequired",
})  # fmt: skip
"""JSON services state some of these with the status 400."""
ABSENT_CODES = frozenset(
    {"NoSuchEntity", "NotFoundException", "ReportNotPresent", "NoSuchKey", "NoSuchBucket"}
)
UNSUPPORTED_CODES = frozenset({"UnsupportedOperationException", "UnsupportedOperation"})


Said: TypeAlias = Callable[[bytes], "dict[str, Json]"]
"""How a protocol's answers are read. Raises InputRefused."""


def problem_of(status: int, body: bytes, read: Said | None = None) -> Problem | None:
    """Why an answer is not what was asked for, or None. The status counts before the code."""
    if status == NO_ANSWER:
        return Problem("silent", status)
    if status < OK_BELOW:
        return _unreadable(status, body, read or content)
    return Problem(_kind(status, code := error_code(body)), status, code)


def _kind(status: int, code: str) -> ProblemKind:
    if status == TOO_MANY or code in THROTTLED_CODES:
        return "throttled"
    if status in FORBIDDEN or code in DENIED_CODES:
        return "denied"
    if code in UNSUPPORTED_CODES:
        return "unsupported"
    return "absent" if status in GONE or code in ABSENT_CODES else "failed"


def _unreadable(status: int, body: bytes, read: Said) -> Problem | None:
    try:
        read(body)
    except InputRefused:
        return Problem("unreadable", status)
    return None


def content(body: bytes) -> dict[str, Json]:
    """What an answer says, without the envelope that bears request ids. Raises InputRefused."""
    if not body.lstrip().startswith(b"<"):
        value = strict_json(body, what="answer")
        if not isinstance(value, dict):
            raise InputRefused(f"The answer is a {type(value).__name__}; expected an object.")
        return value
    name, value = xml_value(body)
    operation = name.removesuffix("Response")
    if operation in (name, "Error") or not isinstance(value, dict):
        raise InputRefused(f"The answer is a {name}; expected the response of an operation.")
    result = value.get(f"{operation}Result", {})
    return result if isinstance(result, dict) else {}


def error_code(body: bytes) -> str:
    """The error code that a refusal states, without its namespace; empty where it states none."""
    try:
        value = xml_value(body)[1] if body.lstrip().startswith(b"<") else strict_json(body, what="answer")
    except InputRefused:
        return ""
    for step in ("Errors", "Error"):
        value = value.get(step, value) if isinstance(value, dict) else {}
    if not isinstance(value, dict):
        return ""
    code = value.get("Code") or value.get("__type") or value.get("code") or ""
    return str(code).split("#")[-1].split(":")[0]


def fingerprint(body: bytes) -> str:
    """A digest that is equal for two answers exactly if they say the same, whatever their request ids."""
    try:
        said: Json = _without_ids(body)
    except InputRefused:
        return sha256_hex(body)
    return sha256_hex(content_bytes(said))


def _without_ids(body: bytes) -> Json:
    if not body.lstrip().startswith(b"<"):
        return strict_json(body, what="answer")
    name, value = xml_value(body)
    if isinstance(value, dict):
        value = {key: inner for key, inner in value.items() if key not in ("ResponseMetadata", "RequestId")}
    return [name, value]


def listed(value: Json, what: str = "list") -> list[Json]:
    """A list of an XML or JSON answer. An empty XML element is an empty list. Raises InputRefused."""
    if value in ("", None):
        return []
    if not isinstance(value, list):
        raise InputRefused(f"The answer's {what} is a {type(value).__name__}; expected a list.")
    return value


# --- XML ---------------------------------------------------------------------------------------


def xml_value(
    body: bytes, element: Callable[[list[tuple[str, Json]]], Json] | None = None
) -> tuple[str, Json]:
    """The root element's name and its value, for the XML of the AWS Query protocol.

    An element of ``member`` elements is a list, one of ``entry`` elements a mapping, one without
    elements its text, any other a mapping by name. ``element`` reads an element of elements otherwise.
    Raises InputRefused, TooLarge.
    """
    tree = _Tree(element or _element)
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = tree.start
    parser.EndElementHandler = tree.end
    parser.CharacterDataHandler = tree.text
    try:
        parser.Parse(body, True)  # noqa: FBT003 (expat takes it by position only)
    except (expat.ExpatError, ValueError) as error:
        raise InputRefused(f"The answer is not XML: {error}.") from error
    return tree.root


def _refuse_doctype(*_: Any) -> None:
    raise InputRefused("The answer declares a document type, which no AWS answer does.")


class _Tree:
    """Gathers elements as values while the parser goes through them."""

    def __init__(self, element: Callable[[list[tuple[str, Json]]], Json]) -> None:
        self._element = element
        self.root: tuple[str, Json] = ("", "")
        self._open: list[tuple[str, list[tuple[str, Json]], list[str]]] = []

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise TooLarge(f"The answer is nested deeper than {MAX_DEPTH} levels.")
        self._open.append((name, [], []))

    def text(self, data: str) -> None:
        self._open[-1][2].append(data)

    def end(self, _name: str) -> None:
        name, children, texts = self._open.pop()
        value = self._element(children) if children else "".join(texts)
        if self._open:
            self._open[-1][1].append((name, value))
        else:
            self.root = (name, value)


def _element(children: list[tuple[str, Json]]) -> Json:
    names = {name for name, _ in children}
    if names == {"member"}:
        return [value for _, value in children]
    if names == {"entry"}:
        return {str(value["key"]): value["value"] for _, value in children if {"key", "value"} <= set(value)}
    if len(names) != len(children):
        raise InputRefused("The answer repeats an element that is no list.")
    return dict(children)
