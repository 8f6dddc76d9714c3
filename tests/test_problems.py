"""Refusals as problem details, limits, headers, health, metrics and the API's own description."""

from __future__ import annotations

import gzip
import html
import logging
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from starlette.responses import PlainTextResponse

from compliance import errors
from compliance.errors import InputRefused, MunimentError, StoreTampered, StoreUnavailable, TooLarge
from compliance.settings import EvidenceSettings, RedactSettings
from tests.web_world import World, served, web_world
from web.app import create_app
from web.limits import gunzipped
from web.problems import LONGEST, TABLE, problem_of

SENT = "alice@example.org"
broken = APIRouter()


@broken.get("/broken/{how}")
def fail(how: str) -> None:
    """A page that fails as it is told to."""
    match how:
        case "defect":
            raise ZeroDivisionError(SENT)
        case "busy":
            raise StoreUnavailable("The store is locked.")
        case "tampered":
            raise StoreTampered("Entry 3 does not verify.", index=3)
        case _:
            raise OperationalError("SELECT 1", {}, sqlite3.OperationalError("database is locked"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store", evidence=EvidenceSettings(max_body_mib=1)) as made:
        yield made


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with TestClient(create_app(world.store, world.answers, pages=[broken])) as made:
        yield made


# --- the table ---------------------------------------------------------------------------------


def family(base: type[MunimentError] = MunimentError) -> list[type[MunimentError]]:
    return [base, *(member for child in base.__subclasses__() for member in family(child))]


def test_every_error_of_the_family_has_a_kind_and_a_status() -> None:
    """Whatever error of the family arises, the table knows its kind, and its status is an error's."""
    for error in family():
        if error is errors.LibraryInvalid or error.__module__ != errors.__name__:
            continue  # made from what they list, or never leaving their own folder
        problem = problem_of(error("What."))
        assert problem["type"].startswith("urn:muniment:problem:")
        assert 400 <= problem["status"] < 600
    assert len(set(TABLE.values())) == len(TABLE)


def test_a_refusal_names_field_and_whether_to_try_again() -> None:
    """The field is named where there is one, and `permanent` is false where trying again may help."""
    problem = problem_of(InputRefused("No.", field="/a"))
    assert (problem["field"], problem["status"], "permanent" in problem) == ("/a", 422, False)
    assert problem_of(StoreUnavailable("Later."))["permanent"] is False


def test_a_refusal_does_not_send_back_what_was_sent() -> None:
    """Detail and field are cut to a bound: a refusal of megabytes is not megabytes."""
    problem = problem_of(InputRefused("x" * 5000, field="y" * 5000))
    assert len(problem["detail"]) <= LONGEST + 1
    assert len(problem["field"]) <= LONGEST + 1


def test_a_busy_store_says_when_to_come_back(client: TestClient) -> None:
    """Busy is 503 with Retry-After, whether the log or the database says so; no SQL is told."""
    for how in ("busy", "locked"):
        answer = client.get(f"/broken/{how}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "SELECT" not in answer.text


def test_a_defect_tells_and_logs_nothing_that_was_sent(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect of ours is 500 with all headers; its message, which may hold a key, is nowhere."""
    with caplog.at_level(logging.ERROR):
        answer = client.get("/broken/defect")
        client.get("/broken/tampered")
    assert (answer.status_code, answer.json()["title"]) == (500, "Internal error")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "ZeroDivisionError" in caplog.text
    assert "Entry 3" in caplog.text
    assert "alice" not in answer.text + caplog.text


def test_nothing_of_a_defect_reaches_the_servers_log(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    """Served by uvicorn, a defect leaves no traceback with its message on standard error either."""
    app = create_app(world.store, world.answers, pages=[broken])
    with served(app) as url, TestClient(app) as client:
        assert client.get(f"{url}/broken/defect").status_code == 500
    assert "alice" not in "".join(capfd.readouterr())


def test_paths_and_methods_that_are_not_there(client: TestClient) -> None:
    """No such path is 404, no such method 405 with what is allowed: problems too."""
    missing, wrong = client.get("/api/v1/nothing"), client.delete("/api/v1/lineage")
    assert (missing.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, "POST")
    assert {answer.headers["content-type"] for answer in (missing, wrong)} == {"application/problem+json"}


def test_a_browser_gets_a_page(client: TestClient, world: World) -> None:
    """A person's browser meets a page, escaped; under /api/ and /log/ it stays a problem document."""
    accept = {"Accept": "text/html,*/*;q=0.8"}
    page = client.get("/<b>x</b>", headers=accept)
    assert page.headers["content-type"].startswith("text/html")
    assert "<b>" not in page.text
    assert html.escape("<b>x</b>") in page.text
    assert client.get("/log/vkey", headers=accept).headers["content-type"] == "application/problem+json"

    def mine(_request: Any, problem: dict[str, Any]) -> PlainTextResponse:
        return PlainTextResponse(problem["title"], problem["status"])

    with TestClient(create_app(world.store, world.answers, problem_page=mine)) as other:
        assert other.get("/nothing", headers=accept).text == "Not Found"


def test_a_wrong_redaction_stops_the_start(tmp_path: Path) -> None:
    """A pointer or pattern that cannot be understood is refused at the start, not at the first body."""
    for wrong in (RedactSettings(pointers=("note",)), RedactSettings(patterns=("(",))):
        with (
            pytest.raises(InputRefused, match=r"pointer|pattern"),
            web_world(tmp_path / str(hash(wrong)), redact=wrong),
        ):
            pass


# --- limits ------------------------------------------------------------------------------------

MIB = 1024 * 1024


def send(world: World, body: bytes, **headers: str) -> Any:
    return world.client.post("/api/v1/purposes", content=body, headers=world.bearer("ingest") | headers)


def test_a_body_has_a_limit(world: World) -> None:
    """A body above the limit is 413, by its stated length or as soon as it goes beyond."""
    body = b" " * MIB + b"[]"
    assert send(world, body).status_code == 413

    def pieces() -> Iterator[bytes]:
        yield body[:MIB]
        yield body[MIB:]

    streamed = world.client.post("/api/v1/purposes", content=pieces(), headers=world.bearer("ingest"))
    assert streamed.status_code == 413
    assert send(world, b" " * (MIB - 2) + b"[]").status_code == 201


def test_a_gzip_bomb_is_too_large(world: World) -> None:
    """What unpacks beyond the limit is 413, and is not unpacked further."""
    bomb = gzip.compress(b" " * (300 * MIB))
    assert len(bomb) < MIB
    answer = send(world, bomb, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["field"]) == (413, "body")


@pytest.mark.parametrize(
    "body",
    [b"{}", gzip.compress(b"[]", mtime=0)[:-4], gzip.compress(b"[]", mtime=0) + b"x", zlib.compress(b"[]")],
)
def test_broken_gzip_is_refused(world: World, body: bytes) -> None:
    """What is no gzip file, is cut short or has something behind it is 422."""
    assert send(world, body, **{"Content-Encoding": "gzip"}).status_code == 422


def test_other_codings_are_not_taken(world: World) -> None:
    """A coding other than gzip is 415; identity and upper case are fine."""
    answer = send(world, b"[]", **{"Content-Encoding": "br"})
    assert (answer.status_code, answer.json()["field"]) == (415, "Content-Encoding")
    assert send(world, b"[]", **{"Content-Encoding": "identity"}).status_code == 201
    assert send(world, gzip.compress(b"[]"), **{"Content-Encoding": "GZIP"}).status_code == 201


@given(parts=st.lists(st.binary(max_size=200), max_size=4), limit=st.integers(0, 900))
def test_unpacking_gives_back_or_refuses(parts: list[bytes], limit: int) -> None:
    """Members one after the other unpack to their contents joined, or are too large, never cut."""
    packed, whole = b"".join(map(gzip.compress, parts)), b"".join(parts)
    if len(whole) <= limit:
        assert gunzipped(packed, limit) == whole
    else:
        with pytest.raises(TooLarge):
            gunzipped(packed, limit)


def test_nobody_unknown_makes_the_server_read(world: World) -> None:
    """A body is not read before its sender is known: an unknown one is told 401, however much they send."""

    def endless() -> Iterator[bytes]:
        yield b" " * MIB
        yield b" " * MIB
        yield b" "

    assert world.client.post("/api/v1/purposes", content=endless()).status_code == 401


# --- headers, health, description --------------------------------------------------------------


def test_every_response_bears_the_headers(client: TestClient) -> None:
    """No response may be framed, sniffed, cached by others, or load a script from elsewhere."""
    for path in ("/healthz", "/docs", "/openapi.json", "/nothing", "/broken/defect"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")


def test_health(world: World) -> None:
    """Alive is one thing, ready another: ready needs the log and the database."""
    assert world.client.get("/healthz").json() == {"status": "ok"}
    world.token("auditor")
    assert world.client.get("/readyz").json() == {"status": "ready", "log_size": 1}
    Path(str(world.store.operations.url.database)).write_bytes(b"no database" * 100)
    world.store.operations.dispose()
    assert world.client.get("/healthz").status_code == 200
    assert world.client.get("/readyz").status_code >= 500


def test_metrics_count_by_route_and_name_nobody(world: World) -> None:
    """Requests are counted by route template and status, refusals too; paths, which may name data, are not."""
    send(world, b"[]")
    send(world, b"{")
    world.client.put(
        "/api/v1/members/lake/alice/v1?key_space=customer", headers=world.bearer("ingest"), content=b""
    )
    world.client.get("/alice")
    text = world.client.get("/metrics").text
    for line in (
        'muniment_requests_total{method="POST",route="/api/v1/purposes",status="201"} 1',
        'muniment_requests_total{method="POST",route="/api/v1/purposes",status="422"} 1',
        'muniment_requests_total{method="PUT",route="/api/v1/members/{names:names}",status="201"} 1',
        'muniment_requests_total{method="GET",route="(none)",status="404"} 1',
        f"muniment_log_entries {world.store.log.size}",
    ):
        assert line in text.splitlines()
    assert "alice" not in text


def test_the_api_describes_itself(world: World) -> None:
    """The OpenAPI document names every endpoint of intake with its refusals; /docs shows it without script."""
    document = world.client.get("/openapi.json").json()
    paths = document["paths"]
    for path in ("lineage", "lineage/batch", "opa/logs", "consents", "erasures", "contracts", "purposes"):
        assert set(paths[f"/api/v1/{path}"]["post"]["responses"]) >= {
            "401",
            "403",
            "413",
            "415",
            "422",
            "503",
        }
    assert {"title", "status", "detail", "field"} <= set(
        document["components"]["schemas"]["Problem"]["properties"]
    )
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert [one for one in operations if not one.get("description")] == []
    parameters = [one["name"] for operation in operations for one in operation.get("parameters", [])]
    assert not {"caller", "arrival", "asked"} & set(parameters), "who calls is no parameter"
    page = world.client.get("/docs").text
    assert all(html.escape(path) in page for path in paths)
    assert "<script" not in page
    assert "style=" not in page
