"""The library as it is written in YAML: one model for each kind of file.

Pure. ``controls.schema.json`` is generated from these models (``schema_text``); editors read it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, TypeAdapter

Relationship = Literal["equal", "subset-of", "superset-of", "intersects-with"]
"""How a control stands to a requirement (the set relations of NIST IR 8477, control first)."""
Severity = Literal["low", "medium", "high", "critical"]
Nature = Literal["technical", "partly-technical", "organisational"]

Text = Annotated[str, StringConstraints(strict=True, min_length=1, max_length=8000, strip_whitespace=True)]
Age = Annotated[str, StringConstraints(strict=True, pattern=r"^[1-9][0-9]{0,4}[mhdw]$")]
Retention = Annotated[str, StringConstraints(strict=True, pattern=r"^[1-9][0-9]{0,3}[dwy]$")]
Day = Annotated[str, StringConstraints(strict=True, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
ControlId = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Z][A-Z0-9]*-[0-9]{2,3}$")]
Slug = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=80)]
PointId = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=80)]
Name = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
Owner = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9-]*$", max_length=60)]


class Written(BaseModel):
    """A part of a library file; a key that it does not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class WrittenMapping(Written):
    """That a control answers a requirement, and how far."""

    requirement: Text = Field(description="framework:citation")
    relationship: Relationship = Field(
        description="The control is … the requirement; superset-of: it does all of it"
    )
    strength: Annotated[int, Field(strict=True, ge=1, le=10)] | None = Field(
        None, description="Strength of the relation, 1 to 10; needed for intersects-with"
    )
    reason: Text | None = Field(None, description="Why, in a sentence")
    via: tuple[Text, ...] = Field(
        (),
        description="Requirements through which a published crosswalk leads here: a derived claim, never equal",
    )


ExampleList: TypeAlias = tuple[dict[str, Any], ...]


class WrittenExamples(Written):
    """Facts that must come out as said; judged whenever the library is loaded."""

    passing: ExampleList = Field(alias="pass", min_length=1, description="Facts that pass")
    failing: ExampleList = Field(alias="fail", min_length=1, description="Facts that fail")
    unknown: ExampleList = Field(min_length=1, description="Facts with a field {unseen: CAUSE} that is read")
    not_applicable: ExampleList = Field((), description="Facts that `where` leaves out")


class WrittenCheck(Written):
    """A predicate over a population of facts."""

    id: Slug = Field(description="Unique across the library")
    title: Text
    over: Name = Field(description="Fact type, base or derived")
    name: Name = Field("fact", alias="as", description="Name of the fact in the expressions")
    where: Text | None = Field(None, description="CEL: which facts the check applies to; all if left out")
    left_out: Text | None = Field(None, description="Why the others are left out")
    expect: Text = Field(description="CEL: what must be true of each")
    at_least: Annotated[float, Field(gt=0, le=1, strict=True)] | None = Field(
        None, description="Share of the population for which it must be true; every one if left out"
    )
    fresh_within: Age | None = Field(None, description="Age at which evidence is stale; else the control's")
    severity: Severity
    why_it_fails: Text = Field(description="Plain text with {field} of the fact, or {resource}")
    fix: Text = Field(description="Resource and setting to change; plain text with {field} or {resource}")
    examples: WrittenExamples


class WrittenAttestation(Written):
    """A statement that a person signs and that lapses."""

    id: Slug = Field(description="Unique across the library, checks included")
    title: Text
    statement: Text = Field(description="What is signed, word for word")
    owner: Owner
    valid_for: Age
    severity: Severity


class WrittenUntested(Written):
    """A thing that a statement names and that neither check nor attestation shows."""

    thing: Text = Field(description="As `muniment controls lint` names it")
    reason: Text = Field(description="Why it is not shown, in a sentence")


class WrittenControl(Written):
    """A unified control."""

    id: ControlId
    title: Text
    statement: Text = Field(description="In our own words")
    rationale: Text
    owner: Owner = Field(description="The role that answers for it")
    enforcement_points: tuple[PointId, ...] = Field((), description="Ids in enforcement.yaml")
    evidence_max_age: Age = Field(
        description="Age at which its evidence is stale, where a check says nothing"
    )
    retention: Retention = Field(description="How long its evidence is kept")
    auditor_asks: tuple[Text, ...] = Field((), description="What an auditor will ask for")
    mappings: tuple[WrittenMapping, ...] = ()
    checks: tuple[WrittenCheck, ...] = ()
    attestations: tuple[WrittenAttestation, ...] = ()
    untested: tuple[WrittenUntested, ...] = Field(
        (), description="What the statement names and nothing shows, said openly"
    )


class WrittenFamily(Written):
    """One file of unified controls."""

    family: Slug = Field(description="Equals the file's name without .yaml")
    title: Text
    controls: tuple[WrittenControl, ...]


class WrittenPoint(Written):
    """A technical place where controls act."""

    id: PointId
    component: Text
    setting: Text
    what: Text = Field(description="What it enforces")


class WrittenEnforcement(Written):
    """The file of enforcement points."""

    points: tuple[WrittenPoint, ...]


class WrittenMove(Written):
    """That a requirement was moved in or out of what is technical."""

    origin: Nature = Field(alias="from", description="What the first reading of the framework had")
    reason: Text = Field(description="Why it was moved, in a sentence")


class WrittenOpen(Written):
    """Assessable requirements that no control answers on purpose: one, all below a group, or all of a nature."""

    requirement: Text | None = Field(None, description="Citation of one requirement")
    below: Text | None = Field(None, description="Citation of a group; all below it")
    nature: Nature | None = Field(
        None, description="All of this nature (below the group, where one is named)"
    )
    reason: Text = Field(description="Why no control answers them, in a sentence")


class WrittenRequirement(Written):
    """A requirement of a framework; ids and structure are the framework's, titles are our own."""

    id: Annotated[str, StringConstraints(strict=True, pattern=r"^\S+$", max_length=80)]
    parent: Annotated[str, StringConstraints(strict=True)] | None
    title: Text | None = None
    assessable: StrictBool
    nature: Nature | None = Field(None, description="Needed where it is assessable")
    moved: WrittenMove | None = Field(None, description="Where its nature differs from the first reading")
    related: tuple[Text, ...] = Field(
        (), description="Requirements of other frameworks that an official crosswalk relates it to"
    )
    element_of: Text | None = Field(None, description="The requirement together with which it is tested")
    applies_from: Day | None = None
    applies_from_annex_i: Day | None = None
    future_dated: Day | None = None
    actor: Text | None = Field(None, description="Who bears the duty")
    spec: Literal["required", "addressable"] | None = None
    service_provider_only: StrictBool = False
    status: Literal["inserted", "amended", "replaced", "deleted"] | None = None
    superseded_by: Text | None = None
    alias: tuple[Text, ...] = ()
    note: Text | None = None


class WrittenFramework(Written):
    """The requirement list of one framework."""

    framework: Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    title: Text
    version: Text
    source: Text
    assessability: Text
    unanswered: tuple[WrittenOpen, ...] = Field((), description="What no control answers, and why")
    requirements: tuple[WrittenRequirement, ...]


def schema_text() -> str:
    """The JSON Schema of all library files, as ``controls/controls.schema.json`` holds it."""
    files: TypeAdapter[Any] = TypeAdapter(WrittenFamily | WrittenEnforcement | WrittenFramework)
    schema = files.json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "A file of the Muniment control library"
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
