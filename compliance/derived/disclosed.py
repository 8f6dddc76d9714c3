"""Each disclosure of data about people, with the recipient, the authorisation and the purpose that it rests on.

Pure. All are looked at as they stood when the disclosure was made: an authorisation that was revoked
later was good then, one that had expired was not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from compliance.derived.declared import Declared
from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.registers import hidden, names, unlisted, when
from compliance.derived.sight import blind, unless
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

CORE = (
    "description",
    "discloser",
    "recipient",
    "purpose",
    "expiry",
    "signature",
    "revocation-right",
    "redisclosure",
)
"""Core elements and statements of a valid authorisation (45 CFR 164.508(c))."""
_HELD = (
    "regime",
    "kind",
    "at",
    "recipient",
    "content",
    "purpose",
    "basis",
    "minimum_checked",
    "countable",
    "kept_until",
)

DISCLOSED_RECORD = FactSchema(
    "disclosed_record",
    "A disclosure of data about people, with its recipient, authorisation and purpose as they stood then.",
    (
        Field("regime", "string", "gdpr, uk-gdpr, cpra or hipaa"),
        Field("kind", "string", "disclosure, sale, sharing or research"),
        Field("at", "time", "When."),
        Field("recipient", "string", "To whom.", optional=True),
        Field("content", "string", "What, in brief.", optional=True),
        Field("purpose", "string", "Why.", optional=True),
        Field("basis", "string", "The rule that permits it: authorisation, treatment, payment, operations, law …", optional=True),
        Field("minimum_checked", "bool", "Whether it was held to the minimum necessary.", optional=True),
        Field("countable", "bool", "Whether it belongs in an accounting of disclosures."),
        Field("kept_until", "time", "Until when the row is kept.", optional=True),
        Field("recipient_known", "bool", "Whether the register of vendors has the recipient."),
        Field("purpose_registered", "bool", "Whether the register of purposes had the purpose then."),
        Field("needs_authorisation", "bool", "Whether it rests on an authorisation, or is a sale, or for research."),
        Field("authorised", "bool", "Whether a complete authorisation for it was in force then."),
    ),
    inputs=("disclosure",),
    adds=("vendor", "authorisation", "purpose"),
)  # fmt: skip


def disclosed_records(base: FactBase) -> Iterator[Fact]:
    """Every disclosure of the register."""
    vendors = {n.lower() for row in base.facts("vendor") for n in (row.resource, *names(row, "name"))}
    papers = {row.resource: row for row in base.facts("authorisation")}
    declared = Declared.of(base)
    for row in base.facts("disclosure"):
        at = when(row, "at") or row.observed_at
        paper = next((papers[name] for name in names(row, "authorisation") if name in papers), None)
        recipient, purpose = names(row, "recipient"), names(row, "purpose")
        known = any(name.lower() in vendors for name in recipient)
        registered = any(declared.purpose(name, at) is not None for name in purpose)
        looked: dict[str, Looked] = {name: look(row, name) for name in _HELD}
        looked |= {
            "recipient_known": hidden([row], "recipient") or unless(unlisted(base, "vendor"), known, told_by_absence=not known),
            "purpose_registered": hidden([row], "purpose") or unless(
                blind(base, "purpose"), registered, told_by_absence=not registered),
            "needs_authorisation": hidden([row], "basis", "kind", "authorisation") or _needs(row),
            "authorised": hidden([row], "authorisation", "at") or _authorised(paper, at, purpose, unlisted(base, "authorisation")),
        }  # fmt: skip
        yield derived(
            DISCLOSED_RECORD, row.resource, looked, of_facts(row, *([] if paper is None else [paper]))
        )


def _needs(row: Fact) -> bool:
    held = {*names(row, "basis"), *names(row, "kind")}
    return bool(held & {"authorisation", "sale", "research", "marketing"} or names(row, "authorisation"))


def _authorised(paper: Fact | None, at: datetime, purpose: list[str], bare: Unseen | None) -> Looked:
    if paper is None:
        return bare or False
    blind_ = hidden([paper], "elements", "signed_at", "expires_at", "revoked_at", "purposes")
    signed, expires, revoked = (when(paper, name) for name in ("signed_at", "expires_at", "revoked_at"))
    complete = set(CORE) <= set(names(paper, "elements")) or "waiver" in names(paper, "kind")
    in_force = signed is not None and signed <= at and (expires is None or at < expires)
    covers = set(purpose) <= set(names(paper, "purposes"))
    return blind_ or (complete and in_force and covers and (revoked is None or at < revoked))
