"""Signed statements and waivers as received: which are in force at an instant, and when they lapse.

Pure. What is malformed is never in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, parse_time
from compliance.errors import InputRefused
from compliance.facts import FactBase, Received
from compliance.library import Attestation


@dataclass(frozen=True)
class Waiver:
    """An exception: a failure that somebody has accepted for a time, with what compensates it."""

    id: str
    check: str | None
    control: str | None
    resource: str | None
    """The resource that it is for; None for all."""
    reason: str
    compensating: str
    approver: str
    valid_from: datetime
    expires_at: datetime
    evidence: str

    def covers(self, check: str, control: str, resource: str, at: datetime) -> bool:
        """Whether it is in force for a check on a resource at an instant; from its start, before its end."""
        named = self.check == check if self.check is not None else self.control == control
        return named and self.resource in {None, resource} and self.valid_from <= at < self.expires_at


@dataclass(frozen=True)
class Waivers:
    """The exceptions of a fact base, of each id the last."""

    all: tuple[Waiver, ...]

    @classmethod
    def of(cls, base: FactBase) -> Waivers:
        """Those that are well-formed."""
        latest: dict[str, Waiver | None] = {}
        for record in base.received("exception"):
            latest[str(record.value.get("id", record.evidence))] = _waiver(record)
        return cls(tuple(waiver for _, waiver in sorted(latest.items()) if waiver is not None))

    def of_check(self, check: str, control: str) -> Waivers:
        """Those that can concern a check."""
        return Waivers(tuple(
            waiver for waiver in self.all
            if (waiver.check == check if waiver.check is not None else waiver.control == control)
        ))  # fmt: skip

    def covering(self, check: str, control: str, resource: str, at: datetime) -> Waiver | None:
        """The one in force that lasts longest, or None."""
        live = [waiver for waiver in self.all if waiver.covers(check, control, resource, at)]
        return max(live, key=lambda waiver: (waiver.expires_at, waiver.id), default=None)


def _waiver(record: Received) -> Waiver | None:
    value = record.value
    valid_from, expires_at = _time(value, "valid_from"), _time(value, "expires_at")
    reason, approver = _text(value, "reason"), _text(value, "approver")
    check, control = _text(value, "check"), _text(value, "control")
    if valid_from is None or expires_at is None or not reason or not approver or not (check or control):
        return None
    return Waiver(
        str(value.get("id", record.evidence)), check, control, _text(value, "resource"), reason,
        _text(value, "compensating") or "", approver, valid_from, expires_at, record.evidence,
    )  # fmt: skip


@dataclass(frozen=True)
class Signed:
    """One signature under a statement: in force from ``signed_at`` to ``until``, both included."""

    attestation: str
    source: str
    signed_by: str
    signed_at: datetime
    until: datetime
    same_words: bool
    """Whether what was signed is what the library says now."""
    evidence: str


def signatures(records: Iterable[Received], attestation: Attestation) -> tuple[Signed, ...]:
    """The signatures under a statement, the earliest first."""
    found = []
    for record in records:
        value = record.value
        signed_at = _time(value, "signed_at")
        mine = (
            value.get("attestation") == attestation.id
            and value.get("control", attestation.control) == attestation.control
        )
        if not mine or signed_at is None:
            continue
        stated = _time(value, "valid_until")
        until = signed_at + attestation.valid_for
        words = _text(value, "statement")
        found.append(Signed(
            attestation.id, record.source, _text(value, "signed_by") or "somebody", signed_at,
            until if stated is None else min(until, stated),
            words is None or words.split() == attestation.statement.split(), record.evidence,
        ))  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.signed_at, one.until, one.evidence)))


def _time(value: Mapping[str, Json], name: str) -> datetime | None:
    try:
        return parse_time(value.get(name), field=name)
    except InputRefused:
        return None


def _text(value: Mapping[str, Json], name: str) -> str | None:
    held = value.get(name)
    return held if isinstance(held, str) and held.strip() else None
