"""Each registered model version, joined with the runs that trained it and what those read.

Pure. A run is tied to a version if its tag ``model`` names it or the registry ties it to the version
(CONTRACT section 4, *Who used it*): a run that scored with the model used the records for it too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived, look, need, of_facts
from compliance.derived.runs import Rules, refusals, without_contract
from compliance.derived.sight import blind, unless
from compliance.derived.work import Ran, Work, work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

IN_USE = frozenset({"champion", "production", "prod", "live"})
"""Aliases and stages (in lower case) that put a model version into use."""

TRAINED_MODEL = FactSchema(
    "trained_model",
    "A model version of the registry, with the lineage runs tied to it and the contracts of what they read.",
    (
        Field("name", "string", "Registered model."),
        Field("version", "string", "Version."),
        Field(
            "in_use", "bool", "Whether an alias or stage puts it into use (champion, production, prod, live)."
        ),
        Field("purpose", "string", "Purpose in the registry.", optional=True),
        Field("purpose_registered", "bool", "Whether the register of processing has it.", optional=True),
        Field("risk_class", "string", "Risk class in the registry.", optional=True),
        Field("owner", "string", "Owner in the registry.", optional=True),
        Field("approval", "string", "Approval in the registry.", optional=True),
        Field("approved_by", "string", "Who approved it.", optional=True),
        Field("requested_by", "string", "Who asked for approval.", optional=True),
        Field("runs", "int", "Runs of the lineage that are tied to it and completed."),
        Field("datasets", "strings", "Datasets that those runs read."),
        Field("unresolved", "strings", "Of these, those read in a version that nobody can name."),
        Field(
            "without_contract", "strings", "Of these, those without a contract in force at the run's start."
        ),
        Field("run_purposes", "strings", "Purposes of those runs."),
        Field("refusals", "strings", "Contracts that lacked a purpose of a run, as DATASET: PURPOSE."),
        Field("withdrawn", "int", "Records read by one of the runs after their consent had been withdrawn."),
    ),
    inputs=("model_version",),
    adds=("lineage", "contract", "purpose", "consent", "manifest", "feature_view"),
)

_OWN = ("purpose", "risk_class", "owner", "approval", "approved_by", "requested_by")


def trained_models(base: FactBase) -> Iterator[Fact]:
    """Every model version of the registry."""
    work = work_of(base)
    rules = Rules.of(base, work.same)
    lineage = blind(base, "lineage")
    for model in base.facts("model_version"):
        runs = [ran for ran in work.runs_of_model(model.resource) if ran.completed]
        looked = _registered(model, rules, base) | _trained(runs, work, rules)
        looked["runs"] = unless(lineage, len(runs), told_by_absence=not runs)
        yield derived(TRAINED_MODEL, model.resource, looked, _origin(model, runs, rules.declared))


def _registered(model: Fact, rules: Rules, base: FactBase) -> dict[str, Looked]:
    purpose = look(model, "purpose")
    registered: Looked = purpose
    if not isinstance(purpose, Unseen) and purpose is not None:
        found = rules.declared.purpose(purpose, base.at) is not None
        registered = unless(rules.purposes, found, told_by_absence=not found)
    own: dict[str, Looked] = {name: look(model, name) for name in _OWN}
    return own | {
        "name": need(model, "name"), "version": need(model, "version"),
        "in_use": in_use(model), "purpose_registered": registered,
    }  # fmt: skip


def in_use(model: Fact) -> Looked:
    """Whether the registry puts the version into use; one sign is enough, none needs both to be seen."""
    stage, aliases = look(model, "stage"), need(model, "aliases")
    signs = [] if isinstance(stage, Unseen) or stage is None else [stage]
    signs += [] if isinstance(aliases, Unseen) else list(aliases)
    if any(sign.lower() in IN_USE for sign in signs):
        return True
    return next((one for one in (stage, aliases) if isinstance(one, Unseen)), False)


def _trained(runs: Sequence[Ran], work: Work, rules: Rules) -> dict[str, Looked]:
    refused, bare = set(), set()
    for ran in runs:
        refused |= set(refusals(rules.declared, ran)[0])
        bare |= set(without_contract(rules.declared, ran))
    return {
        "datasets": sorted({dataset_id(dataset) for ran in runs for dataset, _ in ran.reads}),
        "unresolved": sorted({dataset_id(one) for ran in runs for one in ran.unresolved}),
        "without_contract": unless(rules.contracts, sorted(bare), told_by_absence=bool(bare)),
        "refusals": unless(rules.contracts, sorted(refused), told_by_absence=not refused),
        "run_purposes": sorted({p for ran in runs for p in ran.purposes}),
        "withdrawn": _most([rules.withdrawals.read_by(ran, work) for ran in runs]),
    }  # fmt: skip


def _most(counts: Sequence[Looked]) -> Looked:
    """The highest count; a count that could not be made hides the rest unless one is above zero."""
    seen = [count for count in counts if not isinstance(count, Unseen)]
    most = max(seen, default=0)
    return most or next((count for count in counts if isinstance(count, Unseen)), 0)


def _origin(model: Fact, runs: Sequence[Ran], declared: Declared) -> Origin:
    cited = {evidence for ran in runs for evidence in ran.evidence}
    for ran in runs:
        cited |= set(refusals(declared, ran)[1])
    return of_facts(model).citing(cited)
