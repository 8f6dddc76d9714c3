"""What was declared and in force for a use: purpose, lawful basis, contracts, consent, models.

Pure. CONTRACT section 4, *Who used it* and *Purpose*; times are microseconds, UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Basis, Consent, Contract, Person, run_key
from compliance.lineage.runs import Run
from compliance.lineage.world import World

UNDECLARED = "undeclared"
ModelName = tuple[str, str | None]
"""``(name, version)``; no version where a tag gives none."""


class _Dated(Protocol):
    @property
    def valid_from(self) -> int: ...


_DatedT = TypeVar("_DatedT", bound=_Dated)


def model_name(text: str) -> ModelName:
    """``NAME@VERSION``; the name may itself hold an ``@``."""
    name, at, version = text.rpartition("@")
    return (name, version) if at and name and version else (text, None)


def models_of(world: World, run: Run) -> frozenset[ModelName]:
    """The models that a run trained or served: by its tag ``model``, or as the registry ties it."""
    tagged = (model_name(value) for value in run.tags.get("model", ()))
    tied = ((model.name, model.version) for model in world.registers.models.get(run_key(run.run_id), ()))
    return frozenset([*tagged, *tied])


def purposes_of(world: World, run: Run) -> tuple[str, ...]:
    """The purposes of a run, sorted, from the first level that declares any; none if it is undeclared.

    "The run's tag `purpose`, else the job's as last declared at or before the run's start or in the
    run's own events, else the model's in its registry". The last declaration of the job stands: what
    the run's own events say of it, else the latest before.
    """
    own = run.tags.get("purpose") or run.job_tags.get("purpose")
    if own:
        return tuple(sorted(own))
    declared = world.declared.job_tag(run.job, "purpose", run.started) if run.job else []
    if declared:
        return tuple(sorted(frozenset[str]().union(*(item.values for item in declared))))
    return tuple(sorted(_registered_purposes(world, run)))


def purposes_by_level(world: World, run: Run) -> list[tuple[str, frozenset[str], tuple[str, ...]]]:
    """``(level, purposes, evidence)`` of each level that states any: the run, its job, its models' registry."""
    found = [("run", run.tags.get("purpose", frozenset[str]()), run.evidence)]
    before = world.declared.job_tag(run.job, "purpose", run.started) if run.job else []
    of_job = run.job_tags.get("purpose", frozenset[str]()) or frozenset[str]().union(
        *(d.values for d in before)
    )
    found.append(
        ("job", of_job, run.evidence if run.job_tags.get("purpose") else tuple(d.evidence for d in before))
    )
    registered = [
        model for name, version in models_of(world, run)
        for model in world.registers.registered.get((name, version or ""), ()) if model.purpose is not None
    ]  # fmt: skip
    of_models = frozenset(_registered_purposes(world, run))
    found.append(("model registry", of_models, tuple(sorted({model.evidence for model in registered}))))
    return [level for level in found if level[1]]


def _registered_purposes(world: World, run: Run) -> set[str]:
    found = set()
    for name, version in models_of(world, run):
        known = world.registers.registered.get((name, version or ""), [])
        stated = [(model.instant, model.purpose) for model in known if model.purpose is not None]
        latest = max((instant for instant, _ in stated), default=0)
        found |= {purpose for instant, purpose in stated if instant == latest}
    return found


def in_force(declared: Sequence[_DatedT], at: int) -> list[_DatedT]:
    """Of dated declarations those with the latest ``valid_from`` at or before ``at``; ties: all."""
    begun = [item for item in declared if item.valid_from <= at]
    latest = max((item.valid_from for item in begun), default=at)
    return [item for item in begun if item.valid_from == latest]


def bases_of(world: World, purpose: str, at: int) -> list[Basis]:
    """The register's lawful basis of a purpose at a time; "at a tie `consent` counts"."""
    bases = in_force(world.registers.purposes.get(purpose, ()), at)
    consent = [basis for basis in bases if basis.lawful_basis == "consent"]
    return consent or bases


def lawful_basis(world: World, purposes: Iterable[str], at: int) -> str | None:
    """The lawful bases of purposes, sorted and joined by ", "; None where the register has none."""
    found = {basis.lawful_basis for purpose in purposes for basis in bases_of(world, purpose, at)}
    return ", ".join(sorted(found)) or None


def contracts_of(world: World, dataset: DatasetName, at: int) -> list[Contract]:
    """The contracts of a dataset in force at a time."""
    return in_force(world.registers.contracts.get(dataset, ()), at)


def consent_of(world: World, person: Person, purpose: str, at: int) -> Consent | None:
    """The subject's latest consent event for a purpose at or before a time; a withdrawal wins a tie."""
    events = world.registers.consents.get(person, {}).get(purpose, ())
    happened = [event for event in events if event.at <= at]
    return max(happened, key=lambda event: (event.at, not event.granted, event.evidence), default=None)
