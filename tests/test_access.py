"""Who may do what: tokens, sign-in links, sessions, forged requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, Form
from fastapi.testclient import TestClient
from sqlmodel import Session, select

from compliance.errors import InputRefused, NotFound, Unauthenticated
from compliance.settings import SourceSettings
from compliance.tables import ApiToken, SignInLink, WebSession
from tests.web_world import NOW, World, web_world
from web.access import (
    COOKIE,
    ROLES,
    Caller,
    create_sign_in_link,
    create_token,
    list_tokens,
    needs,
    open_session,
    revoke_token,
)
from web.app import create_app

SOURCES = (SourceSettings(name="shop", kind="push"), SourceSettings(name="aws", kind="aws-iam"))
page = APIRouter()


@page.post("/act")
def act(
    caller: Annotated[Caller, Depends(needs("engineer"))], what: Annotated[str, Form()] = ""
) -> dict[str, str]:
    """A page's form, as a later router would have it."""
    return {"by": caller.name, "what": what}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store", sources=SOURCES) as made:
        yield made


@pytest.fixture
def browser(world: World) -> Iterator[TestClient]:
    app = create_app(world.store, world.answers, pages=[page])
    with TestClient(app, base_url="https://muniment.example", follow_redirects=False) as client:
        yield client


# --- tokens ------------------------------------------------------------------------------------


def test_a_token_is_random_and_kept_as_a_hash_alone(world: World) -> None:
    """A token holds 256 random bits and lies nowhere in the store; its creation is an entry, its maker sealed."""
    made = create_token(
        world.store, scopes=["auditor", "dpo"], created_by="local:ann", valid_for=timedelta(days=1)
    )
    assert re.fullmatch(r"mnm_[\w-]{43}", made.token)
    assert made.token.encode() not in world.everything()
    [(_, entry, body)] = world.evidence("access/1")
    assert dict(entry.detail) == {
        "action": "token-created", "token": made.id, "scopes": ["auditor", "dpo"], "source": None,
        "expires_at": "2026-11-24T12:00:00Z",
    }  # fmt: skip
    assert b"local:ann" in body
    assert b"ann" not in entry.to_bytes()
    assert [token["id"] for token in list_tokens(world.store)] == [made.id]


def test_creating_a_token_refuses_and_warns(world: World) -> None:
    """Unknown scopes and sources are refused, listing what there is; plain ingest warns."""
    with pytest.raises(InputRefused, match=r"'root'.*|ingest:lineage"):
        create_token(world.store, scopes=["root"], created_by="x")
    with pytest.raises(InputRefused, match="none was given"):
        create_token(world.store, scopes=[], created_by="x")
    with pytest.raises(InputRefused, match="shop, aws"):
        create_token(world.store, scopes=["ingest"], created_by="x", source="shap")
    assert world.store.log.size == 0
    assert "acquittal" in create_token(world.store, scopes=["ingest"], created_by="x").warnings[0]
    assert create_token(world.store, scopes=["ingest:lineage"], created_by="x", source="shop").warnings == ()
    assert (
        "collected" in create_token(world.store, scopes=["attest"], created_by="x", source="aws").warnings[0]
    )


def ask(world: World, authorization: str | None) -> Any:
    headers = {} if authorization is None else {b"Authorization": authorization.encode()}
    return world.client.get("/log/vkey", headers=headers)


@pytest.mark.parametrize(
    "authorization", [None, "Bearer", "Bearer mnm_x", "Basic YTpi", "mnm_x", "Bearer \u00e9"]
)
def test_without_a_known_token_nothing_is_answered(world: World, authorization: str | None) -> None:
    """No token, an unknown one or another scheme: 401 with the challenge, and no entry is appended."""
    answer = ask(world, authorization)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:muniment:problem:unauthenticated"
    assert world.store.log.size == 0


def test_tokens_lapse_and_are_revoked(world: World) -> None:
    """A token ends at its time, or as soon as it is revoked; the revocation is an entry, once."""
    short = world.token("auditor", valid_for=timedelta(days=2))
    made = create_token(world.store, scopes=["auditor"], created_by="x")
    assert [ask(world, f"Bearer {token}").status_code for token in (short, made.token)] == [200, 200]
    world.store.clock.move(timedelta(days=2))
    assert [ask(world, f"Bearer {token}").status_code for token in (short, made.token)] == [401, 200]
    revoke_token(world.store, made.id, revoked_by="local:ann")
    revoke_token(world.store, made.id, revoked_by="local:ann")
    assert ask(world, f"Bearer {made.token}").status_code == 401
    assert [entry.detail["action"] for _, entry, _ in world.evidence("access/1")] == [
        "token-created", "token-created", "token-revoked",
    ]  # fmt: skip
    with pytest.raises(NotFound):
        revoke_token(world.store, "nobody", revoked_by="x")


READS = {
    "/log/checkpoint": {"auditor"}, "/log/vkey": {"auditor"}, "/log/tile/0/000.p/1": {"auditor"},
    "/api/v1/evidence/0": {"auditor"}, "/api/v1/evidence/0/proof": {"auditor"},
    "/api/v1/findings": {"auditor", "engineer"}, "/api/v1/status": {"auditor", "engineer"},
}  # fmt: skip
EVERY_SCOPE = ("ingest", "ingest:lineage", "auditor", "dpo", "engineer", "admin", "attest")


def test_each_question_refuses_every_other_scope(world: World) -> None:
    """Each route is answered for its scopes, and is 403 for a token of any other."""
    for scope in EVERY_SCOPE:
        headers = world.bearer(scope)
        for path, needed in READS.items():
            status = world.client.get(path, headers=headers).status_code
            assert (status != 403) is (scope in needed), (scope, path, status)
        question = {"key_space": "customer", "key": "alice", "reason": "r"}
        status = world.client.post("/api/v1/record-usage", json=question, headers=headers).status_code
        assert status == (200 if scope == "dpo" else 403)


def test_a_token_of_a_source_that_is_gone_may_send_nothing(world: World) -> None:
    """What a token is bound to may be taken out of the configuration: then it sends no more."""
    bearer = world.bearer("ingest", source="shop")
    world.store.settings = world.store.settings.model_copy(update={"sources": ()})
    assert world.client.post("/api/v1/purposes", json=[], headers=bearer).status_code == 403


# --- people ------------------------------------------------------------------------------------


def link(world: World, role: str = "engineer", **options: Any) -> str:
    return create_sign_in_link(
        world.store, person="Eve Example", role=role, created_by="local:ann", **options
    )


def csrf(world: World) -> str:
    with Session(world.store.operations) as session:
        return session.exec(select(WebSession)).one().csrf


def test_a_link_signs_in_once(world: World, browser: TestClient) -> None:
    """A link opens one session, in a cookie that no script reads and no other site sends."""
    secret = link(world)
    answer = browser.get("/sign-in", params={"link": secret})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=lax", "secure", "path=/"))
    assert browser.get("/api/v1/status").status_code == 200
    assert browser.get("/log/vkey").status_code == 403, "an engineer is no auditor"
    assert browser.get("/sign-in", params={"link": secret}).status_code == 401
    stored = world.everything()
    assert secret.encode() not in stored
    assert browser.cookies[COOKIE].encode() not in stored
    assert "Eve" not in str([entry.detail for _, entry, _ in world.evidence("access/1")])


def test_on_plain_http_the_cookie_is_not_secure(world: World) -> None:
    """On the loopback without TLS the cookie is sent, else nobody could sign in there."""
    answer = world.client.get("/sign-in", params={"link": link(world)})
    assert "secure" not in answer.headers["set-cookie"].lower()


def test_looking_ahead_uses_no_link_up(world: World, browser: TestClient) -> None:
    """A browser or chat that fetches a link ahead of the person does not use it up."""
    secret = link(world)
    assert (
        browser.get("/sign-in", params={"link": secret}, headers={"Sec-Purpose": "prefetch"}).status_code
        == 401
    )
    assert browser.head("/sign-in", params={"link": secret}).status_code in {401, 405}
    assert browser.get("/sign-in", params={"link": secret}).status_code == 303


def test_links_and_sessions_lapse(world: World, browser: TestClient) -> None:
    """A link is good for an hour, a session for half a day; a reusable link serves until it lapses."""
    late, reusable = link(world), link(world, reusable=True, valid_for=timedelta(days=30))
    world.store.clock.move(timedelta(hours=1))
    assert browser.get("/sign-in", params={"link": late}).status_code == 401
    for _ in range(2):
        assert browser.get("/sign-in", params={"link": reusable}).status_code == 303
    world.store.clock.move(timedelta(hours=12))
    assert browser.get("/api/v1/status").status_code == 401
    world.store.clock.move(timedelta(days=30))
    assert browser.get("/sign-in", params={"link": reusable}).status_code == 401


def test_links_need_a_role_and_a_person(world: World) -> None:
    """Unknown roles and nameless persons are refused; unknown and empty links sign nobody in."""
    with pytest.raises(InputRefused, match="auditor, engineer, dpo, admin"):
        link(world, role="root")
    with pytest.raises(InputRefused, match="name"):
        create_sign_in_link(world.store, person=" ", role="dpo", created_by="x")
    with pytest.raises(Unauthenticated):
        open_session(world.store, "x")
    assert world.client.get("/sign-in").status_code == 401


def test_of_two_uses_of_a_link_at_once_one_is_refused(world: World) -> None:
    """The link is marked by one conditional update: who comes second in the same instant is refused."""
    secret = link(world)
    with Session(world.store.operations) as other:
        row = other.exec(select(SignInLink)).one()
        assert open_session(world.store, secret)
        assert row.used_at is None
        with pytest.raises(Unauthenticated):
            open_session(world.store, secret)


def test_no_role_writes_evidence_as_a_source() -> None:
    """Nobody who signs in holds a scope of intake: who is judged must not write their own acquittal."""
    assert not [role for role, scopes in ROLES.items() if any(scope.startswith("ingest") for scope in scopes)]


def test_signing_out_ends_the_session(world: World, browser: TestClient) -> None:
    """After signing out the cookie is worth nothing, wherever a copy of it is."""
    browser.get("/sign-in", params={"link": link(world)})
    held = browser.cookies[COOKIE]
    proof = {"csrf": csrf(world)}
    assert (
        browser.post("/sign-out", data=proof, headers={"Origin": "https://muniment.example"}).status_code
        == 303
    )
    assert browser.get("/api/v1/status", headers={"Cookie": f"{COOKIE}={held}"}).status_code == 401


# --- forged requests ---------------------------------------------------------------------------

OURS = "https://muniment.example"
FORGED = {
    "no origin at all": {},
    "another origin": {"Origin": "https://evil.example"},
    "our name in another": {"Origin": "https://muniment.example.evil.example"},
    "a sandboxed page": {"Origin": "null"},
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": OURS},
    "a neighbour": {"Sec-Fetch-Site": "same-site", "Origin": OURS},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED.keys())
def test_another_sites_page_cannot_write(world: World, browser: TestClient, headers: dict[str, str]) -> None:
    """A browser's write from elsewhere is refused, even if it knew the session's proof."""
    browser.get("/sign-in", params={"link": link(world)})
    data = {"csrf": csrf(world), "what": "x"}
    assert browser.post("/act", data=data, headers=headers).status_code == 403


def test_a_form_needs_the_sessions_proof(world: World, browser: TestClient) -> None:
    """A form of ours bears the session's proof, as a field or a header; a bearer token needs none."""
    browser.get("/sign-in", params={"link": link(world)})
    origin = {"Origin": OURS}
    assert browser.post("/act", data={"what": "x"}, headers=origin).status_code == 403
    assert browser.post("/act", data={"what": "x", "csrf": "\u00e9"}, headers=origin).status_code == 403
    good = browser.post("/act", data={"what": "x", "csrf": csrf(world)}, headers=origin)
    assert good.json() == {"by": "person:Eve Example", "what": "x"}
    header = {"Sec-Fetch-Site": "same-origin", "X-CSRF-Token": csrf(world)}
    assert browser.post("/act", data={"what": "y"}, headers=header).json()["what"] == "y"
    browser.cookies.clear()
    assert browser.post("/act", data={"what": "z"}, headers=world.bearer("engineer")).status_code == 200


def test_the_store_holds_no_more_than_it_must(world: World) -> None:
    """The tables hold hashes of 64 hex digits where a secret was given out."""
    world.token("auditor")
    link(world)
    with Session(world.store.operations) as session:
        held = [row.sha256 for row in session.exec(select(ApiToken)).all()]
        held += [row.sha256 for row in session.exec(select(SignInLink)).all()]
    assert [bool(re.fullmatch("[0-9a-f]{64}", one)) for one in held] == [True, True]
    assert world.store.clock() == NOW
