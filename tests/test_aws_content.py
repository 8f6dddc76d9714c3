from __future__ import annotations

import json
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.aws.content import content, error_code, fingerprint, listed, problem_of, xml_value
from collectors.problems import Problem
from compliance.errors import InputRefused, TooLarge

texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1)
values = st.recursive(
    texts,
    lambda inner: (
        st.lists(inner, min_size=1)
        | st.dictionaries(st.from_regex(r"\A[A-Z][a-z]{2,8}\Z"), inner, min_size=1)
    ),
    max_leaves=8,
)


def xml(name: str, value: Any) -> str:
    match value:
        case dict():
            inner = "".join(xml(key, member) for key, member in value.items())
        case list():
            inner = "".join(xml("member", member) for member in value)
        case _:
            inner = escape(value)
    return f"<{name}>{inner}</{name}>"


@given(st.dictionaries(st.from_regex(r"\A[A-Z][a-z]{2,8}\Z"), values, min_size=1))
def test_what_was_written_as_xml_is_read_back(said: dict[str, Any]) -> None:
    """Texts, lists of members and structures are what they were before they became XML."""
    body = xml("ListThingsResponse", {"ListThingsResult": said}).encode()
    assert content(body) == said


@given(st.dictionaries(texts, texts), texts, texts)
def test_request_ids_do_not_change_a_fingerprint(said: dict[str, str], one: str, other: str) -> None:
    """Two answers that say the same have one fingerprint, whatever their request ids."""
    entries = "".join(
        f"<entry><key>{escape(k)}</key><value>{escape(v)}</value></entry>" for k, v in said.items()
    )

    def answer(request: str) -> bytes:
        return (
            f"<GetResponse><GetResult><Map>{entries}</Map></GetResult>"
            f"<ResponseMetadata><RequestId>{escape(request)}</RequestId></ResponseMetadata></GetResponse>"
        ).encode()

    assert fingerprint(answer(one)) == fingerprint(answer(other))
    assert fingerprint(answer(one)) != fingerprint(
        answer(one).replace(b"<Map>", b"<Other>").replace(b"</Map>", b"</Other>")
    )


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reading(body: bytes) -> None:
    """Whatever comes, it is content, or a problem that says so; nothing else is raised."""
    for status in (0, 200, 400, 403, 500):
        problem = problem_of(status, body)
        if problem is None:
            assert isinstance(content(body), dict)
    assert len(fingerprint(body)) == 64


@pytest.mark.parametrize(
    "body",
    [b'<!DOCTYPE a [<!ENTITY b "c">]><ListResponse/>', b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><ListResponse/>',
     b"<ListResponse><ListResult></ListResponse>", b"<ListResponse/><ListResponse/>", b"<html/>", b"<ErrorResponse/>",
     b"<ListResponse><A>1</A><A>2</A></ListResponse>"],
)  # fmt: skip
def test_xml_that_is_no_answer_is_refused(body: bytes) -> None:
    """Document types, broken and repeated elements, and other documents are no answers."""
    with pytest.raises(InputRefused):
        content(body)


def test_deep_xml_is_refused() -> None:
    """Nesting beyond 64 levels is refused before it is built."""
    with pytest.raises(TooLarge):
        xml_value(b"<a>" * 70 + b"</a>" * 70)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (403, b"", "denied"),
        (401, b"", "denied"),
        (400, json.dumps({"__type": "com.amazonaws.kms#AccessDeniedException"}).encode(), "denied"),
        (403, b"<ErrorResponse><Errors><Error><Code>403</Code></Error></Errors></ErrorResponse>", "denied"),
        (400, b"<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", "throttled"),
        (429, b"", "throttled"),
        (400, b'{"__type": "UnsupportedOperationException"}', "unsupported"),
        (404, b"<ErrorResponse><Error><Code>NoSuchEntity</Code></Error></ErrorResponse>", "absent"),
        (400, b'{"__type": "NotFoundException"}', "absent"),
        (500, b"", "failed"),
        (302, b"", "failed"),
        (0, b"", "silent"),
        (200, b"", "unreadable"),
        (200, b"[]", "unreadable"),
    ],
)
def test_what_kept_an_answer_away_is_told_by_status_then_code(status: int, body: bytes, kind: str) -> None:
    """JSON services state refusals with the status 400, others with a code that is only a number."""
    problem = problem_of(status, body)
    assert problem is not None
    assert problem.kind == kind


def test_a_problem_names_call_and_status() -> None:
    """A person reads which right is missing."""
    assert Problem("denied", 403).phrase("kms:GetKeyPolicy") == "kms:GetKeyPolicy denied (403)"
    assert Problem("failed", 500, "Internal").phrase("kms:ListKeys") == "kms:ListKeys failed (500 Internal)"
    assert Problem("silent", 0).unseen("kms:ListKeys").cause == "incomplete"
    assert Problem("unreadable", 200).unseen("kms:ListKeys").cause == "unreadable"


def test_error_codes_lose_their_namespace() -> None:
    """Both protocols, with and without a namespace."""
    assert error_code(b'{"__type": "com.amazonaws#Denied:http://x"}') == "Denied"
    assert error_code(b"<ErrorResponse><Error><Code>Denied</Code></Error></ErrorResponse>") == "Denied"
    assert [error_code(body) for body in (b"", b"[]", b"<a/>", b"{")] == [""] * 4


def test_an_empty_element_is_an_empty_list_and_nothing_else_is() -> None:
    """A list that has another form is refused, not taken for empty."""
    assert listed("") == listed(None) == []
    assert listed(["a"]) == ["a"]
    with pytest.raises(InputRefused, match="expected a list"):
        listed("text")
