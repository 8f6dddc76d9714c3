"""Each request of a person, with the time that its law allows, the deletion log and the data downstream.

Pure. The times are those of the law, not the due date of the workflow: one month (taken as 30 days)
under Art. 12(3) GDPR, two more when the person was told; 45 days under 1798.130(a)(2) and section 7021,
twice that when extended; 15 business days (taken as 21) to act on a choice under sections 7026(f),
7027(g) and 7221(n); 30 days for access and 60 for amendment and accounting under 45 CFR 164.524, 526
and 528, each 30 more. Receipt is confirmed in 10 business days (taken as 14) under section 7021(a), and
of complaints in 30 days under section 164A of the Data Protection Act 2018.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from compliance.derived.declared import dataset_id
from compliance.derived.erased import Erased, Erasure
from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.registers import as_time, hidden, names, seen_is
from compliance.derived.sight import blind, unless
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

CHOICES = frozenset({"opt-out", "limit", "admt-opt-out"})
CHOICE_DAYS = 21
ACCESS = (
    "purposes",
    "categories",
    "recipients",
    "retention",
    "rights",
    "complaint",
    "source",
    "decisions",
    "safeguards",
    "copy",
)
"""Parts of an answer to an access request under Art. 15(1) to (3) GDPR."""
KNOW = ("categories", "source", "purposes", "recipients", "sold-or-shared", "copy")
"""Parts of an answer to a request to know under 1798.110 and 1798.115."""
_DAYS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "gdpr": {"": (30, 60)}, "uk-gdpr": {"": (30, 60)}, "cpra": {"": (45, 45)},
    "hipaa": {"access": (30, 30), "": (60, 30)},
}  # fmt: skip
_CONFIRM = {("cpra", ""): 14, ("uk-gdpr", "complaint"): 30}
_HELD = (
    "kind", "law", "received", "acknowledged", "verified", "answered", "outcome", "exception", "remedies_told",
    "reason_given", "extended", "extension_told", "doubt_recorded", "fee_charged", "account_needed", "format",
    "reviewer", "applied", "answer", "recipients", "kept_until",
)  # fmt: skip

ANSWERED_REQUEST = FactSchema(
    "answered_request",
    "A request of a person or a complaint, with the time that its law allows and what was done in the data.",
    (
        Field("kind", "string", "access, portability, erasure, rectification, restriction, objection, and so on."),
        Field("law", "string", "gdpr, uk-gdpr, cpra or hipaa.", optional=True),
        Field("received", "time", "When it came."),
        Field("acknowledged", "time", "When receipt was confirmed.", optional=True),
        Field("confirm_by", "time", "Until when receipt must be confirmed; absent where no law says.", optional=True),
        Field("verified", "time", "When the person's identity was verified.", optional=True),
        Field("answer_by", "time", "Until when it must be answered; absent where the law is not one of the four.", optional=True),
        Field("answered", "time", "When it was answered.", optional=True),
        Field("outcome", "string", "granted, partly, refused or withdrawn.", optional=True),
        Field("exception", "string", "The exception on which a refusal rests.", optional=True),
        Field("reason_given", "bool", "Whether a refusal gives its reason.", optional=True),
        Field("remedies_told", "bool", "Whether a refusal named complaint and remedy.", optional=True),
        Field("extended", "bool", "Whether the term was extended.", optional=True),
        Field("extension_told", "time", "When the person was told of that.", optional=True),
        Field("doubt_recorded", "bool", "Whether a demand for more identification has its doubt on record.", optional=True),
        Field("fee_charged", "bool", "Whether money was asked for.", optional=True),
        Field("account_needed", "bool", "Whether an account had to be opened.", optional=True),
        Field("format", "string", "Format in which data were handed over.", optional=True),
        Field("reviewer", "string", "The person who reviewed an automated decision.", optional=True),
        Field("applied", "time", "When it took effect in the data.", optional=True),
        Field("kept_until", "time", "Until when its record is kept.", optional=True),
        Field("answer", "strings", "What the answer held."),
        Field("answer_missing", "strings", "Parts that the law asks of such an answer and it did not hold."),
        Field("recipients", "strings", "Recipients of the data."),
        Field("untold", "strings", "Of these, those who were not told."),
        Field("downstream", "strings", "Datasets made from those it names, of the same key space, that it leaves out."),
        Field("in_deletion_log", "bool", "Whether the deletion log has an erasure with its id.", optional=True),
        Field("erased_at", "time", "When the deletion log says that the last of them was completed.", optional=True),
    ),
    inputs=("data_subject_request",),
    adds=("erasure", "lineage"),
)  # fmt: skip


@dataclass(frozen=True)
class _Data:
    """The deletion log by request, and what was made from what."""

    erasures: Mapping[str, Sequence[Erasure]]
    made_from: Mapping[str, frozenset[str]]
    spaces: Mapping[str, frozenset[str]]
    no_erasures: Unseen | None
    no_lineage: Unseen | None

    @classmethod
    def of(cls, base: FactBase) -> _Data:
        work = work_of(base)
        erasures: dict[str, list[Erasure]] = {}
        for one in Erased.of(base, work.same).all():
            erasures.setdefault(one.request_id, []).append(one)
        made: dict[str, set[str]] = {}
        for ran in work.runs:
            for source in ran.inputs if ran.completed else ():
                made.setdefault(dataset_id(source), set()).update(dataset_id(v.dataset) for v in ran.writes)
        spaces = {dataset_id(dataset): work.key_spaces(dataset) for dataset in work.named}
        return cls(
            erasures, {name: frozenset(found) for name, found in made.items()}, spaces,
            blind(base, "erasure"), blind(base, "lineage"),
        )  # fmt: skip

    def downstream(self, datasets: Sequence[str]) -> list[str]:
        """What was made from these, at any distance, and holds a key space of one of them."""
        spaces = {space for name in datasets for space in self.spaces.get(name, ())}
        found, ahead = set(datasets), list(datasets)
        while ahead:
            new = self.made_from.get(ahead.pop(), frozenset()) - found
            found |= new
            ahead += sorted(new)
        return sorted(n for n in found - set(datasets) if self.spaces.get(n, frozenset()) & spaces)


def answered_requests(base: FactBase) -> Iterator[Fact]:
    """Every request of the register."""
    data = _Data.of(base)
    for request in base.facts("data_subject_request"):
        looked: dict[str, Looked] = {name: look(request, name) for name in _HELD}
        looked |= _clock(request) | _answer(request) | _reached(request, data)
        entries = [e for one in _erasures(request, data) for e in one.entries]
        yield derived(
            ANSWERED_REQUEST, request.resource, looked, of_facts(request).citing(e.evidence for e in entries)
        )


def _clock(request: Fact) -> dict[str, Looked]:
    held = [look(request, name) for name in ("law", "kind", "received", "extended", "extension_told")]
    blind_ = next((one for one in held if isinstance(one, Unseen)), None)
    if blind_ is not None:
        return {"answer_by": blind_, "confirm_by": blind_}
    law, kind, received, extended, told = held
    start = as_time(received)
    days = _days(str(law), str(kind), None if told is None or not extended else as_time(told) - start)
    confirm = _CONFIRM.get((str(law), str(kind)), _CONFIRM.get((str(law), "")))
    return {
        "answer_by": None if days is None else start + timedelta(days=days),
        "confirm_by": None if confirm is None or kind in CHOICES else start + timedelta(days=confirm),
    }


def _days(law: str, kind: str, told_after: timedelta | None) -> int | None:
    """The term, longer where the person was told within it that it is extended; None for another law."""
    if law == "cpra" and kind in CHOICES:
        return CHOICE_DAYS
    terms = _DAYS.get(law, {})
    term = terms.get(kind, terms.get(""))
    if term is None:
        return None
    first, more = term
    return first + (more if told_after is not None and told_after <= timedelta(days=first) else 0)


def _answer(request: Fact) -> dict[str, Looked]:
    blind_ = hidden([request], "kind", "law", "outcome", "answer")
    granted = any(seen_is(request, "outcome", one) for one in ("granted", "partly"))
    parts: Sequence[str] = ()
    if granted and seen_is(request, "kind", "access"):
        parts = (
            KNOW if seen_is(request, "law", "cpra") else () if seen_is(request, "law", "hipaa") else ACCESS
        )
    have = names(request, "answer")
    return {"answer_missing": blind_ or [part for part in parts if part not in have]}


def _erasures(request: Fact, data: _Data) -> Sequence[Erasure]:
    ids = [*names(request, "erasure_request_id"), request.resource]
    return next((data.erasures[one] for one in ids if one in data.erasures), ())


def _reached(request: Fact, data: _Data) -> dict[str, Looked]:
    told, named = set(names(request, "recipients_told")), names(request, "datasets")
    logged = _erasures(request, data)
    erasing = seen_is(request, "kind", "erasure")
    last = max((one.completed_at for one in logged), default=None)
    return {
        "untold": hidden([request], "recipients", "recipients_told") or sorted(set(names(request, "recipients")) - told),
        "downstream": hidden([request], "datasets") or data.no_lineage or data.downstream(named),
        "in_deletion_log": hidden([request], "kind", "erasure_request_id") or (
            unless(data.no_erasures, bool(logged), told_by_absence=not logged) if erasing else None),
        "erased_at": hidden([request], "kind", "erasure_request_id") or unless(
            data.no_erasures, last, told_by_absence=last is None and erasing),
    }  # fmt: skip
