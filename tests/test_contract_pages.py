"""A hostile client at the pages: markup in names, forged forms, strangers, and times that cannot be drawn."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract_events import consent, dataset, event, manifest, run
from tests.served import Served, serving

GOOD = json.dumps(consent("C-1", "granted", 1))
INJECTION = "' OR '1'='1'; DROP TABLE entry; --"
SCRIPT = "<script>alert('xss')</script>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store."""
    with serving(tmp_path_factory) as served:
        yield served


@pytest.fixture(scope="module")
def person(store: Served) -> Iterator[httpx.Client]:
    """A browser of a signed-in administrator, over a store full of hostile names."""
    hostile = [
        *run(SCRIPT, 1, 2, job=SCRIPT, reads=[{"namespace": SCRIPT, "name": f'"><img src=x onerror=alert(1)>{SCRIPT}'}],
             tagged={"purpose": SCRIPT, "model": f"{SCRIPT}@1"}),
        event("COMPLETE", "attribute", 3, job="' onmouseover='alert(1)", writes=[{"namespace": "lake", "name": "</textarea>" + SCRIPT}]),
    ]  # fmt: skip
    store.sent("/lineage/batch", hostile)
    store.sent("/purposes", {"id": SCRIPT, "lawful_basis": "contract", "controller": SCRIPT})
    store.usage("C-1", reason=SCRIPT)
    link = store.command.ok(
        "sign-in-link", "admin", "--person", SCRIPT, "--base-url", store.url
    ).splitlines()[-1]
    headers = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=store.url, headers=headers, follow_redirects=True, timeout=60) as browser:
        assert browser.get(link).status_code == 200
        yield browser


def crawled(browser: httpx.Client, most: int = 60) -> dict[str, httpx.Response]:
    """Every page that a person reaches by links, at most so many."""
    found: dict[str, httpx.Response] = {}
    waiting = ["/"]
    while waiting and len(found) < most:
        path = waiting.pop(0)
        if path in found:
            continue
        found[path] = browser.get(path)
        links = (
            re.findall(r'href="(/[^"#]*)', found[path].text)
            if "html" in found[path].headers.get("content-type", "")
            else []
        )
        waiting += [link.replace("&amp;", "&") for link in links]
    return found


def test_pages_escape_whatever_names_hold(person: httpx.Client) -> None:
    """Names, purposes, persons and reasons of others stand on no page as markup; no page holds a script of its own."""
    pages = crawled(person)
    assert len(pages) >= 10
    for path, page in pages.items():
        assert page.status_code < 500, (path, page.text[:300])
        if "html" not in page.headers["content-type"]:
            continue
        assert SCRIPT not in page.text, path
        assert "<img src=x" not in page.text, path
        assert "' onmouseover='alert" not in page.text, path
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text), path


def test_times_at_the_ends_of_time_are_shown(person: httpx.Client, store: Served) -> None:
    """A use in the year 1 and one in the year 9999 are answered, and their page is shown."""
    store.ask(
        "PUT", "/api/v1/members/lake/edge/1?key_space=customer", content=manifest("C-edge")
    ).raise_for_status()
    for run_, time in (("first", "0001-01-01T00:00:00Z"), ("last", "9999-12-31T23:59:59.999999Z")):
        read = {**event("COMPLETE", run_, 1, reads=[dataset("edge", "1")]), "eventTime": time}
        store.sent("/lineage", read)
    form = person.get("/records").text
    (proof,) = set(re.findall(r'name="csrf" value="([^"]+)"', form))
    asked = {"csrf": proof, "key_space": "customer", "key": "C-edge", "reason": "the ends of time"}
    answer = person.post("/records", data=asked)
    assert answer.status_code == 200, answer.text[:300]
    assert "C-edge" not in answer.text
    assert "9999" in answer.text


def test_a_form_post_needs_proof_that_the_form_is_ours(person: httpx.Client, store: Served) -> None:
    """Each form's post is refused 403 from another origin, and without or with another session's proof."""
    size, forms = store.size(), set()
    for page in crawled(person).values():
        for form in re.findall(r"<form\b[^>]*>", page.text):
            if re.search(r'method="post"', form, re.IGNORECASE):
                forms |= set(re.findall(r'action="([^"]*)"', form))
    assert forms
    for action in forms | {"/sign-out"}:
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"},
        ):
            assert person.post(action, headers=headers, data={"csrf": "x"}).status_code == 403, action
        for data in ({}, {"csrf": ""}, {"csrf": "forged"}):
            assert person.post(action, data=data).status_code == 403, action
    assert store.size() == size


def test_the_api_too_refuses_a_browsers_forged_post(person: httpx.Client) -> None:
    """A cookie alone writes nothing: a look-up posted by a signed-in browser needs the proof as well."""
    asked: Any = {"key_space": "customer", "key": "C-1", "reason": "forged"}
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {}):
        assert person.post("/api/v1/record-usage", json=asked, headers=headers).status_code == 403
    assert person.post("/api/v1/consents", content=GOOD).status_code == 403


def test_what_a_stranger_sees(store: Served) -> None:
    """Without a session every page is refused, and the refusal says nothing of the store."""
    for path in ("/", "/evidence", "/records", "/controls", "/sources", "/reports"):
        answer = store.http.get(path, headers={"Accept": "text/html"})
        assert answer.status_code in {401, 403, 303, 307, 404}
        assert "lineage" not in answer.text
    for cookie in ("x", INJECTION, "a" * 5000):
        answer = store.http.get("/", headers={"Cookie": f"muniment_session={cookie}", "Accept": "text/html"})
        assert answer.status_code in {401, 403, 303, 307, 400, 404}
