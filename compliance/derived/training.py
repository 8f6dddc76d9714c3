"""Each dataset that a registered model learned from, with its datasheet.

Pure. Which data a model learned from is told by lineage, not by the datasheet: a set that nobody
described shows up here because a run read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from compliance.derived.declared import dataset_id
from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.models import in_use
from compliance.derived.registers import absent_unless, evidence_of, hidden, names, seen_is, unlisted
from compliance.derived.sight import unless
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

PARTS = (
    "motivation", "composition", "collection", "origin", "preprocessing", "assumptions", "availability",
    "biases_examined", "mitigation", "gaps", "errors", "representative", "context",
)  # fmt: skip
"""What a datasheet of training data has to say (Art. 10(2) to (4) of the AI Act, in its order)."""
_HELD = (
    "origin", "license", "lawful_basis", "approved", "approved_by", "reviewed", "biases_examined",
    "copyright_reviewed", "opt_outs_honoured", "face_scraping", "special_categories",
)  # fmt: skip

TRAINING_DATASET = FactSchema(
    "training_dataset",
    "A dataset that a completed run tied to a registered model read, with its datasheet.",
    (
        Field("models", "strings", "Model versions that learned from it."),
        Field("in_use", "bool", "Whether one of them is in use."),
        Field("high_risk", "bool", "Whether one of them bears the risk class high."),
        Field("has_datasheet", "bool", "Whether it has a datasheet."),
        Field("missing", "strings", "Parts of the datasheet that are empty; all of them without one."),
        Field("origin", "string", "Where it is from.", optional=True),
        Field("license", "string", "Licence under which it may be used.", optional=True),
        Field("lawful_basis", "string", "Lawful basis of its collection.", optional=True),
        Field("approved", "time", "When the datasheet was approved.", optional=True),
        Field("approved_by", "string", "Who approved it.", optional=True),
        Field("reviewed", "time", "Its last review.", optional=True),
        Field("biases_examined", "time", "When it was examined for biases.", optional=True),
        Field("copyright_reviewed", "time", "When reservations of rights were looked at.", optional=True),
        Field("opt_outs_honoured", "bool", "Whether those were honoured.", optional=True),
        Field("face_scraping", "bool", "Whether faces were gathered without a target.", optional=True),
        Field("special_categories", "bool", "Whether it holds special categories of data.", optional=True),
        Field("collected_for", "strings", "Purposes for which it was collected."),
        Field("used_for", "strings", "Purposes of the runs."),
        Field("foreign", "strings", "Of these, those for which it was not collected."),
        Field("tests", "int", "Checks of its quality on record."),
        Field("failing", "strings", "Of these, those that failed last."),
    ),
    inputs=("model_version", "lineage"),
    adds=("datasheet", "data_quality_result"),
)  # fmt: skip


@dataclass
class _Use:
    """Which models learned from a dataset, and for what."""

    models: list[Fact] = field(default_factory=list)
    purposes: set[str] = field(default_factory=set)
    evidence: set[str] = field(default_factory=set)


def training_datasets(base: FactBase) -> Iterator[Fact]:
    """Every dataset that the completed runs of registered models read."""
    sheets = {row.resource: row for row in base.facts("datasheet")}
    results: dict[str, list[Fact]] = defaultdict(list)
    for result in base.facts("data_quality_result"):
        for name in names(result, "dataset"):
            results[name].append(result)
    bare, untested = unlisted(base, "datasheet"), unlisted(base, "data_quality_result")
    for name, use in sorted(_uses(base).items()):
        looked = _used(use) | _described(sheets.get(name), use, bare) | _tested(results[name], untested)
        sheet = sheets.get(name)
        rows = [*use.models, *results[name], *([] if sheet is None else [sheet])]
        yield derived(
            TRAINING_DATASET, name, looked, of_facts(*rows).citing(use.evidence | evidence_of(*rows))
        )


def _uses(base: FactBase) -> Mapping[str, _Use]:
    found: dict[str, _Use] = defaultdict(_Use)
    work = work_of(base)
    for model in base.facts("model_version"):
        for ran in work.runs_of_model(model.resource):
            for dataset in ran.inputs if ran.completed else ():
                use = found[dataset_id(dataset)]
                use.models += [] if model in use.models else [model]
                use.purposes |= set(ran.purposes)
                use.evidence |= set(ran.evidence)
    return found


def _used(use: _Use) -> dict[str, Looked]:
    active = [in_use(model) for model in use.models]
    blind = next((one for one in active if isinstance(one, Unseen)), None)
    high = any(seen_is(model, "risk_class", "high") for model in use.models)
    return {
        "models": sorted(model.resource for model in use.models),
        "in_use": unless(blind, True in active, told_by_absence=True not in active),
        "high_risk": unless(hidden(use.models, "risk_class"), high, told_by_absence=not high),
        "used_for": sorted(use.purposes),
    }  # fmt: skip


def _described(sheet: Fact | None, use: _Use, bare: Unseen | None) -> dict[str, Looked]:
    looked = absent_unless(sheet, _HELD, bare)
    looked["has_datasheet"] = unless(bare, sheet is not None, told_by_absence=sheet is None)
    if sheet is None:
        return looked | {
            "missing": bare or list(PARTS), "collected_for": bare or [], "foreign": bare or sorted(use.purposes)
        }  # fmt: skip
    purposes = look(sheet, "purposes")
    foreign = sorted(use.purposes - set(names(sheet, "purposes")))
    return looked | {
        "missing": hidden([sheet], *PARTS) or [part for part in PARTS if look(sheet, part) in {None, ""}],
        "collected_for": purposes, "foreign": purposes if isinstance(purposes, Unseen) else foreign,
    }  # fmt: skip


def _tested(results: list[Fact], untested: Unseen | None) -> dict[str, Looked]:
    failing = sorted(one.resource for one in results if seen_is(one, "passed", False))  # noqa: FBT003 - a value
    return {
        "tests": unless(untested, len(results), told_by_absence=not results),
        "failing": hidden(results, "passed") or unless(untested, failing, told_by_absence=not failing),
    }  # fmt: skip
