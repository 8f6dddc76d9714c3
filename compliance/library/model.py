"""The control library: frameworks, requirements, unified controls, checks and enforcement points.

Pure values. They are made by ``load_library``, which has refused everything that is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, TypeAlias

from compliance.canonical import Json
from compliance.errors import NotFound
from compliance.facts import Fact, FactBase, FactSchema, Unseen
from compliance.library.written import Nature, Relationship, Severity
from compliance.predicate import Predicate, Unjudged

Judged: TypeAlias = Literal["pass", "fail", "not_applicable"] | Unjudged
"""What a check says of one fact."""
EXAMPLE_KINDS = ("pass", "fail", "unknown", "not_applicable")


@dataclass(frozen=True)
class Derivation:
    """A named pure function that joins or counts facts into facts of a schema of their own.

    ``schema.inputs`` names the base fact types and kinds of received record that it reads.
    """

    schema: FactSchema
    derive: Callable[[FactBase], Iterable[Fact]]
    turns: Callable[[FactBase], Iterable[datetime]] | None = None
    """The later instants at which its facts may change though nothing more is known; None: at any instant."""
    watches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further types that it looks at: by the field that shows them, under "" those that decide more than a field."""


@dataclass(frozen=True)
class Move:
    """That a requirement was moved in or out of what is technical, and why."""

    origin: Nature
    reason: str


@dataclass(frozen=True)
class Requirement:
    """One requirement: ``id`` is ``framework:citation`` (CONTRACT section 2)."""

    id: str
    framework: str
    citation: str
    parent: str | None
    """The citation of the group that it stands in."""
    title: str
    """In our own words; empty where the list has none."""
    assessable: bool
    nature: Nature | None
    element_of: str | None = None
    applies_from: str | None = None
    actor: str | None = None
    spec: str | None = None
    service_provider_only: bool = False
    status: str | None = None
    superseded_by: str | None = None
    note: str | None = None
    moved: Move | None = None
    related: tuple[str, ...] = ()
    """Requirements of other frameworks that an official crosswalk relates it to, as ``framework:citation``."""
    left_open: str | None = None
    """Why no control answers it, where the framework's file says so."""
    line: int = 1


@dataclass(frozen=True)
class Framework:
    """A framework with its requirements in the order of its list."""

    id: str
    title: str
    version: str
    source: str
    assessability: str
    requirements: tuple[Requirement, ...]

    @cached_property
    def assessable(self) -> tuple[Requirement, ...]:
        """Those that can be tested by themselves: the denominator of every count."""
        return tuple(requirement for requirement in self.requirements if requirement.assessable)


@dataclass(frozen=True)
class EnforcementPoint:
    """A technical place where controls act, and the setting that makes it act."""

    id: str
    component: str
    setting: str
    what: str


@dataclass(frozen=True)
class Answering:
    """That a control answers a requirement: control ``relationship`` requirement."""

    requirement: str
    relationship: Relationship
    strength: int | None
    reason: str
    line: int
    via: tuple[str, ...] = ()
    """The requirements through which a published crosswalk leads here; empty where the claim is made directly."""

    @property
    def derived(self) -> bool:
        """Whether the claim rests on another (multi-hop): it is marked so and is never equal."""
        return bool(self.via)

    @property
    def in_full(self) -> bool:
        """Whether the control itself does all that the requirement asks; a derived claim never says so."""
        return not self.derived and self.relationship in {"equal", "superset-of"}


@dataclass(frozen=True)
class Example:
    """A fact's value that must come out as ``kind`` when it is judged at a fixed instant."""

    kind: str
    value: Mapping[str, Json]
    unseen: Mapping[str, Unseen]
    line: int


@dataclass(frozen=True)
class Check:
    """A predicate over a population of facts, compiled."""

    id: str
    control: str
    title: str
    over: str
    where: str | None
    expect: str
    left_out: str
    """Why facts that do not meet ``where`` are left out."""
    at_least: Fraction | None
    fresh_within: timedelta
    fresh_stated: bool
    """Whether the check itself states its freshness, rather than the control."""
    severity: Severity
    why_it_fails: str
    fix: str
    schema: FactSchema
    line: int
    applies: Predicate | None = field(repr=False)
    holds: Predicate = field(repr=False)
    examples: tuple[Example, ...] = field(default=(), repr=False)

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The fields that ``expect`` and ``where`` read, ``expect``'s first, each by name."""
        where = self.applies.reads if self.applies else frozenset()
        return (*sorted(self.holds.reads), *sorted(where - self.holds.reads))

    @cached_property
    def reads_clock(self) -> bool:
        """Whether its verdict can change with time alone."""
        return self.holds.reads_clock or (self.applies is not None and self.applies.reads_clock)

    def judge(self, value: Mapping[str, Json], unseen: Mapping[str, Unseen], at: datetime) -> Judged:
        """The verdict on one fact. What cannot be seen or evaluated is never pass, fail or left out."""
        if self.applies is not None:
            included = self.applies.evaluate(value, at, unseen)
            if isinstance(included, Unjudged):
                return included
            if not included:
                return "not_applicable"
        held = self.holds.evaluate(value, at, unseen)
        if isinstance(held, Unjudged):
            return held
        return "pass" if held else "fail"


@dataclass(frozen=True)
class Attestation:
    """A statement that a person signs and that lapses ``valid_for`` after it was signed."""

    id: str
    control: str
    title: str
    statement: str
    owner: str
    valid_for: timedelta
    severity: Severity


@dataclass(frozen=True)
class Control:
    """A unified control: one statement that answers many requirements."""

    id: str
    title: str
    family: str
    statement: str
    rationale: str
    owner: str
    enforcement_points: tuple[str, ...]
    evidence_max_age: timedelta
    retention: timedelta
    auditor_asks: tuple[str, ...]
    mappings: tuple[Answering, ...]
    checks: tuple[Check, ...]
    attestations: tuple[Attestation, ...]
    file: str
    line: int
    untested: Mapping[str, str] = field(default_factory=dict)
    """Things that the statement names and nothing shows, with the reason."""

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements that it answers, as ``framework:citation``, sorted, each once."""
        return tuple(sorted({mapping.requirement for mapping in self.mappings}))

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment controls list --json`` (CONTRACT section 1)."""
        return {
            "id": self.id, "title": self.title, "family": self.family, "owner": self.owner,
            "requirements": list(self.requirements), "enforcement_points": list(self.enforcement_points),
            "checks": [check.id for check in self.checks],
            "attestations": [attestation.id for attestation in self.attestations],
        }  # fmt: skip


@dataclass(frozen=True)
class Library:
    """Everything that is judged by. ``controls`` are ordered by id, frameworks by name."""

    digest: str
    """SHA-256 of the canonical JSON of its files by path: the payload of its log entry."""
    frameworks: Mapping[str, Framework]
    requirements: Mapping[str, Requirement]
    families: Mapping[str, str]
    """Title of each family."""
    controls: tuple[Control, ...]
    enforcement_points: Mapping[str, EnforcementPoint]

    @cached_property
    def _controls(self) -> dict[str, Control]:
        return {control.id: control for control in self.controls}

    @cached_property
    def checks(self) -> Mapping[str, Check]:
        """Every check by its id, ordered by id."""
        found = {check.id: check for control in self.controls for check in control.checks}
        return dict(sorted(found.items()))

    @cached_property
    def attestations(self) -> Mapping[str, Attestation]:
        """Every attestation by its id, ordered by id."""
        found = {one.id: one for control in self.controls for one in control.attestations}
        return dict(sorted(found.items()))

    @cached_property
    def _answering(self) -> dict[str, tuple[Control, ...]]:
        found: dict[str, list[Control]] = {}
        for control in self.controls:
            for requirement in control.requirements:
                found.setdefault(requirement, []).append(control)
        return {requirement: tuple(controls) for requirement, controls in found.items()}

    def control(self, id_: str) -> Control | None:
        """The control of that id, or None."""
        return self._controls.get(id_)

    def control_of(self, id_: str) -> Control:
        """The control of that id. Raises NotFound."""
        found = self._controls.get(id_)
        if found is None:
            raise NotFound(
                f"No control is named {id_!r}; `muniment controls list` names them all.", field="control"
            )
        return found

    def controls_of(self, requirement: str) -> tuple[Control, ...]:
        """The controls that answer a requirement (``framework:citation``), ordered by id."""
        return self._answering.get(requirement, ())

    def requirements_of(self, control: str) -> tuple[Requirement, ...]:
        """The requirements that a control answers, ordered by id. Raises NotFound."""
        return tuple(self.requirements[name] for name in self.control_of(control).requirements)

    def mappings_to(self, requirement: str) -> tuple[tuple[Control, Answering], ...]:
        """Each control that answers a requirement, with the mapping that says how far."""
        return tuple(
            (control, mapping)
            for control in self.controls_of(requirement)
            for mapping in control.mappings
            if mapping.requirement == requirement
        )

    def ancestors(self, requirement: str) -> tuple[str, ...]:
        """The groups that a requirement stands in, the nearest first, as ``framework:citation``."""
        found: list[str] = []
        current: Any = self.requirements.get(requirement)
        while current is not None and current.parent is not None:
            name = f"{current.framework}:{current.parent}"
            if name in found:
                break
            found.append(name)
            current = self.requirements.get(name)
        return tuple(found)
