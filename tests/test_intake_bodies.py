"""Taking in consents, erasures, contracts, purposes, attestations and exceptions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.attestations.read import READER as ATTESTATIONS
from collectors.consents.read import READER as CONSENTS
from collectors.contracts.read import READER as CONTRACTS
from collectors.erasures.read import READER as ERASURES
from collectors.exceptions.read import READER as EXCEPTIONS
from collectors.purposes.read import READER as PURPOSES
from collectors.pushed import bodies
from compliance.canonical import EPOCH, parse_time
from compliance.errors import TooLarge
from compliance.facts import Received
from compliance.settings import RedactSettings, SourceSettings
from tests.web_world import NOW, World, field_of, web_world

PSEUDONYM = "00112233445566778899aabbccddeeff"
CONSENT = {
    "key_space": "customer", "pseudonym": PSEUDONYM, "purpose": "scoring", "action": "granted",
    "at": "2026-11-01T00:00:00+01:00",
}  # fmt: skip
ERASURE = {
    "key_space": "customer", "pseudonym": PSEUDONYM, "datasets": [{"namespace": "lake", "name": "raw"}],
    "requested_at": "2026-10-01T00:00:00Z", "completed_at": "2026-10-09T00:00:00Z", "method": "delete",
    "request_id": "r-1",
}  # fmt: skip
CONTRACT = {
    "namespace": "lake", "name": "raw", "permitted_purposes": ["scoring"], "valid_from": "2026-01-01T00:00:00Z",
    "retention_days": 30, "residency": ["eu-central-1"], "key_spaces": ["customer"],
    "fields": [{"name": "email", "sensitivity": "personal", "key_space": "customer"}], "owner": "team-a",
}  # fmt: skip
PURPOSE = {"id": "scoring", "lawful_basis": "consent", "controller": "The Bank"}
ATTESTATION = {
    "attestation": "a-1", "control": "C-1", "statement": "Reviewed.", "signed_by": "J. Doe",
    "signed_at": "2026-11-20T09:00:00Z", "valid_until": "2027-11-20T09:00:00Z",
}  # fmt: skip
EXCEPTION = {
    "id": "e-1", "control": "C-1", "resource": None, "reason": "Migration.", "compensating": "Watched by hand.",
    "approver": "J. Doe", "valid_from": "2026-01-01T00:00:00Z", "expires_at": "2027-01-01T00:00:00Z",
}  # fmt: skip
GOOD: dict[str, tuple[dict[str, Any], str, Any]] = {
    "consents": (CONSENT, "consents/1", CONSENTS),
    "erasures": (ERASURE, "erasures/1", ERASURES),
    "contracts": (CONTRACT, "contracts/1", CONTRACTS),
    "purposes": (PURPOSE, "purposes/1", PURPOSES),
    "attestations": (ATTESTATION, "attestation/1", ATTESTATIONS),
    "exceptions": (EXCEPTION, "exception/1", EXCEPTIONS),
}
SEALED = {"consents", "erasures", "attestations", "exceptions"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def post(world: World, path: str, body: Any, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    bearer = world.bearer("ingest", "attest", "admin")
    return world.client.post(f"/api/v1/{path}", content=content, headers=bearer | headers)


@pytest.mark.parametrize("path", GOOD)
def test_one_object_an_array_and_lines_are_alike(world: World, path: str) -> None:
    """A body may be one object, a JSON array or NDJSON; each is stored as received and read back alike."""
    item, kind, reader = GOOD[path]
    text = json.dumps(item)
    variants = [
        text,
        f"[{text} , {json.dumps(item | {'n': 1})}]",
        f"{text}\r\n\n{json.dumps(item | {'n': 2})}\n",
    ]
    for number, body in enumerate(variants):
        answer = post(world, path, body.encode())
        assert (answer.status_code, answer.json()["items"]) == (201, min(number + 1, 2)), answer.text
    found = world.evidence(kind)
    assert [body.decode() for _, _, body in found] == variants
    assert [entry.payload is not None and entry.payload.sealed is not None for _, entry, _ in found] == [
        path in SEALED
    ] * 3
    records = [r for r in world.readings(reader, kind) if isinstance(r, Received)]
    first, second, third = (index for index, _, _ in found)
    assert [r.evidence for r in records] == [
        f"{first}/0", f"{second}/0", f"{second}/1", f"{third}/0", f"{third}/1",
    ]  # fmt: skip
    assert all(item.items() <= dict(r.value).items() for r in records)


@pytest.mark.parametrize("path", GOOD)
def test_known_items_append_nothing(world: World, path: str) -> None:
    """Items that were all sent before append nothing, in whatever order and spelling they come again."""
    item, _, _ = GOOD[path]
    both = [item, item | {"n": 1}]
    post(world, path, both)
    size = world.store.log.size
    answer = post(world, path, "\n".join(json.dumps(one, sort_keys=True) for one in reversed(both)).encode())
    assert (answer.status_code, answer.json()["known_before"], world.store.log.size) == (201, True, size)


@pytest.mark.parametrize("body", [b"[1,2,3,4]", b"{}\n{}\n\n{}\n{}\n"])
def test_a_body_has_a_limit_on_its_items(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """More items than are taken at once are too large, however small each is."""
    monkeypatch.setattr(bodies, "MOST_ITEMS", 4)
    assert len(bodies.take_apart(body).values) == 4
    monkeypatch.setattr(bodies, "MOST_ITEMS", 3)
    with pytest.raises(TooLarge, match="more than 3 items"):
        bodies.take_apart(body)


def without(item: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key != name}


OPTIONAL = {"retention_days", "residency", "key_spaces", "fields", "owner", "valid_until", "resource"}
MISSING = [(path, name) for path, (item, _, _) in GOOD.items() for name in item if name not in OPTIONAL]


@pytest.mark.parametrize(("path", "name"), MISSING)
def test_a_missing_field_is_named_and_nothing_is_applied(world: World, path: str, name: str) -> None:
    """Without a field that it needs, the second of two items is named, and neither is applied."""
    item, kind, _ = GOOD[path]
    broken = without(item, name)
    expected = "/check" if (path, name) == ("exceptions", "control") else f"/{name}"
    assert field_of(post(world, path, [item, broken])) == f"/1{expected}"
    lines = f"{json.dumps(item)}\n\n{json.dumps(broken)}"
    assert field_of(post(world, path, lines.encode())) == f"line 3: {expected}"
    assert world.evidence(kind) == []


WRONG = [
    ("consents", {"at": "2026-11-01T00:00:00"}, "/at"),
    ("consents", {"action": "maybe"}, "/action"),
    ("consents", {"pseudonym": PSEUDONYM.upper()}, "/pseudonym"),
    ("consents", {"pseudonym": "alice"}, "/pseudonym"),
    ("consents", {"key": "alice"}, "/key"),
    ("erasures", {"requested_at": "2026-11-01"}, "/requested_at"),
    ("erasures", {"datasets": "all"}, "/datasets"),
    ("erasures", {"datasets": [{"namespace": "n"}]}, "/datasets/0/name"),
    ("contracts", {"valid_from": "2026-11-01T00:00:00"}, "/valid_from"),
    ("contracts", {"permitted_purposes": "all"}, "/permitted_purposes"),
    ("contracts", {"permitted_purposes": ["a", 1]}, "/permitted_purposes/1"),
    ("contracts", {"retention_days": True}, "/retention_days"),
    ("contracts", {"residency": "eu"}, "/residency"),
    ("contracts", {"fields": [{}]}, "/fields/0/name"),
    ("purposes", {"lawful_basis": "because"}, "/lawful_basis"),
    ("purposes", {"valid_from": "2026-11-01T00:00:00"}, "/valid_from"),
    ("attestations", {"valid_until": "2026-11-20T09:00:00Z"}, "/valid_until"),
    ("exceptions", {"check": "c"}, "/check"),
    ("exceptions", {"expires_at": "2025-01-01T00:00:00Z"}, "/expires_at"),
]


@pytest.mark.parametrize(("path", "change", "field"), WRONG)
def test_a_wrong_field_is_named(world: World, path: str, change: dict[str, Any], field: str) -> None:
    """Times need a zone here, and every other field its form: 422, naming the field."""
    answer = post(world, path, GOOD[path][0] | change)
    assert (answer.status_code, field_of(answer)) == (422, field)
    assert "alice" not in answer.text, "what may be a raw key is not echoed"


# --- raw keys and redaction --------------------------------------------------------------------


def test_a_raw_key_is_replaced_before_anything_is_stored(world: World) -> None:
    """A raw key becomes its pseudonym; only the bytes of its member change; the entry says so."""
    raw = '{ "key_space":"customer",  "key" : "Al\\u0069ce@Example", "purpose":"p","action":"granted",'
    rest = ' "at":"2026-11-01T00:00:00Z", "score": 1.50e1}'
    assert post(world, "consents", (raw + rest).encode()).status_code == 201
    made = world.store.key_spaces.pseudonym("customer", "Alice@Example")
    [(_, entry, body)] = world.evidence("consents/1")
    head = f'{{ "key_space":"customer",  "pseudonym" : "{made}", "purpose":"p","action":"granted",'
    assert body.decode() == head + rest
    assert entry.detail["redactions"] == [{"item": 0, "kind": "key", "pointer": "/key"}]
    assert entry.detail["rewritten"] is True
    assert b"Al\\u0069ce" not in world.everything()
    assert made.encode() not in entry.to_bytes()
    [record] = world.readings(CONSENTS, "consents/1")
    assert isinstance(record, Received)
    assert record.value["pseudonym"] == made
    assert record.value["key_id"] == world.store.key_spaces.current_key_id("customer")


def test_equal_keys_in_another_normal_form_are_the_same_item(world: World) -> None:
    """A key counts in its NFC form, so the decomposed spelling of one sent before appends nothing."""
    item = without(CONSENT, "pseudonym")
    post(world, "consents", item | {"key": "Jos\u00e9"})
    assert post(world, "consents", item | {"key": "Jose\u0301"}).json()["known_before"] is True


def test_a_key_of_an_unknown_key_space_is_refused(world: World) -> None:
    """Nobody can make a pseudonym without the key space's secret: 422, naming the field, not the key."""
    answer = post(
        world, "erasures", [without(ERASURE, "pseudonym") | {"key": "alice", "key_space": "patient"}]
    )
    assert (answer.status_code, field_of(answer)) == (422, "/0/key_space")
    assert "alice" not in answer.text
    assert b"alice" not in world.everything()


def test_many_redactions_are_counted_by_place(world: World) -> None:
    """An entry stays small: beyond a hundred, redactions are counted by the kind of their place."""
    item = without(CONSENT, "pseudonym")
    assert post(world, "consents", [item | {"key": str(n)} for n in range(3000)]).status_code == 201
    [(_, entry, _)] = world.evidence("consents/1")
    assert entry.detail["redactions"] == [{"kind": "key", "pointer": "/key", "times": 3000}]


def test_configured_pointers_and_patterns_are_redacted(tmp_path: Path) -> None:
    """Configured JSON pointers and patterns are redacted before storing, each named without its value."""
    redact = RedactSettings(pointers=("/note", "/people/*/name"), patterns=(r"[\w.]+@[\w.]+",))
    item = PURPOSE | {
        "note": {"by": "Ann Aldridge"}, "people": [{"name": "Bob Bowman", "mail": "b@x.example.org"}],
        "c@x.example.org": {"deep": "Cyrus Calder"},
    }  # fmt: skip
    with web_world(tmp_path / "store", redact=redact) as world:
        assert post(world, "purposes", item).status_code == 201
        [(_, entry, body)] = world.evidence("purposes/1")
        stored = world.everything()
    value = json.loads(body)
    assert value["note"] == "[redacted]"
    assert value["people"] == [{"name": "[redacted]", "mail": "[redacted]"}]
    assert not [
        raw for raw in (b"Ann Aldridge", b"Bob Bowman", b"x.example.org", b"Cyrus Calder") if raw in stored
    ]
    named = {(one["pointer"], one["kind"]) for one in entry.detail["redactions"]}
    assert named == {
        ("/note", "pointer"), ("/people/0/name", "pointer"), ("/people/0/mail", "pattern"), ("/[redacted]", "pattern"),
    }  # fmt: skip


# --- instants ----------------------------------------------------------------------------------


def test_declarations_count_from_when_they_hold(world: World) -> None:
    """A contract counts from its valid_from, a purpose without one since ever; the future is no defect."""
    post(world, "contracts", [CONTRACT, CONTRACT | {"valid_from": "2027-01-01T00:00:00Z"}])
    post(world, "purposes", PURPOSE)
    contracts = world.readings(CONTRACTS, "contracts/1")
    assert [r.instant for r in contracts if isinstance(r, Received)] == [
        datetime(2026, 1, 1, tzinfo=UTC), NOW,
    ]  # fmt: skip
    assert len(contracts) == 2
    assert [r.instant for r in world.readings(PURPOSES, "purposes/1") if isinstance(r, Received)] == [EPOCH]
    [(_, entry, _)] = world.evidence("contracts/1")
    assert entry.instant == datetime(2026, 1, 1, tzinfo=UTC), "nothing in an entry counts from before it"


def test_an_exception_counts_from_its_receipt(world: World) -> None:
    """Nobody excuses a past failure after the fact, whatever valid_from says."""
    post(world, "exceptions", EXCEPTION)
    [record] = world.readings(EXCEPTIONS, "exception/1")
    assert isinstance(record, Received)
    assert record.instant == NOW


def test_several_items_count_each_from_their_own_time(world: World) -> None:
    """The items of a body keep their own times; the entry's is the earliest of them."""
    later = CONSENT | {"action": "withdrawn", "at": "2026-11-05T00:00:00Z"}
    post(world, "consents", [later, CONSENT])
    [(_, entry, _)] = world.evidence("consents/1")
    assert entry.observed_at == parse_time(CONSENT["at"])
    instants = [r.instant for r in world.readings(CONSENTS, "consents/1") if isinstance(r, Received)]
    assert instants == [parse_time(later["at"]), parse_time(CONSENT["at"])]


# --- rights ------------------------------------------------------------------------------------


def test_each_endpoint_needs_its_scope(world: World) -> None:
    """A narrowed token writes its own kind alone; attestations and exceptions need scopes of their own."""
    paths = {"lineage", *GOOD}
    scopes = {f"ingest:{kind}": kind for kind in ("lineage", "consents", "erasures", "contracts", "purposes")}
    scopes |= {"attest": "attestations", "admin": "exceptions"}
    for scope, own in scopes.items():
        for path in paths:
            answer = world.client.post(f"/api/v1/{path}", content=b"{}", headers=world.bearer(scope))
            assert (answer.status_code == 403) is (path != own), (scope, path)
    for path in paths:
        assert world.client.post(f"/api/v1/{path}", content=b"{}").status_code == 401


def test_a_bound_source_sends_what_it_may(tmp_path: Path) -> None:
    """A push source sends what it is configured to accept, within its namespaces; `*` is outside of them."""
    source = SourceSettings(name="shop", kind="push", accepts=("erasures", "contracts"), namespaces=("lake",))
    with web_world(tmp_path / "store", sources=(source,)) as world:
        bearer = world.bearer("ingest", source="shop")

        def status(path: str, item: dict[str, Any]) -> int:
            return world.client.post(f"/api/v1/{path}", json=item, headers=bearer).status_code

        assert status("erasures", ERASURE) == 201
        assert status("erasures", ERASURE | {"datasets": "*"}) == 403
        assert status("contracts", CONTRACT | {"namespace": "vault"}) == 403
        assert status("consents", CONSENT) == 403
        assert [entry.source for _, entry, _ in world.evidence("erasures/1")] == ["shop"]


def test_the_same_item_of_another_source_is_another_entry(tmp_path: Path) -> None:
    """Sending again is per source: what a second source says is evidence of its own."""
    source = SourceSettings(name="shop", kind="push")
    with web_world(tmp_path / "store", sources=(source,)) as world:
        post(world, "consents", CONSENT)
        bearer = world.bearer("ingest", source="shop")
        answer = world.client.post("/api/v1/consents", json=CONSENT, headers=bearer)
        assert answer.json()["known_before"] is False
        assert [entry.source for _, entry, _ in world.evidence("consents/1")] == ["api", "shop"]
        world.store.clock.move(timedelta(days=40))
        assert (
            world.client.post("/api/v1/consents", json=CONSENT, headers=bearer).json()["known_before"] is True
        )
