"""Each account of the directory with what the system of record for staff says of its person.

Pure. Accounts and staff are tied by the account's external id, else by its user name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compliance.derived.joining import Looked, derived, first_unseen, look, need, of_facts
from compliance.derived.listed import grouped, hidden_among, latest
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

DIRECTORY_ACCOUNT = FactSchema(
    "directory_account",
    "An account of the identity provider, joined with the staff record of its person.",
    (
        Field("active", "bool", "Whether it may be used."),
        Field("user_type", "string", "Employee, Contractor, Service and the like.", optional=True),
        Field("person_known", "bool", "Whether the system of record has a person for it."),
        Field("left_at", "time", "When the person left; absent if the last event is another.", optional=True),
        Field("moved_at", "time", "When the person last changed duties; absent if never.", optional=True),
        Field("changed_at", "time", "When the account was last changed.", optional=True),
        Field("access_approved", "bool", "Whether somebody approved the access that came with the last event.", optional=True),
        Field("mfa", "bool", "Whether a second factor is set up."),
        Field("phishing_resistant", "bool", "Whether a factor resists phishing."),
        Field("last_sign_in", "time", "Last sign-in; absent if there was none.", optional=True),
        Field("created", "time", "When it was made.", optional=True),
        Field("privileged", "bool", "Whether a role, entitlement or group of it is named as administrative."),
        Field("sharing", "int", "Further accounts of the directory that name the same person."),
    ),
    inputs=("directory_user", "personnel_event"),
    adds=("directory_group",),
)  # fmt: skip
_OF_STAFF = ("person_known", "left_at", "moved_at", "access_approved")
_ADMINISTRATIVE = ("admin", "root", "owner", "privileged")


def directory_accounts(base: FactBase) -> Iterator[Fact]:
    """Every account of the directory."""
    events = grouped(base.facts("personnel_event"), "person")
    hidden = hidden_among(base, "personnel_event", events)
    groups = {group.resource: need(group, "name") for group in base.facts("directory_group")}
    users = list(base.facts("directory_user"))
    persons = grouped(users, "external_id")
    for user in users:
        names = _names(user)
        mine = () if isinstance(names, Unseen) else _events(names, events)
        why = names if isinstance(names, Unseen) else hidden
        looked: dict[str, Looked] = {
            name: need(user, name) for name in ("active", "mfa", "phishing_resistant")
        } | {name: look(user, name) for name in ("user_type", "last_sign_in", "created")}
        looked["changed_at"] = look(user, "last_modified")
        looked["privileged"] = _privileged(user, groups)
        looked["sharing"] = _sharing(user, persons)
        looked |= dict.fromkeys(_OF_STAFF, why) if why and not mine else _staff(mine)
        yield derived(DIRECTORY_ACCOUNT, user.resource, looked, of_facts(user, *mine))


def _names(user: Fact) -> list[str] | Unseen:
    """What the staff record may call the person: external id, user name or the account's own id."""
    external, name = look(user, "external_id"), look(user, "user_name")
    hidden = first_unseen(external, name)
    return hidden or [str(one) for one in (external, name, user.resource) if one is not None]


def _events(names: Sequence[str], events: Mapping[str, Sequence[Fact]]) -> Sequence[Fact]:
    return next((events[one] for one in names if one in events), ())


def _staff(mine: Sequence[Fact]) -> dict[str, Looked]:
    if not mine:
        return {"person_known": False, "left_at": None, "moved_at": None, "access_approved": None}
    last = latest(mine, "effective")
    if isinstance(last, Unseen) or last is None:
        return dict.fromkeys(
            _OF_STAFF, last or Unseen("unreadable", "no staff event says when it took effect")
        )
    kind, when = need(last, "kind"), need(last, "effective")
    if isinstance(kind, Unseen):
        return dict.fromkeys(_OF_STAFF, kind)
    approver = look(last, "access_approved_by")
    return {
        "person_known": True, "left_at": when if kind == "left" else None,
        "moved_at": when if kind == "moved" else None,
        "access_approved": approver if isinstance(approver, Unseen) else approver is not None,
    }  # fmt: skip


def _privileged(user: Fact, groups: Mapping[str, Looked]) -> Looked:
    held: list[str] = []
    for name in ("roles", "entitlements", "groups"):
        listed = need(user, name)
        if isinstance(listed, Unseen):
            return listed
        held += [str(groups.get(str(one), one)) for one in listed]
    return any(word in one.lower() for one in held for word in _ADMINISTRATIVE)


def _sharing(user: Fact, persons: Mapping[str, Sequence[Fact]]) -> Looked:
    person = look(user, "external_id")
    if isinstance(person, Unseen):
        return person
    return 0 if person is None else len(persons.get(str(person), ())) - 1
