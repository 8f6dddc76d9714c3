"""Each registered model version with the card, the evaluations, the monitoring and the release that speak of it.

Pure. The registry says which versions are in use; the registers say what was shown about them. Of
several evaluations of one kind the newest counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.derived.joining import Looked, Origin, derived, look, need, of_facts
from compliance.derived.models import in_use
from compliance.derived.registers import (
    absent_unless,
    by,
    evidence_of,
    hidden,
    names,
    seen_is,
    unlisted,
    unplaced,
    when,
)
from compliance.derived.sight import blind, unless
from compliance.derived.work import Ran, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

CARD = (
    "intended_use",
    "out_of_scope",
    "limitations",
    "metrics",
    "training_data",
    "explanation",
    "human_oversight",
)
"""What a model card has to say."""
_WATCH = ("watches", "reported_at", "untended", "median_detect_minutes", "median_resolve_minutes")
_RELEASE = (
    "stages", "compared_at", "known_good", "known_good_warm", "rollback_tested_at", "rollback_minutes",
    "signed", "provenance", "scanned_at", "unknown_downloads",
)  # fmt: skip

GOVERNED_MODEL = FactSchema(
    "governed_model",
    "A model version of the registry with its card, evaluations, monitoring and release.",
    (
        Field("in_use", "bool", "Whether an alias or stage puts it into use."),
        Field("created", "time", "When the version was created."),
        Field("risk_class", "string", "Risk class in the registry.", optional=True),
        Field("personal", "bool", "Whether a dataset that its runs read holds records of people."),
        Field("has_card", "bool", "Whether it has a model card."),
        Field("card_missing", "strings", "Parts of the card that are empty; all of them without one."),
        Field("card_reviewed", "time", "Last review or approval of the card.", optional=True),
        Field("card_approved_by", "string", "Who approved the card.", optional=True),
        Field("passed", "strings", "Kinds whose newest evaluation passed or whose miss somebody accepted with measures."),
        Field("failed", "strings", "Kinds whose newest evaluation failed and nobody accepted."),
        Field("newest", "time", "The newest evaluation.", optional=True),
        Field("red_team", "time", "The newest red-team exercise.", optional=True),
        Field("limits_late", "strings", "Evaluations whose limits were not fixed before they were made."),
        Field("groups", "strings", "Groups that fairness evaluations examined."),
        Field("groups_missing", "strings", "Groups that they should have examined and did not."),
        Field("findings_open", "int", "Findings of its newest evaluations that are open."),
        Field("watches", "strings", "What its monitoring watches."),
        Field("reported_at", "time", "The monitoring's last report.", optional=True),
        Field("untended", "int", "Breaches of the last 30 days without a ticket.", optional=True),
        Field("median_detect_minutes", "int", "Median minutes from a change to the alert.", optional=True),
        Field("median_resolve_minutes", "int", "Median minutes from the alert to the end.", optional=True),
        Field("stages", "strings", "Stages of its release: shadow, canary, blue-green."),
        Field("compared_at", "time", "When it was compared with the former version.", optional=True),
        Field("known_good", "string", "Version to which one would go back.", optional=True),
        Field("known_good_registered", "bool", "Whether the registry has that version.", optional=True),
        Field("known_good_warm", "bool", "Whether that version is ready to serve.", optional=True),
        Field("rollback_tested_at", "time", "The last test of going back.", optional=True),
        Field("rollback_minutes", "int", "Minutes that it took.", optional=True),
        Field("signed", "bool", "Whether a signature was verified at load.", optional=True),
        Field("provenance", "bool", "Whether an attestation of its making is attached.", optional=True),
        Field("scanned_at", "time", "When the artefact was scanned.", optional=True),
        Field("unknown_downloads", "int", "Downloads of weights by unknown identities.", optional=True),
    ),
    inputs=("model_version",),
    adds=("lineage", "contract", "manifest", "model_card", "model_evaluation", "model_monitor", "model_release"),
)  # fmt: skip


@dataclass(frozen=True)
class _Registers:
    """The registers by model version, and whether the absence of a row means anything."""

    rows: Mapping[str, Mapping[str, list[Fact]]]
    whole: Mapping[str, Unseen | None]
    versions: frozenset[str]

    @classmethod
    def of(cls, base: FactBase) -> _Registers:
        types = ("model_card", "model_monitor", "model_release")
        rows = {type_: by(base.facts(type_), lambda row: [row.resource]) for type_ in types}
        rows["model_evaluation"] = by(base.facts("model_evaluation"), lambda row: names(row, "model"))
        return cls(
            rows, {type_: unlisted(base, type_) for type_ in types}
            | {"model_evaluation": unplaced(base, "model_evaluation", "model")},
            frozenset(model.resource for model in base.facts("model_version")),
        )  # fmt: skip

    def first(self, type_: str, model: str) -> Fact | None:
        """The row of a model version; a card may speak of the model as a whole."""
        rows = self.rows[type_]
        return next(iter(rows.get(model) or rows.get(model.rpartition("/")[0]) or ()), None)


def governed_models(base: FactBase) -> Iterator[Fact]:
    """Every model version of the registry."""
    registers, work = _Registers.of(base), work_of(base)
    unread = blind(base, "lineage")
    for model in base.facts("model_version"):
        runs = [ran for ran in work.runs_of_model(model.resource) if ran.completed]
        personal = any(work.key_spaces(dataset) for ran in runs for dataset in ran.inputs)
        looked: dict[str, Looked] = {
            "in_use": in_use(model), "created": need(model, "created"), "risk_class": look(model, "risk_class"),
            "personal": unless(unread, personal, told_by_absence=not personal),
        }  # fmt: skip
        evaluations = _newest(registers.rows["model_evaluation"].get(model.resource, []))
        looked |= _carded(model, registers) | _evaluated(evaluations, registers) | _run(model, registers)
        yield derived(GOVERNED_MODEL, model.resource, looked, _origin(model, runs, evaluations, registers))


def _origin(model: Fact, runs: Sequence[Ran], evaluations: Sequence[Fact], registers: _Registers) -> Origin:
    found = [
        registers.first(type_, model.resource) for type_ in ("model_card", "model_monitor", "model_release")
    ]
    rows = [row for row in found if row is not None]
    return of_facts(model).citing(
        {e for ran in runs for e in ran.evidence} | evidence_of(*rows, *evaluations)
    )


def _newest(rows: Sequence[Fact]) -> list[Fact]:
    """The newest evaluation of each kind and group; at one instant the one that failed."""
    found: dict[tuple[str, ...], Fact] = {}
    for row in sorted(rows, key=lambda one: (_made(one), not seen_is(one, "passed", False), one.resource)):  # noqa: FBT003 - a value
        key = (*names(row, "kind"), *names(row, "group"), *names(row, "metric"))
        found[key] = row
    return list(found.values())


def _made(row: Fact) -> datetime:
    return when(row, "performed") or row.observed_at


def _carded(model: Fact, registers: _Registers) -> dict[str, Looked]:
    card, bare = registers.first("model_card", model.resource), registers.whole["model_card"]
    if card is None:
        absent: dict[str, Looked] = dict.fromkeys(("card_reviewed", "card_approved_by"), bare)
        return absent | {
            "has_card": unless(bare, False, told_by_absence=True), "card_missing": bare or list(CARD)  # noqa: FBT003 - a value
        }  # fmt: skip
    told = [at for at in (when(card, "reviewed"), when(card, "approved")) if at is not None]
    return {
        "has_card": True, "card_approved_by": look(card, "approved_by"),
        "card_missing": hidden([card], *CARD) or [part for part in CARD if look(card, part) in (None, "", [], ())],
        "card_reviewed": hidden([card], "reviewed", "approved") or max(told, default=None),
    }  # fmt: skip


def _evaluated(rows: Sequence[Fact], registers: _Registers) -> dict[str, Looked]:
    bare = registers.whole["model_evaluation"]
    missed = [r for r in rows if seen_is(r, "passed", False) and look(r, "mitigation_approved_by") is None]  # noqa: FBT003 - a value
    failed = sorted({kind for row in missed for kind in names(row, "kind")})
    passed = sorted({kind for row in rows for kind in names(row, "kind")} - set(failed))
    red = [at for row in rows if "red-team" in names(row, "kind") and (at := when(row, "performed"))]
    late = sorted(row.resource for row in rows if not _fixed_before(row))
    fair = [row for row in rows if "fairness" in names(row, "kind")]
    return {
        "passed": hidden(rows, "kind", "passed", "mitigation_approved_by") or unless(bare, passed, told_by_absence=not passed),
        "failed": hidden(rows, "kind", "passed", "mitigation_approved_by") or unless(bare, failed, told_by_absence=not failed),
        "newest": unless(bare, max(map(_made, rows), default=None), told_by_absence=not rows),
        "red_team": unless(bare, max(red, default=None), told_by_absence=not red),
        "limits_late": hidden(rows, "limits_set", "performed") or unless(bare, late, told_by_absence=not late),
        "groups": hidden(fair, "groups") or sorted({g for row in fair for g in names(row, "groups")}),
        "groups_missing": hidden(fair, "groups_missing") or unless(
            bare, sorted({g for row in fair for g in names(row, "groups_missing")}), told_by_absence=True),
        "findings_open": hidden(rows, "findings_open") or unless(
            bare, sum(int(row.value["findings_open"]) for row in rows), told_by_absence=True),
    }  # fmt: skip


def _fixed_before(row: Fact) -> bool:
    fixed, made = when(row, "limits_set"), when(row, "performed")
    return fixed is not None and made is not None and fixed <= made


def _run(model: Fact, registers: _Registers) -> dict[str, Looked]:
    watch, release = (registers.first(t, model.resource) for t in ("model_monitor", "model_release"))
    looked = absent_unless(watch, _WATCH, registers.whole["model_monitor"])
    looked |= absent_unless(release, _RELEASE, registers.whole["model_release"])
    for name in ("watches", "stages"):
        looked[name] = [] if looked[name] is None else looked[name]
    good = looked["known_good"]
    looked["known_good_registered"] = (
        good if good is None or isinstance(good, Unseen) else good in registers.versions
    )
    return looked
