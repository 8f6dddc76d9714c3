"""What a use or a dataset version violates, each with the fact that proves it (CONTRACT section 4, Violations).

Pure. Judged at the use's start; a reason names no person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compliance.canonical import Json, format_time, from_micros
from compliance.lineage.contents import held_by
from compliance.lineage.events import FOREVER, evidence_key
from compliance.lineage.judging import bases_of, consent_of, contracts_of
from compliance.lineage.records import DatasetName
from compliance.lineage.registers import Person, Version
from compliance.lineage.world import World


@dataclass(frozen=True)
class Violation:
    """One violation, proven by the evidence that it cites; ``dataset`` None where it is about none."""

    code: str
    because: str
    evidence: tuple[str, ...]
    dataset: DatasetName | None = None

    def as_json(self) -> dict[str, Json]:
        """The form in which an answer states it."""
        value: dict[str, Json] = {"code": self.code, "because": self.because, "evidence": list(self.evidence)}
        if self.dataset is not None:
            value["dataset"] = {"namespace": self.dataset[0], "name": self.dataset[1]}
        return value


@dataclass(frozen=True)
class Judged:
    """A use as it is judged: when, for which purposes, of which datasets that contain the record."""

    person: Person
    start: int
    purposes: tuple[str, ...]
    datasets: tuple[DatasetName, ...]
    evidence: tuple[str, ...]


def violations_of_decision(world: World, use: Judged) -> list[Violation]:
    """The violations of one decision that the contract names."""
    found = [] if use.purposes else [undeclared(use.evidence)]
    for dataset in use.datasets:
        found += not_permitted(world, dataset, use.purposes, use.start, use.evidence)
    return [*found, *violations_of_person(world, use)]


def violations_of_person(world: World, use: Judged) -> list[Violation]:
    """Those that depend on whose record it is: consent and erasure."""
    return [*_consent(world, use), *_erasure(world, use)]


def as_listed(violations: Iterable[Violation]) -> list[Json]:
    """Violations as an answer states them, in order of code and dataset."""
    ordered = sorted(violations, key=lambda item: (item.code, item.dataset or ("", ""), item.because))
    return [violation.as_json() for violation in ordered]


def violations_of_version(
    world: World, person: Person, version: Version, manifests: Sequence[str]
) -> list[Violation]:
    """``reappeared-after-erasure``: ``manifests`` have a record erased before its writing run ended."""
    if not manifests or version not in world.graph.writers:
        return []
    written = world.graph.written_at(version)
    erasures = [
        erasure for erasure in world.registers.erasures.get(person, ())
        if erasure.completed <= written and erasure.covers(version.dataset)
    ]  # fmt: skip
    if not erasures:
        return []
    ended = "is still running" if written == FOREVER else f"ended at {moment_text(written)}"
    completed = moment_text(erasures[-1].completed)
    because = (
        f"the manifest has the record; an erasure of it completed at {completed}, the writing run {ended}"
    )
    evidence = in_order([*manifests, *(erasure.evidence for erasure in erasures)])
    return [Violation("reappeared-after-erasure", because, evidence, version.dataset)]


def reappearances(world: World) -> Iterator[tuple[Version, Violation]]:
    """Every ``reappeared-after-erasure`` of anybody, in order of person and version; nobody is named."""
    for person in sorted(world.registers.erasures):
        for version, manifests in sorted(held_by(world, person).items()):
            yield from (
                (version, found) for found in violations_of_version(world, person, version, manifests)
            )


def undeclared(evidence: tuple[str, ...]) -> Violation:
    """``purpose-undeclared``."""
    because = "neither the run, its job nor its model declares a purpose"
    return Violation("purpose-undeclared", because, evidence)


def not_permitted(
    world: World, dataset: DatasetName, purposes: tuple[str, ...], start: int, evidence: tuple[str, ...]
) -> Iterator[Violation]:
    """``purpose-not-permitted``: the contract in force lacks a purpose."""
    contracts = contracts_of(world, dataset, start)
    lacking = sorted({p for p in purposes for contract in contracts if p not in contract.permitted})
    if lacking:
        broken = [contract for contract in contracts if not contract.permitted.issuperset(purposes)]
        because = f"the contract of {dataset[0]}/{dataset[1]} in force does not permit {', '.join(lacking)}"
        cited = in_order([*(contract.evidence for contract in broken), *evidence])
        yield Violation("purpose-not-permitted", because, cited, dataset)


def _consent(world: World, use: Judged) -> Iterator[Violation]:
    missing: dict[str, Sequence[str]] = {}
    withdrawn: dict[str, Sequence[str]] = {}
    for purpose in use.purposes:
        bases = [basis for basis in bases_of(world, purpose, use.start) if basis.lawful_basis == "consent"]
        if not bases:
            continue
        register = [basis.evidence for basis in bases]
        latest = consent_of(world, use.person, purpose, use.start)
        if latest is None:
            missing[purpose] = register
        elif not latest.granted:
            withdrawn[purpose] = [latest.evidence, *register]
    yield from _about_consent("consent-missing", "no consent was given", missing)
    yield from _about_consent("consent-withdrawn", "the latest consent event is a withdrawal", withdrawn)


def _about_consent(code: str, said: str, purposes: dict[str, Sequence[str]]) -> Iterator[Violation]:
    if purposes:
        because = f"the lawful basis of {', '.join(sorted(purposes))} is consent and {said}"
        yield Violation(code, because, in_order(item for items in purposes.values() for item in items))


def _erasure(world: World, use: Judged) -> Iterator[Violation]:
    erasures = world.registers.erasures.get(use.person, ())
    for dataset in use.datasets:
        before = [item for item in erasures if item.completed <= use.start and item.covers(dataset)]
        if before:
            completed = moment_text(before[0].completed)
            because = f"an erasure of the record from {dataset[0]}/{dataset[1]} completed at {completed}, before the use"
            evidence = in_order([*(item.evidence for item in before), *use.evidence])
            yield Violation("used-after-erasure", because, evidence, dataset)


def moment_text(value: int) -> str:
    """RFC 3339 in UTC, of microseconds since 1970."""
    return format_time(from_micros(value))


def in_order(evidence: Iterable[str]) -> tuple[str, ...]:
    """Evidence ids, each once, in the order of the log."""
    return tuple(sorted(set(evidence), key=evidence_key))
