"""The scope as entries: what an organisation is judged by is stated, changed and read back, each change an entry."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import InputRefused
from compliance.scope import Exclusion, StatedScope
from compliance.settings import ScopeSettings
from tests.tiny import TinyStore, command_line, tiny_store

NAMES = st.lists(st.text("abc:.1", min_size=1, max_size=6), max_size=3, unique=True).map(tuple)
EXCLUSIONS = st.builds(Exclusion, *[st.text("abc", min_size=1, max_size=5)] * 3)
SCOPES = st.builds(StatedScope, NAMES, NAMES, NAMES, st.lists(EXCLUSIONS, max_size=3).map(tuple))


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyStore]:
    """A store whose configuration states a scope."""
    with tiny_store(tmp_path, scope=ScopeSettings(frameworks=("rules",))) as made:
        yield made


def put(tiny: TinyStore, body: Any, scope: str = "admin") -> Any:
    """State a scope over HTTP."""
    return tiny.client.put("/api/v1/scope", json=body, headers=tiny.as_(scope))


@given(SCOPES)
def test_a_scope_is_read_back_as_it_was_stated(scope: StatedScope) -> None:
    """What an entry states is the scope that was meant."""
    assert StatedScope.of(json.loads(json.dumps(scope.as_json()))) == scope


@given(SCOPES, EXCLUSIONS)
def test_an_exclusion_stands_once_and_can_be_taken_back(scope: StatedScope, one: Exclusion) -> None:
    """Excluding again replaces the reason; including again leaves no trace of it."""
    twice = scope.excluding(one).excluding(one)
    assert [held for held in twice.exclusions if held.requirement == one.requirement] == [one]
    assert all(held.requirement != one.requirement for held in twice.including(one.requirement).exclusions)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], ""),
        ({"framework": []}, "/framework"),
        ({"roles": "provider"}, "/roles"),
        ({"roles": [3]}, "/roles/0"),
        ({"exclusions": {}}, "/exclusions"),
        ({"exclusions": ["rules:1.1"]}, "/exclusions/0"),
        ({"exclusions": [{"requirement": "rules:1.1", "reason": " ", "approver": "CISO"}]}, "/exclusions/0/reason"),
        ({"exclusions": [{"requirement": "rules:1.1", "reason": "x"}]}, "/exclusions/0/approver"),
    ],
)  # fmt: skip
def test_a_scope_that_is_no_scope_names_the_field(body: Any, field: str) -> None:
    """An exclusion without reason or approver, like every other wrong form, is refused by name."""
    with pytest.raises(InputRefused) as refusal:
        StatedScope.of(body)
    assert refusal.value.field == field


def test_a_stated_scope_stands_from_its_entry_on(tiny: TinyStore) -> None:
    """Before the entry the configuration's scope stands, from it on the entry's; an earlier size still has the former."""
    before = tiny.answers.basis()
    said = put(tiny, {"frameworks": ["soc2"], "elected": ["soc2:A"]}).json()
    basis = tiny.answers.basis()
    assert tiny.store.log.entry(int(said["entry"])).kind == "scope/1"
    assert [f["framework"] for f in tiny.answers.summary(basis)["frameworks"] if f["assessable"]] == ["soc2"]
    assert tiny.answers.assessment(basis).frameworks["soc2"].assessable == 2
    assert [f["framework"] for f in tiny.answers.summary(before)["frameworks"] if f["assessable"]] == [
        "rules"
    ]
    assert tiny.answers.scope(basis)["evidence"] == said["entry"]
    assert tiny.answers.scope(before)["evidence"] is None


def test_what_is_out_of_scope_is_shown_with_its_reason(tiny: TinyStore) -> None:
    """An excluded group leaves all below it out of every count, and each is listed with reason and approver."""
    excluded = {"requirement": "rules:1", "reason": "Not ours", "approver": "CISO"}
    assert put(tiny, {"frameworks": ["rules", "soc2"], "exclusions": [excluded]}).status_code == 200
    got = tiny.client.get("/api/v1/scope", headers=tiny.as_("auditor")).json()
    assert got["out_of_scope"]["rules"] == [
        {"id": f"rules:1.{n}", "why": "Excluded: Not ours (approved by CISO)."} for n in (1, 2, 3)
    ]
    assert [one["id"] for one in got["out_of_scope"]["soc2"]] == ["soc2:A1.1"]


def test_the_same_scope_again_appends_nothing(tiny: TinyStore) -> None:
    """Stating what stands is no change."""
    first = put(tiny, {"frameworks": ["rules"], "roles": ["provider"]}).json()
    again = put(tiny, {"frameworks": ["rules"], "roles": ["provider"]}).json()
    assert (first["known_before"], again["entry"], again["known_before"]) == (False, None, True)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"frameworks": ["rulez"]}, "there are rules, soc2"),
        ({"roles": ["king"]}, "merchant"),
        ({"elected": ["soc2:CC"]}, "soc2:PI"),
        ({"exclusions": [{"requirement": "rules:7", "reason": "x", "approver": "y"}]}, "framework:citation"),
    ],
)
def test_a_name_that_is_not_there_is_refused_with_those_that_are(
    tiny: TinyStore, body: Any, said: str
) -> None:
    """Unknown frameworks, roles, criteria and requirements change nothing."""
    tiny.as_("admin")
    size = tiny.store.log.size
    answer = put(tiny, body)
    assert (answer.status_code, said in answer.json()["detail"]) == (422, True)
    assert tiny.store.log.size == size


def test_only_an_administrator_states_the_scope(tiny: TinyStore) -> None:
    """Who is judged by it does not set it: auditor and engineer read it."""
    for scope in ("auditor", "engineer", "ingest", "dpo"):
        assert put(tiny, {"frameworks": ["rules"]}, scope).status_code == 403
    assert tiny.client.get("/api/v1/scope", headers=tiny.as_("dpo")).status_code == 403


def test_the_commands_change_one_thing_at_a_time(tmp_path: Path) -> None:
    """`scope set`, `exclude` and `include` leave the rest as it was; `show` names the entry."""
    command = command_line(tmp_path)
    command.ok("init")
    command.ok("scope", "set", "--framework", "rules", "--role", "merchant")
    command.ok("scope", "exclude", "rules:1.3", "--reason", "Nobody does it", "--approver", "CISO")
    shown = json.loads(command.ok("scope", "show", "--json"))
    assert (shown["frameworks"], shown["roles"], shown["evidence"]) == (["rules"], ["merchant"], "3")
    assert shown["exclusions"] == [
        {"requirement": "rules:1.3", "reason": "Nobody does it", "approver": "CISO"}
    ]
    assert "rules:1.3" in command.ok("scope", "show")
    command.ok("scope", "include", "rules:1.3")
    command.ok("scope", "set", "--every-framework")
    assert json.loads(command.ok("scope", "show", "--json"))["frameworks"] == []
    assert "nothing was appended" in command.ok("scope", "set", "--role", "merchant")
    assert "is not excluded" in command.refused("scope", "include", "rules:1.3")
    assert "there are rules, soc2" in command.refused("scope", "set", "--framework", "gdpr")
