"""A token of an engagement: checkpoint, hash tiles, the entries of its scope with proofs, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from compliance.canonical import format_time, strict_json
from compliance.cli import run
from compliance.databases import databases_of
from compliance.errors import InputRefused
from compliance.evidence import CollectorName, Observation
from compliance.settings import Settings
from tests.small_library import small_library
from tests.web_world import NOW, World, web_world
from web.access import create_token
from web.engagements import Engagement

MONTH = timedelta(days=30)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Entries 0 and 2 of the source iam, 1 of another, 3 of iam a month later."""
    with web_world(tmp_path / "store") as made:
        for number, source in enumerate(("iam", "kms", "iam", "iam")):
            made.store.clock.now = NOW + (MONTH if number == 3 else timedelta())
            body = b"body %d" % number
            made.store.log.append([Observation("aws-iam/1", source, CollectorName("test", "1"), body)])
        yield made


def asked(world: World, engagement: Engagement) -> Any:
    """A function that asks with a token of an engagement, and gives status and content."""
    made = create_token(world.store, scopes=["auditor"], created_by="test", engagement=engagement)
    headers = {"Authorization": f"Bearer {made.token}"}

    def get(path: str) -> tuple[int, str]:
        answer = world.client.get(path, headers=headers)
        return answer.status_code, answer.text

    return get


AUDIT = Engagement("audit-26", sources=("iam",), to=NOW + timedelta(days=1))


def test_it_reads_its_own_entries_with_their_proofs(world: World) -> None:
    """Entry, bytes and proof of what is in scope; what is outside is refused, naming the engagement."""
    get = asked(world, AUDIT)
    assert get("/api/v1/evidence/2")[0] == 200
    assert get("/api/v1/evidence/2/payload") == (200, "body 2")
    status, proof = get("/api/v1/evidence/2/proof")
    assert (status, proof) == (200, world.store.log.prove(2))
    for index in (1, 3):
        for what in ("", "/payload", "/proof"):
            status, said = get(f"/api/v1/evidence/{index}{what}")
            assert (status, f"The entry {index} is outside the scope of the engagement audit-26" in said) == (
                403,
                True,
            )


def test_it_reads_checkpoint_and_hash_tiles_and_no_bundle(world: World) -> None:
    """What proofs are held against is open; entry bundles, which hold other entries too, are not."""
    get = asked(world, AUDIT)
    size = world.store.log.size
    assert get("/log/checkpoint") == (200, world.store.log.checkpoint())
    assert get("/log/vkey")[0] == 200
    assert get(f"/log/tile/0/000.p/{size}")[0] == 200
    status, said = get(f"/log/tile/entries/000.p/{size}")
    assert (status, "Entry bundles hold other entries too" in said) == (403, True)


def test_it_reads_nothing_else_of_the_application(world: World) -> None:
    """Whatever else a token may ask for is refused: no route but those of log and evidence knows such a token."""
    get = asked(world, Engagement("all"))
    open_to_all = {
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/docs/oauth2-redirect",
        "/redoc",
    }
    paths = {
        route.path for route in world.app.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and "{" not in route.path
    } - open_to_all  # fmt: skip
    allowed = {path for path in paths if get(path)[0] == 200 and not path.startswith(("/static", "/sign-in"))}
    assert allowed <= {"/log/checkpoint", "/log/vkey", "/log/vouched", "/api/v1/engagement"}
    body = {"key_space": "customer", "key": "C-1", "reason": "curious"}
    made = create_token(world.store, scopes=["auditor"], created_by="test", engagement=Engagement("all"))
    answer = world.client.post(
        "/api/v1/record-usage", json=body, headers={"Authorization": f"Bearer {made.token}"}
    )
    assert answer.status_code == 403


def test_it_is_told_which_entries_are_its_own(world: World) -> None:
    """Without bundles nobody else would say; other tokens are bound to none."""
    status, said = asked(world, AUDIT)("/api/v1/engagement")
    answer = strict_json(said.encode(), what="answer")
    assert (status, answer["entries"], answer["next"]) == (200, ["0", "2"], None)
    assert answer["engagement"] == {
        "name": "audit-26", "sources": ["iam"], "kinds": [], "from": None, "to": format_time(NOW + timedelta(days=1)),
    }  # fmt: skip
    assert world.client.get("/api/v1/engagement", headers=world.bearer("auditor")).status_code == 403


def test_its_scope_is_an_entry_before_it_works(world: World) -> None:
    """That the token was made, for which engagement and with which scope, is in the log."""
    asked(world, AUDIT)
    [(_, entry, _)] = world.evidence("access/1")
    assert entry.detail["engagement"] == AUDIT.as_json()


@pytest.mark.parametrize("scopes", [["auditor", "dpo"], ["dpo"], ["ingest"], ["admin"]])
def test_no_other_scope_goes_with_it(world: World, scopes: list[str]) -> None:
    """An engagement narrows what an auditor reads; it widens nobody's rights."""
    with pytest.raises(InputRefused, match="has the scope auditor alone"):
        create_token(world.store, scopes=scopes, created_by="test", engagement=AUDIT)


def test_what_is_no_engagement_is_refused() -> None:
    """A name is needed, and a period that is not empty."""
    with pytest.raises(InputRefused, match="needs a name"):
        Engagement(" ")
    with pytest.raises(InputRefused, match="ends before it begins"):
        Engagement("a", from_=NOW, to=NOW)


def test_the_command_makes_it_and_its_scope_never_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The token is alone on the last line; in the database no scope can be widened afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MUNIMENT_HOME", str(tmp_path / "store"))
    monkeypatch.setenv("MUNIMENT_CONTROLS", str(small_library(tmp_path / "controls")))
    assert run(["init"]) == 0
    create = ["token", "create", "--scope", "auditor"]
    assert run([*create, "--engagement", "audit-26", "--only-source", "iam", "--from", "2026-01-01"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("mnm_")
    assert run([*create, "--only-source", "iam"]) == 2
    assert "need --engagement" in capsys.readouterr().err
    operations = databases_of(Settings(home=tmp_path / "store")).operations()
    with operations.connect() as connection:
        [stored] = connection.execute(text("SELECT engagement FROM api_token")).scalars()
        assert Engagement.from_text(stored) is not None
        with pytest.raises(IntegrityError, match="append-only"):
            connection.execute(text("UPDATE api_token SET engagement = NULL"))
    operations.dispose()
