"""When an identity was last active."""

from __future__ import annotations

from typing import Any

from compliance.facts import Fact, Unseen
from tests.derived_parts import ago, derive
from tests.fact_base import memory_facts, seen

USER = "arn:aws:iam::123456789012:user/ann"


def activity(unseen: dict[str, Unseen] | None = None, **changes: Any) -> Fact:
    """The activity of one user with a password and no key."""
    value: dict[str, Any] = {
        "name": "ann", "account": "123456789012", "admin": False, "created": ago(400), "console_access": True,
        "password_last_used": None, "access_keys": [],
    } | changes  # fmt: skip
    shown = {k: v for k, v in value.items() if k not in (unseen or {})}
    base = memory_facts(facts=[seen("iam_user", USER, shown, unseen=unseen)])
    return derive(base, "identity_activity")[USER]


def test_the_latest_trace_counts() -> None:
    """Password and keys are judged together: the later use is the last activity."""
    keys = [{"active": True, "created": ago(300), "last_used": ago(5)}]
    fact = activity(password_last_used=ago(200), access_keys=keys)
    assert (fact.value["last_active"], fact.value["last_active_by"]) == (ago(5), "access key")
    assert activity(password_last_used=ago(2), access_keys=keys).value["last_active_by"] == "console"


def test_a_new_user_is_active_by_creation() -> None:
    """Somebody who never signed in was last active when the user was made."""
    assert activity(created=ago(3)).value["last_active_by"] == "creation"


def test_who_can_neither_sign_in_nor_call_is_not_enabled() -> None:
    """No password and no active key: the identity is not enabled."""
    keys = [{"active": False, "created": ago(300), "last_used": None}]
    assert activity(console_access=False, access_keys=keys).value["enabled"] is False
    assert activity(console_access=False, access_keys=[keys[0] | {"active": True}]).value["enabled"] is True


def test_a_hidden_trace_hides_the_activity() -> None:
    """A last use that was denied may be the latest, so the last activity is unseen."""
    denied = Unseen("incomplete", "denied")
    assert activity({"password_last_used": denied}).unseen["last_active"].cause == "incomplete"
    hidden = activity({"access_keys.last_used": denied}, access_keys=[{"active": True, "created": ago(3)}])
    assert hidden.unseen["last_active"].cause == "incomplete"


def test_a_password_is_enough_to_be_enabled() -> None:
    """Whatever is hidden of the keys, console access alone enables."""
    assert activity({"access_keys": Unseen("incomplete", "denied")}).value["enabled"] is True
