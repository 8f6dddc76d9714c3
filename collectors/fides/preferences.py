"""Privacy preferences as Fides exports them, as consent events. Pure.

A row has an identity, the key of a privacy notice (or a data use), and ``opt_in``, ``opt_out`` or ``acknowledge``; an
older export has one object of preferences for each person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from compliance.canonical import Json, format_time, parse_time
from compliance.errors import InputRefused

ACTIONS = {"opt_in": "granted", "opt_out": "withdrawn", "true": "granted", "false": "withdrawn"}
NO_DECISION = frozenset({"acknowledge", "tcf"})
"""A notice that was merely taken note of grants nothing and withdraws nothing."""
IDENTITIES = ("external_id", "email", "phone_number", "fides_user_device_id", "fides_user_device", "identity")
PURPOSES = ("notice_key", "privacy_notice_key", "data_use", "notice_name")
TIMES = ("created_at", "received_at", "updated_at", "request_timestamp")


@dataclass(frozen=True)
class Preference:
    """One decision of one person. ``identity`` is the raw key, which is dropped at once."""

    identity: str
    purpose: str
    action: str
    at: str


def preferences(row: Mapping[str, Json]) -> Iterator[Preference]:
    """The decisions of one row. Raises InputRefused naming the column that is missing or wrong."""
    identity = _identity(row)
    at = _time(row)
    listed = row.get("preferences") or row.get("consent_preferences")
    if isinstance(listed, list):
        for one in listed:
            if not isinstance(one, dict):
                raise InputRefused("preferences holds what is no object")
            yield from _decision(identity, one, at)
    else:
        yield from _decision(identity, row, at)


def _decision(identity: str, one: Mapping[str, Json], at: str) -> Iterator[Preference]:
    stated = str(one.get("preference", one.get("opt_in", ""))).lower()
    if stated in NO_DECISION:
        return
    if stated not in ACTIONS:
        raise InputRefused("preference is missing or none of opt_in, opt_out, acknowledge")
    yield Preference(identity, _first(one, PURPOSES), ACTIONS[stated], at)


def _first(one: Mapping[str, Json], names: tuple[str, ...]) -> str:
    for name in names:
        value = one.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise InputRefused(f"none of the columns {', '.join(names)} holds a text")


def _identity(row: Mapping[str, Json]) -> str:
    inner = row.get("identity")
    if isinstance(inner, dict):
        return _first(inner, IDENTITIES)
    return _first(row, IDENTITIES)


def _time(row: Mapping[str, Json]) -> str:
    """Fides writes UTC, in CSV without a zone."""
    stated = _first(row, TIMES)
    try:
        return format_time(parse_time(stated.replace(" ", "T", 1), assume_utc=True))
    except InputRefused as error:
        raise InputRefused("its time is no RFC 3339 time") from error
