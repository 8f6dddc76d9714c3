"""The log over HTTP, evidence with its bytes and proofs, and the machine's questions."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compliance.canonical import format_time
from compliance.evidence import CollectorName, Item, Observation
from tests.web_world import NOW, World, field_of, web_world

CONSENT = {
    "key_space": "customer", "key": "alice", "purpose": "p", "action": "granted", "at": "2026-11-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def get(world: World, path: str, *scopes: str) -> Any:
    return world.client.get(path, headers=world.bearer(*(scopes or ("auditor",))))


def post(world: World, path: str, body: Any) -> str:
    answer = world.client.post(f"/api/v1/{path}", json=body, headers=world.bearer("ingest"))
    assert answer.status_code == 201, answer.text
    entry: str = answer.json()["entry"]
    return entry


def collected(world: World) -> int:
    """An entry with two collected responses."""
    parts = [b'{"Users": []}', b"<xml/>"]
    items, offset = [], 0
    for number, part in enumerate(parts):
        digest = hashlib.sha256(part).hexdigest()
        items.append(Item("acc", {"operation": f"Op{number}"}, 200, "role", NOW, offset, len(part), digest))
        offset += len(part)
    observation = Observation(
        "aws-iam/1", "aws", CollectorName("aws-iam", "1"), b"".join(parts), items=tuple(items)
    )
    index = world.store.log.append([observation])[0]
    assert index is not None
    return index


# --- the log -----------------------------------------------------------------------------------


def test_the_log_is_served_as_it_is_published(world: World) -> None:
    """Checkpoint, verifier key and tiles come byte for byte as they lie in the folder."""
    headers = world.bearer("auditor")
    folder = Path(str(world.store.operations.url.database)).parent / "log"
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    served = [path for path in paths if path in {"checkpoint", "vkey"} or path.startswith("tile/")]
    assert len(served) >= 4
    for path in served:
        answer = world.client.get(f"/log/{path}", headers=headers)
        assert (answer.status_code, answer.content) == (200, (folder / path).read_bytes()), path
    assert world.client.get("/log/checkpoint", headers=headers).headers["cache-control"] == "no-cache"
    assert "immutable" in world.client.get("/log/tile/0/000.p/1", headers=headers).headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    [
        "head.db",
        "tile/0/000.p/77",
        "tile/9/001",
        "tile/../head.db",
        "tile/..%2f..%2fkeys/master",
        "tile/entries/0",
        "",
    ],
)
def test_nothing_else_of_the_store_is_served(world: World, path: str) -> None:
    """Whatever is no checkpoint, key or published tile is 404, whichever way it is written."""
    assert get(world, f"/log/{path}").status_code == 404


# --- evidence ----------------------------------------------------------------------------------


def test_an_entry_is_shown_as_it_is_proven(world: World) -> None:
    """The leaf that is proven, and the entry read from it, stand side by side."""
    index = post(world, "purposes", {"id": "p", "lawful_basis": "consent", "controller": "c"})
    shown = get(world, f"/api/v1/evidence/{index}").json()
    leaf = base64.b64decode(shown["leaf"])
    assert leaf == world.store.log.leaf(int(index))
    assert json.loads(leaf) == shown["entry"]
    assert (shown["id"], shown["index"], shown["sealed"]) == (index, int(index), False)


def test_a_proof_holds_against_the_checkpoint(world: World) -> None:
    """The proof is the log's own, against the published size or an earlier one."""
    post(world, "purposes", {"id": "p", "lawful_basis": "consent", "controller": "c"})
    headers = world.bearer("auditor")
    size = world.store.log.size
    published = world.client.get("/api/v1/evidence/0/proof", headers=headers)
    assert published.text == world.store.log.prove(0, size)
    assert published.text.endswith(world.client.get("/log/checkpoint", headers=headers).text)
    earlier = world.client.get("/api/v1/evidence/0/proof?log_size=1", headers=headers)
    assert earlier.text == world.store.log.prove(0, 1)
    assert world.client.get("/api/v1/evidence/0/proof?log_size=999", headers=headers).status_code == 404


def test_payloads_come_as_received(world: World) -> None:
    """The whole body, one document of a pushed body, or one collected response: each byte for byte."""
    purposes = [{"id": str(n), "lawful_basis": "consent", "controller": "c"} for n in range(2)]
    index = post(world, "purposes", purposes)
    _, entry, body = world.evidence("purposes/1")[0]
    whole = get(world, f"/api/v1/evidence/{index}/payload")
    assert whole.content == body
    assert entry.payload is not None
    assert (
        hashlib.sha256(whole.content).hexdigest() == entry.payload.sha256 == whole.headers["x-content-sha256"]
    )
    assert json.loads(get(world, f"/api/v1/evidence/{index}/1/payload").content) == purposes[1]
    other = collected(world)
    assert get(world, f"/api/v1/evidence/{other}/1/payload").content == b"<xml/>"
    about = get(world, f"/api/v1/evidence/{other}/1").json()["about"]
    assert (about["request"], about["observed_at"]) == ({"operation": "Op1"}, format_time(NOW))


def test_evidence_is_never_shown_as_a_page_of_ours(world: World) -> None:
    """Bytes of others are an attachment, sandboxed, not sniffed and not kept by anybody on the way."""
    index = collected(world)
    headers = get(world, f"/api/v1/evidence/{index}/payload").headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


def test_sealed_payloads_are_unsealed_for_who_may(world: World) -> None:
    """An auditor sees that a payload is sealed, its entry and its proof; dpo besides unseals it."""
    index = post(world, "consents", CONSENT)
    assert get(world, f"/api/v1/evidence/{index}").json()["sealed"] is True
    assert get(world, f"/api/v1/evidence/{index}/proof").status_code == 200
    refused = get(world, f"/api/v1/evidence/{index}/payload")
    assert refused.status_code == 403
    assert "dpo" in refused.json()["detail"]
    opened = get(world, f"/api/v1/evidence/{index}/payload", "auditor", "dpo")
    assert opened.json()["pseudonym"] == world.store.key_spaces.pseudonym("customer", "alice")
    assert get(world, f"/api/v1/evidence/{index}/payload", "dpo").status_code == 403


@pytest.mark.parametrize(
    ("name", "status"),
    [("999", 404), ("999/proof", 404), ("999/payload", 404), ("0/7", 404), ("0/7/payload", 404), ("x", 422),
     ("-1", 422), ("0/x", 422), ("1/2/3", 422), ("99999999999999999999", 404)],
)  # fmt: skip
def test_evidence_that_is_not_there(world: World, name: str, status: int) -> None:
    """An index or item that is not there is 404; what is no evidence id at all is 422."""
    answer = get(world, f"/api/v1/evidence/{name}", "auditor", "dpo")
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


# --- questions ---------------------------------------------------------------------------------


def ask(world: World, body: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return world.client.post("/api/v1/record-usage", content=content, headers=world.bearer("dpo"))


QUESTION = {"key_space": "customer", "key": "alice", "reason": "request 7"}


def test_a_lookup_is_asked_as_it_was_put(world: World) -> None:
    """Times, size and who asks reach the answers; nothing of it is in a URL."""
    asked = QUESTION | {"from": "2026-01-01T00:00:00Z", "to": "2026-02-01T00:00:00+01:00", "at": "2026-03-01T00:00:00Z",
                        "log_size": 3}  # fmt: skip
    assert ask(world, asked).json() == {"uses": [], "complete": True}
    [call] = world.answers.calls
    assert (call["key"], call["pseudonym"], call["reason"]) == ("alice", None, "request 7")
    assert call["who"].startswith("token:")
    assert call["basis"]["log_size"] == 3
    times = (call["basis"]["at"], call["from_"], call["to"])
    assert [format_time(time) for time in times] == [
        "2026-03-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-31T23:00:00Z",
    ]  # fmt: skip


BAD = [
    ({"pseudonym": "0" * 32}, "/key"), ({"key": None}, "/key"), ({"key": None, "pseudonym": "alice"}, "/pseudonym"),
    ({"key": 7}, "/key"), ({"reason": " "}, "/reason"), ({"reason": "x" * 3000}, "/reason"), ({"key_space": None}, "/key_space"),
    ({"from": "2026-01-01"}, "/from"), ({"at": 7}, "/at"), ({"log_size": -1}, "/log_size"), ({"log_size": True}, "/log_size"),
    ({"form": "2026-01-01T00:00:00Z"}, "/form"), ({"log_size": 999}, "log_size"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "field"), BAD)
def test_a_question_that_is_none_is_refused(world: World, change: dict[str, Any], field: str) -> None:
    """Each field has its form, a misspelt one is not overlooked, and the key is not echoed."""
    answer = ask(world, QUESTION | change)
    assert (answer.status_code, field_of(answer)) == (422, field)
    assert "alice" not in answer.text
    assert world.answers.calls == []


def test_a_question_is_one_json_object(world: World) -> None:
    """Arrays and broken JSON are refused."""
    assert ask(world, [QUESTION]).status_code == 422
    assert ask(world, b'{"key": "a", "key": "b"}').status_code == 422


def test_findings_and_status_are_passed_on(world: World) -> None:
    """Filters and the instant reach the answers; an unknown outcome or a time without zone is refused."""
    found = get(
        world, "/api/v1/findings?control=C-1&outcome=fail&at=2026-01-01T00:00:00Z&log_size=2", "engineer"
    )
    assert found.json() == [{"check": "c1"}]
    assert get(world, "/api/v1/status?framework=gdpr").json() == {"frameworks": {}}
    first, second = world.answers.calls
    assert (first["control"], first["outcome"], first["basis"]["log_size"]) == ("C-1", "fail", 2)
    assert (second["framework"], second["basis"]["at"]) == ("gdpr", None)
    assert field_of(get(world, "/api/v1/findings?outcome=good")) == "outcome"
    assert field_of(get(world, "/api/v1/status?at=2026-01-01")) == "at"
    assert field_of(get(world, "/api/v1/status?log_size=x")) == "log_size"
