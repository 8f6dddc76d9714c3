"""Each vendor in use, with the record of processing, the transfers and the datasets that concern it.

Pure. A vendor register is kept by those who buy; whether data go there, and on what ground, is told by
others: the record of processing, the register of transfers, and the contracts of the datasets it gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.derived.datasets import DATASET, datasets
from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.registers import by, hidden, names, seen_is, unlisted, unplaced, when
from compliance.derived.sight import unless
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

INSIDE = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "HR",
        "CY",
        "CZ",
        "DK",
        "EE",
        "FI",
        "FR",
        "DE",
        "GR",
        "HU",
        "IE",
        "IT",
        "LV",
        "LT",
        "LU",
        "MT",
        "NL",
        "PL",
        "PT",
        "RO",
        "SK",
        "SI",
        "ES",
        "SE",
        "IS",
        "LI",
        "NO",
    ]
)
"""The European Economic Area, by ISO 3166 code."""
_HELD = (
    "name", "criticality", "processes_personal_data", "data_classes", "roles", "contracts", "clauses",
    "approved", "live_since", "last_assessed", "monitored", "adverse_change", "adverse_change_reviewed",
    "customer_keys", "customer_keys_offered", "masked_before_sending", "dpa_signed", "dpa_expires", "baa_signed",
    "incident_notice_hours", "audit_right", "contract_ends", "data_returned", "active", "owner", "country",
    "responsibilities_agreed", "subprocessors_reviewed",
)  # fmt: skip

VENDOR_RELATION = FactSchema(
    "vendor_relation",
    "A vendor, with the record of processing, the transfers and the datasets that concern it.",
    (
        Field("name", "string", "Name."),
        Field("active", "bool", "Whether it is in use."),
        Field("criticality", "string", "critical, high, medium or low.", optional=True),
        Field("processes_personal_data", "bool", "Whether it processes personal data."),
        Field("data_classes", "strings", "Classes of data that it gets, such as phi or card."),
        Field("roles", "strings", "processor, business-associate, service-provider, third-party and so on."),
        Field("contracts", "strings", "Kinds of agreement: dpa, baa, cpra, clauses, uk-addendum, safeguards, pci, ai-supply."),
        Field("clauses", "strings", "Terms that they have."),
        Field("owner", "string", "Who answers for the relation.", optional=True),
        Field("country", "string", "Country in which it processes.", optional=True),
        Field("approved", "time", "When it was approved after due diligence.", optional=True),
        Field("live_since", "time", "Since when data go there.", optional=True),
        Field("last_assessed", "time", "Its last assessment.", optional=True),
        Field("monitored", "time", "When its posture was last looked at.", optional=True),
        Field("adverse_change", "time", "The last adverse change of its posture.", optional=True),
        Field("adverse_change_reviewed", "time", "When that was reviewed.", optional=True),
        Field("customer_keys", "bool", "Whether its stores use keys that the customer holds.", optional=True),
        Field("customer_keys_offered", "bool", "Whether it offers them.", optional=True),
        Field("masked_before_sending", "bool", "Whether identifiers are masked or tokenised before they go there.", optional=True),
        Field("dpa_signed", "time", "When the processing agreement was signed.", optional=True),
        Field("dpa_expires", "time", "When it ends.", optional=True),
        Field("baa_signed", "time", "When the business associate agreement was signed.", optional=True),
        Field("incident_notice_hours", "int", "Hours within which it must report an incident.", optional=True),
        Field("audit_right", "bool", "Whether the contract gives a right to audit.", optional=True),
        Field("contract_ends", "time", "When the contract ends or ended.", optional=True),
        Field("data_returned", "time", "When data were confirmed returned or destroyed.", optional=True),
        Field("responsibilities_agreed", "time", "When the matrix of responsibilities was last agreed.", optional=True),
        Field("subprocessors_reviewed", "time", "When its list of subprocessors was last looked at.", optional=True),
        Field("certificates", "int", "Certificates and audit reports on file."),
        Field("certified_until", "time", "When the last of them ends.", optional=True),
        Field("in_record", "bool", "Whether a row of the record of processing names it as recipient."),
        Field("unauthorised", "strings", "Its subprocessors that were not authorised."),
        Field("unbound", "strings", "Its subprocessors that are not bound by the same terms."),
        Field("outside", "bool", "Whether it processes outside the European Economic Area."),
        Field("transfers", "strings", "Transfers to it that have not ended."),
        Field("mechanisms", "strings", "Their grounds."),
        Field("transfers_weak", "strings", "Of these, those without instrument, or without an assessment that found it sufficient."),
        Field("transfer_ends", "time", "When the first of their grounds lapses.", optional=True),
        Field("transfer_assessed", "time", "The oldest of their assessments.", optional=True),
        Field("datasets", "strings", "Datasets that it gets."),
        Field("datasets_uncontracted", "strings", "Of these, those without a data contract in force."),
        Field("datasets_identified", "strings", "Of these, those that hold records of people, cards or patients."),
    ),
    inputs=("vendor",),
    adds=("transfer", "processing_activity", *DATASET.inputs, *DATASET.adds),
)  # fmt: skip


def vendor_relations(base: FactBase) -> Iterator[Fact]:
    """Every vendor of the register."""
    transfers = by((row for row in base.facts("transfer") if when(row, "ended") is None), _recipients)
    activities = list(base.facts("processing_activity"))
    known = {fact.resource: fact for fact in datasets(base)}
    for vendor in base.facts("vendor"):
        rows = [row for name in _called(vendor) for row in transfers.get(name, [])]
        looked: dict[str, Looked] = {name: look(vendor, name) for name in _HELD}
        looked |= _recorded(vendor, activities, base) | _bound(vendor) | _transferred(vendor, rows, base)
        looked |= _sent(vendor, [known[name] for name in names(vendor, "datasets") if name in known])
        yield derived(VENDOR_RELATION, vendor.resource, looked, of_facts(vendor, *rows))


def _recipients(row: Fact) -> list[str]:
    return [name.lower() for name in names(row, "recipient")]


def _called(vendor: Fact) -> list[str]:
    """What others call it: its id and its name."""
    return sorted({vendor.resource.lower(), *(name.lower() for name in names(vendor, "name"))})


def _recorded(vendor: Fact, activities: Sequence[Fact], base: FactBase) -> dict[str, Looked]:
    called = set(_called(vendor))
    found = any(called & {name.lower() for name in names(row, "recipients")} for row in activities)
    blind = hidden(activities, "recipients") or unlisted(base, "processing_activity")
    return {"in_record": unless(blind, found, told_by_absence=not found)}


def _bound(vendor: Fact) -> dict[str, Looked]:
    subs = set(names(vendor, "subprocessors"))
    certificates = look(vendor, "certificates")
    held: list[dict[str, str]] = [] if isinstance(certificates, Unseen) else list(certificates or ())
    until = max((str(one["valid_until"]) for one in held), default=None)
    return {
        "unauthorised": hidden([vendor], "subprocessors", "subprocessors_authorised")
        or sorted(subs - set(names(vendor, "subprocessors_authorised"))),
        "unbound": hidden([vendor], "subprocessors", "subprocessors_bound")
        or sorted(subs - set(names(vendor, "subprocessors_bound"))),
        "certificates": certificates if isinstance(certificates, Unseen) else len(held),
        "certified_until": certificates if isinstance(certificates, Unseen) else until,
    }


def _transferred(vendor: Fact, rows: Sequence[Fact], base: FactBase) -> dict[str, Looked]:
    country, whole = look(vendor, "country"), unplaced(base, "transfer", "recipient", "ended")
    weak = sorted(row.resource for row in rows if _weak(row))
    ends = [at for row in rows if (at := when(row, "expires"))]
    assessed = [when(row, "impact_assessed") for row in rows]
    return {
        "outside": Unseen("missing", f"vendor {vendor.resource} states no country") if country is None
        else country if isinstance(country, Unseen) else str(country).upper() not in INSIDE,
        "transfers": unless(whole, sorted(row.resource for row in rows), told_by_absence=not rows),
        "mechanisms": hidden(rows, "mechanism") or sorted({m for row in rows for m in names(row, "mechanism")}),
        "transfers_weak": hidden(rows, "mechanism", "signed", "assessment_finds")
        or unless(whole, weak, told_by_absence=not weak),
        "transfer_ends": hidden(rows, "expires") or min(ends, default=None),
        "transfer_assessed": hidden(rows, "impact_assessed") or (
            None if None in assessed else min((at for at in assessed if at), default=None)),
    }  # fmt: skip


def _weak(row: Fact) -> bool:
    """An adequate country needs no instrument; a derogation needs its ground; all else is signed and sufficient."""
    if seen_is(row, "mechanism", "adequacy"):
        return False
    if seen_is(row, "mechanism", "derogation"):
        return look(row, "ground") is None
    return (
        seen_is(row, "mechanism", "none")
        or when(row, "signed") is None
        or not seen_is(row, "assessment_finds", "sufficient")
    )


def _sent(vendor: Fact, known: Sequence[Fact]) -> dict[str, Looked]:
    blind = hidden([vendor], "datasets")
    sent = names(vendor, "datasets")
    bare = set(sent) - {fact.resource for fact in known if not seen_is(fact, "has_contract", False)}  # noqa: FBT003 - a value
    return {
        "datasets": blind or sent,
        "datasets_uncontracted": blind or hidden(known, "has_contract") or sorted(bare),
        "datasets_identified": blind or hidden(known, "personal") or sorted(
            fact.resource for fact in known if seen_is(fact, "personal", True)),  # noqa: FBT003 - a value
    }  # fmt: skip
