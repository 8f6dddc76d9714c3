"""CONTRACT sections 3 and 5, who may write and read what: scopes, narrowed scopes, bound sources, namespaces."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract_events import consent, contract, dataset, decision, erasure, event, facet, manifest
from tests.served import CORES, Served, problem, serving

PURPOSE = {"id": "service", "lawful_basis": "contract", "controller": "Small Bank"}
WRITES: dict[str, tuple[str, str, Any]] = {
    "lineage": ("POST", "/lineage", event("START", "rights", 1)),
    "decisions": ("POST", "/opa/logs", [decision("rights", 1)]),
    "consents": ("POST", "/consents", consent("C-1", "granted", 1)),
    "erasures": ("POST", "/erasures", erasure("C-1", 1)),
    "members": ("PUT", "/members/lake/t/1?key_space=customer", manifest("C-1")),
    "contracts": ("POST", "/contracts", contract("t", [])),
    "purposes": ("POST", "/purposes", PURPOSE),
}
READS = ("/log/checkpoint", "/log/vkey", "/log/tile/0/000.p/1", "/api/v1/evidence/0", "/api/v1/evidence/0/payload",
         "/api/v1/evidence/0/proof")  # fmt: skip
TOKENS: tuple[tuple[str, str | None], ...] = (
    ("ingest:lineage,ingest:consents", None), ("dpo", None), ("auditor", None), ("ingest", "spark"), ("ingest", "policy"),
    ("ingest", None),
)  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store with tokens of several scopes, made beside each other while it is served."""
    with serving(tmp_path_factory) as served:
        with ThreadPoolExecutor(CORES) as pool:
            list(pool.map(lambda asked: served.token(*asked), TOKENS))
        yield served


def write(store: Served, kind: str, scope: str, source: str | None = None) -> Any:
    """One write of a kind with a token."""
    method, path, body = WRITES[kind]
    request = {"content": body} if isinstance(body, bytes) else {"json": body}
    return store.ask(method, f"/api/v1{path}", scope=scope, source=source, **request)


# --- scopes --------------------------------------------------------------------------------------


def test_every_write_needs_a_token(store: Served) -> None:
    """Without a token, with one that is not known, or with another scheme, every write and look-up is 401."""
    size = store.size()
    headers: tuple[dict[str, str], ...] = (
        {}, {"Authorization": "Bearer mnm_forged"}, {"Authorization": "Bearer"}, {"Authorization": "Basic YTpi"},
        {"Authorization": store.token()}, {"Cookie": f"muniment_session={store.token()}"},
    )  # fmt: skip
    for method, path, _ in (*WRITES.values(), ("POST", "/record-usage", None)):
        for sent in headers:
            problem(store.http.request(method, f"/api/v1{path}", headers=sent), 401)
    assert store.size() == size


@pytest.mark.parametrize("kind", WRITES)
def test_a_narrowed_scope_writes_its_kind_alone(store: Served, kind: str) -> None:
    """Ingest may be narrowed to kinds; another kind, or a scope for reading, is 403. Plain ingest is all."""
    for scope, holds in (
        ("ingest:lineage,ingest:consents", {"lineage", "consents"}), ("dpo", set()), ("auditor", set()), ("ingest", set(WRITES)),
    ):  # fmt: skip
        answer = write(store, kind, scope)
        if kind in holds:
            assert answer.is_success, answer.text
        else:
            problem(answer, 403)


@pytest.mark.parametrize("path", READS)
def test_the_log_and_evidence_need_the_scope_auditor(store: Served, path: str) -> None:
    """GET /log/… and /api/v1/evidence/… need auditor: 401 without a token, 403 with another scope."""
    problem(store.http.get(path), 401)
    for scope in ("ingest", "dpo"):
        problem(store.ask("GET", path, scope=scope), 403)
    assert store.ask("GET", path, scope="auditor").status_code == 200


def test_a_lookup_needs_the_scope_dpo(store: Served) -> None:
    """POST /record-usage is for the scope dpo; nobody else's question is even recorded."""
    size, asked = store.size(), {"key_space": "customer", "key": "C-1", "reason": "test"}
    for scope in ("ingest", "auditor", "ingest:lineage,ingest:consents"):
        problem(store.post("/record-usage", asked, scope=scope), 403)
    assert store.size() == size
    assert store.post("/record-usage", asked, scope="dpo").is_success


def test_a_sealed_payload_is_not_unsealed_for_an_auditor(store: Served) -> None:
    """``/payload`` unseals for who may read; to an auditor a consent's payload is 403, its entry and proof open."""
    entry = store.sent("/consents", consent("C-sealed", "granted", 9))["entry"]
    problem(store.ask("GET", f"/api/v1/evidence/{entry}/payload", scope="auditor"), 403)
    assert store.ask("GET", f"/api/v1/evidence/{entry}", scope="auditor").status_code == 200
    assert store.ask("GET", f"/api/v1/evidence/{entry}/proof", scope="auditor").status_code == 200
    assert store.get(f"/api/v1/evidence/{entry}/payload").json()["purpose"] == "marketing"


# --- bound sources -------------------------------------------------------------------------------


def test_the_source_is_the_tokens_never_the_bodys(store: Served) -> None:
    """``source`` in an entry is that of the token; a token without one writes as ``api``."""
    stated = {**event("START", "sourced", 3), "source": "policy"}
    bound = store.sent("/lineage", stated, scope="ingest", source="spark")["entry"]
    free = store.sent("/lineage", stated, scope="ingest")["entry"]
    assert store.get(f"/api/v1/evidence/{bound}").json()["entry"]["source"] == "spark"
    assert store.get(f"/api/v1/evidence/{free}").json()["entry"]["source"] == "api"


def test_a_bound_source_sends_what_it_accepts(store: Served) -> None:
    """A source's ``accepts`` holds for its tokens, whatever their scope: another kind is 403."""
    for kind in WRITES:
        allowed = kind in {"lineage", "members", "contracts"}
        answer = write(store, kind, "ingest", "spark")
        assert answer.is_success if allowed else problem(answer, 403)
        answer = write(store, kind, "ingest", "policy")
        assert answer.is_success if kind == "decisions" else problem(answer, 403)


def test_outside_its_namespaces_a_source_is_403(store: Served) -> None:
    """A source limited to ``lake`` may speak of no other namespace: not as input, output, source or alias."""
    other = {"namespace": "sea", "name": "t"}
    lineage_of = {"fields": {"c": {"inputFields": [{**other, "field": "c"}]}}}
    outside: list[Any] = [
        event("COMPLETE", "out-1", 5, reads=[dataset("t", namespace="sea")]),
        event("COMPLETE", "out-2", 5, writes=[dataset("t", namespace="sea")]),
        event("COMPLETE", "out-3", 5, writes=[dataset("t", columnLineage=facet(**lineage_of))]),
        event("COMPLETE", "out-4", 5, writes=[dataset("t", symlinks=facet(identifiers=[{**other, "type": "TABLE"}]))]),
        {"eventTime": "2026-03-02T00:00:00Z", "dataset": other},
    ]  # fmt: skip
    size = store.size()
    for one in outside:
        problem(store.post("/lineage", one, scope="ingest", source="spark"), 403)
    path = "/api/v1/members/sea/t/1?key_space=customer"
    problem(store.ask("PUT", path, scope="ingest", source="spark", content=manifest("C-1")), 403)
    sea = {**contract("t", []), "namespace": "sea"}
    problem(store.post("/contracts", [contract("new", []), sea], scope="ingest", source="spark"), 403)
    assert store.size() == size
    results = store.sent(
        "/lineage/batch", [outside[0], event("COMPLETE", "in", 6)], scope="ingest", source="spark"
    )
    assert [item["status"] for item in results["results"]] == [403, 201]


# --- tokens --------------------------------------------------------------------------------------


def test_a_lapsed_token_is_refused(store: Served) -> None:
    """A token made with --days lapses: it works, and no more once its time is past."""
    token = store.command.ok("token", "create", "--scope", "auditor", "--days", "1").splitlines()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    assert store.http.get("/log/checkpoint", headers=headers).status_code == 200
    with sqlite3.connect(store.home / "operations.db") as database:
        # A day cannot be waited for: the row is put a day and a second back, as if it had passed. The table is
        # append-only, so what keeps it so goes first.
        triggers = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'api_token'"
        )
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(
            "UPDATE api_token SET expires_at = expires_at - 86401000000 WHERE expires_at IS NOT NULL"
        )
    database.close()
    problem(store.http.get("/log/checkpoint", headers=headers), 401)


def test_making_a_token_warns_and_is_itself_evidence(store: Served) -> None:
    """Plain ingest warns; the token is alone on the last line, kept as a hash only, and in an entry of its own."""
    done = store.command.run("token", "create", "--scope", "ingest")
    assert done.returncode == 0
    assert "acquittal" in done.stderr
    token = done.stdout.splitlines()[-1]
    assert token.split() == [token]
    assert not any(token.encode() in path.read_bytes() for path in store.home.rglob("*") if path.is_file())
    last = store.get(f"/api/v1/evidence/{store.size() - 1}").json()["entry"]
    assert last["kind"].startswith("access/")
