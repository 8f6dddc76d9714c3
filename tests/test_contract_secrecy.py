"""CONTRACT sections 3 and 5, what is never kept: raw keys, literals in SQL, secrets, open pseudonyms."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract_events import consent, dataset, decision, erasure, event, facet, known_as, manifest
from tests.served import SECRET, SOURCES, Served, bytes_below, problem, serving

CONFIGURATION = (
    SOURCES
    + """
[redact]
pointers = ["/run/facets/environment-properties", "/inputs/*/facets/owner/owners/*/name"]
patterns = ["[0-9]{13,19}"]
"""
)
KEY = "C-ünïque-774411"
"""A raw key that stands in no other test, in a spelling that NFC leaves as it is."""
DECOMPOSED = "C-u\N{COMBINING DIAERESIS}ni\N{COMBINING DIAERESIS}que-774411"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store that redacts."""
    with serving(tmp_path_factory, CONFIGURATION) as served:
        yield served


def found(store: Served, *needles: bytes, below: Path | None = None) -> list[str]:
    """The files of the store's folder, of the server's words too, that hold one of the needles."""
    folder = store.command.folder if below is None else below
    return [str(path) for path, content in bytes_below(folder) for needle in needles if needle in content]


def spellings(key: str) -> list[bytes]:
    """A key as it might lie on disk: plain, escaped as JSON, as base64, as hex."""
    plain = key.encode()
    return [plain, json.dumps(key)[1:-1].encode(), base64.b64encode(plain)[:-4], plain.hex().encode()]


def test_a_raw_key_is_replaced_by_its_pseudonym_and_lies_nowhere(store: Served) -> None:
    """In consents, erasures and decision logs, gzipped or refused, a raw key is never stored, logged or echoed."""
    named = {"key_space": "customer", "key": KEY}
    given = {name: value for name, value in consent("x", "granted", 1).items() if name != "pseudonym"} | named
    erased = {name: value for name, value in erasure("x", 1).items() if name != "pseudonym"} | named
    decided = decision("raw", 1, purpose="service", records=[named, {**named, "key": DECOMPOSED}])
    entries = [
        store.sent("/consents", given)["entry"],
        store.sent("/consents", f"{json.dumps(given)}\n\n{json.dumps({**given, 'note': 1}, ensure_ascii=False)}".encode())["entry"],
        store.sent("/erasures", gzip.compress(json.dumps([erased]).encode()), headers={"Content-Encoding": "gzip"})["entry"],
        store.sent("/opa/logs", [decided])["entry"],
    ]  # fmt: skip
    for entry in entries:
        shown = store.get(f"/api/v1/evidence/{entry}/payload").text
        assert known_as(KEY) in shown
        assert KEY not in shown
        assert '"key"' not in shown
        said = store.get(f"/api/v1/evidence/{entry}").json()["entry"]["detail"]
        assert "redactions" in said, "what was replaced is named in the evidence record"
    for path, wrong in (
        ("/consents", {**given, "at": KEY}),
        ("/erasures", [erased, {**erased, "method": 5}]),
    ):
        assert problem(store.post(path, wrong), 422)
    problem(store.post("/record-usage", {"key_space": "starship", "key": KEY, "reason": "x"}), 404)
    problem(store.post("/record-usage", {"key_space": "customer", "key": KEY, "reason": "x", "at": "x"}), 422)
    answer = store.usage(KEY)
    assert answer["pseudonym"] == known_as(KEY)
    assert KEY not in json.dumps(answer, ensure_ascii=False)
    assert store.usage(DECOMPOSED)["pseudonym"] == known_as(KEY), "NFC-normalised before it is hashed"
    assert found(store, *spellings(KEY), DECOMPOSED.encode()) == []


def test_a_refusal_repeats_no_raw_key(store: Served) -> None:
    """The problem details of a wrong item name the field, and never the key that stood beside or in it."""
    for wrong in (
        {"key_space": "customer", "key": 774411774411, "purpose": "p", "action": "granted", "at": "2026-03-02T00:00:00Z"},
        {"key_space": KEY, "key": KEY, "purpose": "p", "action": "granted", "at": "2026-03-02T00:00:00Z"},
        {"key_space": "customer", "key": KEY, "pseudonym": known_as("x"), "purpose": "p", "action": "granted", "at": "2026-03-02T00:00:00Z"},
        {"key_space": "customer", "key": [KEY], "purpose": "p", "action": "granted", "at": "2026-03-02T00:00:00Z"},
    ):  # fmt: skip
        answer = store.post("/consents", wrong)
        assert problem(answer, 422)
        if wrong["key_space"] == "customer":
            assert KEY not in answer.json()["detail"]
            assert "774411" not in answer.text
    lines = store.ask("PUT", "/api/v1/members/lake/t/1?key_space=customer", content=f'"{KEY}"\n'.encode())
    assert problem(lines, 422)
    assert "774411" not in lines.text


def test_literals_in_sql_are_masked(store: Served) -> None:
    """Literals in SQL text are masked by a parser; what it cannot parse is masked whole; both are named."""
    stated = event("COMPLETE", "sql", 5, reads=[dataset("t")])
    stated["job"]["facets"]["sql"] = facet(
        query="SELECT a FROM t WHERE mail = 'ann.zq@example.test' AND n > 90817263"
    )
    entry = store.sent("/lineage", stated)["entry"]
    kept = store.get(f"/api/v1/evidence/{entry}/payload").json()["job"]["facets"]["sql"]["query"]
    assert "SELECT" in kept.upper()
    assert "mail" in kept
    broken = event("COMPLETE", "sql-broken", 6)
    broken["job"]["facets"]["sql"] = facet(query="SELEC ((( mail == `ann.zq@example.test")
    entry = store.sent("/lineage", broken)["entry"]
    kept = store.get(f"/api/v1/evidence/{entry}/payload").json()["job"]["facets"]["sql"]["query"]
    assert "mail" not in kept
    assert "redactions" in store.get(f"/api/v1/evidence/{entry}").json()["entry"]["detail"]
    assert found(store, b"ann.zq@example.test", b"90817263") == []


def test_configured_pointers_and_patterns_are_redacted(store: Served) -> None:
    """Configured JSON pointers and patterns are taken out before anything is stored, and named in the record."""
    stated = event(
        "COMPLETE",
        "redacted",
        7,
        reads=[dataset("t", owner=facet(owners=[{"name": "Zebulon Quix", "type": "X"}]))],
    )
    stated["run"]["facets"]["environment-properties"] = facet(secret="hush-5521")
    stated["run"]["facets"]["errorMessage"] = facet(message="card 4929123412341234 was declined")
    entry = store.sent("/lineage", stated)["entry"]
    assert "was declined" in store.get(f"/api/v1/evidence/{entry}/payload").text
    pointers = json.dumps(store.get(f"/api/v1/evidence/{entry}").json()["entry"]["detail"]["redactions"])
    assert "environment-properties" in pointers
    assert "errorMessage" in pointers
    assert found(store, b"hush-5521", b"4929123412341234", b"Zebulon Quix") == []


def test_no_entry_and_no_open_payload_holds_a_pseudonym(store: Served) -> None:
    """Lookups, consents, erasures, decisions and manifests are sealed from the first version on, inline or not."""
    pseudonym, size = known_as("C-sealed-1"), store.size()
    store.sent("/consents", consent("C-sealed-1", "granted", 1))
    store.sent("/erasures", erasure("C-sealed-1", 2))
    store.sent(
        "/opa/logs", [decision("sealed", 3, records=[{"key_space": "customer", "pseudonym": pseudonym}])]
    )
    members = manifest(*(f"C-sealed-{number}" for number in range(2000)))
    store.ask("PUT", "/api/v1/members/lake/sealed/1?key_space=customer", content=members).raise_for_status()
    store.usage("C-sealed-1", reason="the reason of Xanthippe")
    kept = [store.get(f"/api/v1/evidence/{index}").json()["entry"] for index in range(size, store.size())]
    assert len(kept) == 5
    for entry in kept:
        assert entry["payload"]["sealed"], entry["kind"]
    raw = bytes.fromhex(pseudonym)
    needles = (pseudonym.encode(), raw, base64.b64encode(raw)[:-2], b"Xanthippe")
    for folder in ("log", "payloads"):
        assert found(store, *needles, below=store.home / folder) == []


def test_the_key_spaces_secret_lies_nowhere(store: Served) -> None:
    """The secret is never in the API, log, database or backup."""
    store.command.ok("backup", "copy")
    assert found(store, SECRET.encode(), bytes.fromhex(SECRET), SECRET.upper().encode()) == []
    assert SECRET not in store.http.get("/openapi.json").text + store.http.get("/metrics").text
