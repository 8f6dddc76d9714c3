"""A hostile client: whatever it sends is answered 4xx, nothing is stored of it, and the server lives on."""

from __future__ import annotations

import gzip
import http.client
import json
import zlib
from collections.abc import Iterator

import pytest

from tests.contract_events import consent
from tests.served import Served, problem, serving

MIB = 1024 * 1024
PACKED = {"Content-Encoding": "gzip"}
GOOD = json.dumps(consent("C-1", "granted", 1))
INJECTION = "' OR '1'='1'; DROP TABLE entry; --"
LONG = "a" * 400_000
SCRIPT = "<script>alert('xss')</script>"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store that takes bodies of at most a mebibyte."""
    with serving(tmp_path_factory, MUNIMENT_EVIDENCE__MAX_BODY_MIB="1") as served:
        yield served


@pytest.fixture(autouse=True)
def _lives_on(store: Served) -> Iterator[None]:
    """After each attack nothing was appended by it, and the server answers."""
    size = store.size()
    yield
    assert store.http.get("/healthz").status_code == 200
    assert store.size() == size


# --- bodies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "statuses"),
    [
        (b"", {422}), (b"   \n", {422}), (b"null", {422}), (b"[]x", {422}), (b'"text"', {422}), (b"{", {422}), (b"\xff\xfe{}", {422}),
        (b"\xef\xbb\xbf" + GOOD.encode(), {422}), (GOOD.encode("utf-16"), {422}), (b"\x00" * 100, {422}),
        (GOOD.replace('"purpose"', '"at": "2026-03-02T00:00:00Z", "purpose"').encode(), {422}),
        (GOOD.replace('"purpose"', '"note": NaN, "purpose"').encode(), {422}),
        (GOOD.replace('"purpose"', '"note": -Infinity, "purpose"').encode(), {422}),
        (GOOD.replace('"purpose"', '"note": 1e999, "purpose"').encode(), {422}),
        (GOOD.replace('"purpose"', '"note": "\\ud800", "purpose"').encode(), {422}),
        (GOOD.replace('"purpose"', f'"note": {"[" * 200}{"]" * 200}, "purpose"').encode(), {413, 422}),
        (GOOD.replace('"purpose"', f'"note": {"[" * 100_000}{"]" * 100_000}, "purpose"').encode(), {413, 422}),
        (b"[" * 500_000, {413, 422}), (GOOD.replace('"purpose"', f'"note": {"9" * 5000}, "purpose"').encode(), {422}),
        (b'{"a":1}' + b" " * (2 * MIB), {413}), (b"[" + b"0," * 510_000 + b"0]", {413, 422}),
        (f'{{"{LONG}": 1, "{LONG}": 2}}'.encode(), {422}), (json.dumps({**json.loads(GOOD), "at": LONG}).encode(), {422}),
        (json.dumps({"eventTime": LONG, "job": {"namespace": "n", "name": "n"}}).encode(), {422}),
        (json.dumps({LONG: 1, "key_space": LONG}).encode(), {422}),
    ],
    ids=range(25),
)  # fmt: skip
def test_what_is_no_plain_json_is_refused(store: Served, body: bytes, statuses: set[int]) -> None:
    """Duplicate keys, NaN, infinities, half surrogates, depth, size, other encodings: problem details, 4xx."""
    for path in ("/consents", "/lineage", "/lineage/batch", "/opa/logs", "/record-usage"):
        answer = store.post(path, body)
        assert answer.status_code in statuses | {422}, (path, answer.text[:300])
        problem(answer, answer.status_code)
        assert len(answer.content) < 10_000, "a refusal does not send back what was sent"


def test_gzip_bombs_and_broken_gzip_are_refused_in_bounded_memory(store: Served) -> None:
    """Unpacked beyond the limit is 413, also in many members or nested; broken or cut short is 422; others 415."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(bomb.compress(b" " * MIB) for _ in range(200)) + bomb.flush()
    assert len(packed) < MIB
    problem(store.post("/consents", packed, headers=PACKED), 413)
    problem(store.post("/consents", gzip.compress(b" " * (MIB // 2)) * 5, headers=PACKED), 413)
    whole = gzip.compress(GOOD.encode())
    for broken in (whole[:-4], whole[:20], b"no gzip", b"", gzip.compress(whole), whole[:-8] + b"\0" * 8):
        assert problem(store.post("/consents", broken, headers=PACKED), 422)
    for coding in ("br", "deflate", "gzip, gzip", "zstd", "x" * 1000):
        answer = store.post("/consents", whole, headers={"Content-Encoding": coding})
        assert answer.status_code in {415, 422}
        problem(answer, answer.status_code)
    put = store.ask("PUT", "/api/v1/members/lake/t/1?key_space=customer", content=packed, headers=PACKED)
    problem(put, 413)


def test_a_content_type_changes_nothing_of_the_rules(store: Served) -> None:
    """Whatever a body calls itself, it is judged by its bytes."""
    for kind in (
        "text/html",
        "multipart/form-data; boundary=x",
        "application/xml",
        "x" * 4000,
        "",
        "application/x-www-form-urlencoded",
    ):
        answer = store.post(
            "/consents",
            b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            headers={"Content-Type": kind},
        )
        assert problem(answer, 422)
    parquet = {"Content-Type": "application/vnd.apache.parquet"}
    for body in (b"PAR1" + b"\0" * 100 + b"PAR1", b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1"):
        assert problem(
            store.ask("PUT", "/api/v1/members/lake/t/1?key_space=customer", content=body, headers=parquet),
            422,
        )


# --- headers, paths, queries ---------------------------------------------------------------------


def raw(store: Served, method: str, path: str, *headers: tuple[str, str]) -> tuple[int, bytes]:
    """A request whose path goes out as it stands."""
    connection = http.client.HTTPConnection(store.url.removeprefix("http://"), timeout=30)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "path",
    ["/log/tile/../../keys/master.hex", "/log/../keys/master.hex", "/log/tile/0/../../../keys/log-signing.pem", "//log//tile/0/000",
     "/log/%2e%2e/%2e%2e/keys/master.hex", "/log/tile/0/000.p/1/../../../../../keys/master.hex", "/log/..%5c..%5ckeys%5cmaster.hex",
     "/api/v1/evidence/../../../etc/passwd", "/api/v1/evidence/0/../../keys", "/api/v1/evidence/%2e%2e%2f%2e%2e/payload",
     "/api/v1/evidence/0/0/../../../payload", "/static/../../keys/master.hex", "/static/%2e%2e/%2e%2e/compliance/store.py",
     "/static/..%2f..%2fpyproject.toml", "/../../../../etc/passwd", "/api/v1/evidence/0%00/payload", "/docs/../../keys/master.hex"],
)  # fmt: skip
def test_no_path_leads_out_of_what_is_served(store: Served, path: str) -> None:
    """Traversal in tile, evidence and static paths, encoded or not, finds no file of the store or the machine."""
    token = ("Authorization", f"Bearer {store.token()}")
    status, body = raw(store, "GET", path, token)
    assert status in {404, 422, 400, 307, 308, 401}, body[:200]
    for secret in (
        b"PRIVATE KEY",
        b"root:",
        b"[project]",
        (store.home / "keys" / "master.hex").read_bytes().strip(),
    ):
        assert secret not in body


def test_huge_headers_and_lines_are_refused(store: Served) -> None:
    """A header or request line of hundreds of kilobytes is 4xx or a closed connection, never an answer of ours."""
    for path, header in ((f"/{'a' * 300_000}", "x"), ("/healthz", "b" * 300_000)):
        try:
            status, _ = raw(store, "GET", path, ("X-Large", header))
        except (OSError, http.client.HTTPException):
            continue
        assert 400 <= status < 500
    status, _ = raw(
        store,
        "POST",
        "/api/v1/consents",
        ("Content-Length", "99999999999"),
        ("Authorization", f"Bearer {store.token()}"),
    )
    assert status == 413
    status, _ = raw(
        store,
        "POST",
        "/api/v1/consents",
        ("Content-Length", "-5"),
        ("Authorization", f"Bearer {store.token()}"),
    )
    assert status == 400


NAMES = (
    "control",
    "outcome",
    "framework",
    "at",
    "since",
    "log_size",
    "kind",
    "source",
    "family",
    "status",
    "last",
)
VALUES = (
    INJECTION, "1;DROP TABLE entry", "%00", "\x00", "9" * 400, "-1", SCRIPT, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
)  # fmt: skip


@pytest.mark.parametrize(
    "path", ["/api/v1/findings", "/api/v1/status", "/", "/evidence", "/controls", "/changes", "/reports"]
)
def test_query_parameters_are_data(store: Served, path: str) -> None:
    """SQL, or an instant at the ends of time, is an unknown value: 4xx or nothing found, never a defect."""
    for name in NAMES:
        for value in VALUES:
            answer = store.ask("GET", path, params={name: value}, headers={"Accept": "text/html"})
            assert answer.status_code < 500, (path, name, value, answer.text[:300])
            assert "html" not in answer.headers["content-type"] or SCRIPT not in answer.text


def test_names_in_questions_are_data(store: Served) -> None:
    """SQL, line breaks and NUL in the fields of a lookup or manifest find nothing and break nothing."""
    for space in (INJECTION, "customer\r\nX-Evil: 1", "customer\x00"):
        answer = store.post("/record-usage", {"key_space": space, "key": "x", "reason": "x"})
        problem(answer, 404)
        assert "x-evil" not in answer.headers
        answer = store.ask("PUT", "/api/v1/members/lake/t/1", params={"key_space": space}, content=b"")
        problem(answer, 422)
    assert store.http.get("/sign-in", params={"link": INJECTION}).status_code == 401


def test_methods_that_are_not_there_are_405_or_404(store: Served) -> None:
    """No other method does anything, on any endpoint."""
    for path in (
        "/api/v1/lineage",
        "/api/v1/record-usage",
        "/api/v1/evidence/0",
        "/log/checkpoint",
        "/healthz",
    ):
        for method in ("DELETE", "PATCH", "TRACE", "CONNECTX"):
            assert store.ask(method, path).status_code in {400, 404, 405}
    for method in ("PUT", "GET"):
        assert store.ask(method, "/api/v1/lineage").status_code == 405
