"""Each registered model version, with the records in its training data that were erased or withdrawn since.

Pure. A record was learned from if a run tied to the version read a dataset version whose membership
manifest holds it. Pseudonyms are counted and never enter a fact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from compliance.derived.declared import Declared, Record
from compliance.derived.erased import Erased
from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.models import in_use
from compliance.derived.registers import by, evidence_of, names, unplaced, when
from compliance.derived.sight import blind, unless
from compliance.derived.withdrawals import MAX_LOOKUPS
from compliance.derived.work import Ran, Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen
from compliance.lineage.registers import Version

LEARNED_MODEL = FactSchema(
    "learned_model",
    "A model version of the registry, with what was erased or withdrawn of its training data, and what was decided.",
    (
        Field("in_use", "bool", "Whether an alias or stage puts it into use."),
        Field("lapsed", "int", "Records it learned from that were erased or withdrawn after its training."),
        Field("last_lapse", "time", "When the last of them was.", optional=True),
        Field("decision", "string", "The last decision: retrain, unlearn, retire or keep.", optional=True),
        Field("reason", "string", "Why, where it is kept.", optional=True),
        Field("decided_at", "time", "When it was taken.", optional=True),
        Field("done_at", "time", "When it was carried out.", optional=True),
    ),
    inputs=("model_version",),
    adds=("lineage", "manifest", "erasure", "consent", "unlearning"),
)  # fmt: skip


def learned_models(base: FactBase) -> Iterator[Fact]:
    """Every model version of the registry."""
    work, lapses = work_of(base), _lapses(base)
    decisions = by(base.facts("unlearning"), lambda row: names(row, "model"))
    hidden = blind(base, "lineage", "manifest", "erasure") or _too_many(lapses)
    for model in base.facts("model_version"):
        runs = [ran for ran in work.runs_of_model(model.resource) if ran.completed]
        since = _since(runs, lapses, work, base)
        rows = decisions.get(model.resource, [])
        looked: dict[str, Looked] = {
            "in_use": in_use(model), "lapsed": unless(hidden, len(since), told_by_absence=not since),
            "last_lapse": unless(hidden, max(since, default=None), told_by_absence=not since),
        } | _decided(rows, unplaced(base, "unlearning", "model"))  # fmt: skip
        cited = {one for ran in runs for one in ran.evidence} | evidence_of(*rows)
        yield derived(LEARNED_MODEL, model.resource, looked, of_facts(model).citing(cited))


def _too_many(lapses: Mapping[Record, object]) -> Unseen | None:
    why = f"more than {MAX_LOOKUPS} records were erased or withdrawn"
    return Unseen("incomplete", why) if len(lapses) > MAX_LOOKUPS else None


def _lapses(base: FactBase) -> dict[Record, list[datetime]]:
    """When each record was erased, or its consent for some purpose withdrawn."""
    found: dict[Record, list[datetime]] = {}
    for erasure in Erased.of(base, work_of(base).same).all():
        found.setdefault(erasure.record, []).append(erasure.completed_at)
    declared = Declared.of(base)
    for purpose in {subject[2] for subject in declared.consents.by_key}:
        for record, told in declared.withdrawals(purpose):
            found.setdefault(record, []).append(told.instant)
    return found


def _since(
    runs: Sequence[Ran], lapses: Mapping[Record, Sequence[datetime]], work: Work, base: FactBase
) -> list[datetime]:
    """The last lapse after training of each record that one of the runs read."""
    read: dict[Version, datetime] = {
        version: ran.ended_at for ran in runs if ran.ended_at is not None for version in ran.reads
    }
    found: list[datetime] = []
    for record, instants in lapses.items() if read and not _too_many(lapses) else ():
        held = {work.version_of(evidence) for evidence in base.holding(*record)}
        trained = [read[version] for version in held if version in read]
        after = [at for at in instants if trained and at > min(trained)]
        found += [max(after)] if after else []
    return found


def _decided(rows: Sequence[Fact], bare: Unseen | None) -> dict[str, Looked]:
    fields = ("decision", "reason", "decided_at", "done_at")
    if not rows:
        return dict.fromkeys(fields, bare)
    last = max(rows, key=lambda row: (when(row, "decided_at") or row.observed_at, row.resource))
    return {name: look(last, name) for name in fields}
