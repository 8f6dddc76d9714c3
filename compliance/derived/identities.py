"""When an identity was last active, from every trace that IAM keeps of it.

Pure. IAM keeps the last use of a password and of each access key apart; a user is dormant only if
all of them are old.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from compliance.canonical import Json, parse_time
from compliance.derived.joining import Looked, derived, first_unseen, look, need, of_facts
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

IDENTITY_ACTIVITY = FactSchema(
    "identity_activity",
    "An IAM user that can sign in: when it was last active, by password or by any of its access keys.",
    (
        Field("name", "string", "Name of the user."),
        Field("account", "string", "AWS account."),
        Field("enabled", "bool", "Whether it has console access or an active access key."),
        Field(
            "last_active", "time", "The latest of its last sign-in, the last use of a key, and its creation."
        ),
        Field("last_active_by", "string", "Which of these it was: console, access key or creation."),
        Field("admin", "bool", "Whether it holds administrator rights."),
    ),
    inputs=("iam_user",),
)


def identity_activities(base: FactBase) -> Iterator[Fact]:
    """Every IAM user with its last activity; creation counts, so that a new user is not dormant."""
    for user in base.facts("iam_user"):
        latest = _latest(user)
        hidden = latest if isinstance(latest, Unseen) else None
        looked: dict[str, Looked] = {
            "name": need(user, "name"), "account": need(user, "account"), "admin": need(user, "admin"),
            "enabled": _enabled(user),
            "last_active": hidden or _at(latest), "last_active_by": hidden or _by(latest),
        }  # fmt: skip
        yield derived(IDENTITY_ACTIVITY, user.resource, looked, of_facts(user))


def _enabled(user: Fact) -> Looked:
    console, keys = need(user, "console_access"), need(user, "access_keys")
    if console is True:
        return True
    if not isinstance(keys, Unseen) and any(key.get("active") is True for key in keys):
        return True
    return first_unseen(console, keys) or False


Activity = tuple[datetime, str]


def _latest(user: Fact) -> Activity | Unseen:
    created, console, keys = (
        need(user, "created"),
        look(user, "password_last_used"),
        need(user, "access_keys"),
    )
    if isinstance(keys, Unseen):
        return keys
    hidden = first_unseen(created, console)
    if hidden is not None:
        return hidden
    if any("last_used" not in key for key in keys):
        return Unseen("missing", f"the last use of an access key of {user.resource} is not shown")
    uses: list[Activity] = [(_time(created), "creation")]
    if console is not None:
        uses.append((_time(console), "console"))
    uses += [(_time(key["last_used"]), "access key") for key in keys if key["last_used"] is not None]
    return max(uses)


def _time(value: Json) -> datetime:
    return value if isinstance(value, datetime) else parse_time(value)


def _at(activity: Activity | Unseen) -> Looked:
    return activity if isinstance(activity, Unseen) else activity[0]


def _by(activity: Activity | Unseen) -> Looked:
    return activity if isinstance(activity, Unseen) else activity[1]
