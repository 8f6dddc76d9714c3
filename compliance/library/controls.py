"""One control out of its written form: what it names is resolved, what it judges by is compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction

from compliance.errors import InputRefused
from compliance.facts import FactSchema
from compliance.library.examples import ExampleWrong, read_example
from compliance.library.model import Answering, Attestation, Check, Control, Example, Requirement
from compliance.library.reading import Document, Faults, Location
from compliance.library.texts import RESOURCE, duration, paths_of, places_in
from compliance.library.written import (
    WrittenAttestation,
    WrittenCheck,
    WrittenControl,
    WrittenExamples,
    WrittenMapping,
)
from compliance.predicate import Predicate, compile_predicate

TAKEN = frozenset({
    "now", "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if",
    "import", "let", "loop", "package", "namespace", "return", "var", "void", "while", "has", "size", "int",
    "uint", "double", "bool", "string", "bytes", "list", "map", "type", "dyn", "google", "muniment",
    "timestamp", "duration",
})  # fmt: skip
"""Names that mean something else in an expression."""


@dataclass(frozen=True)
class Names:
    """Everything that a control may name."""

    requirements: Mapping[str, Requirement]
    aliases: Mapping[str, str]
    points: frozenset[str]
    schemas: Mapping[str, FactSchema]


def close_to(name: str, known: Iterable[str]) -> str:
    """The known names that are most like one that is not, as the end of a sentence."""
    near = get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f", such as {', '.join(near)}" if near else ""


@dataclass(frozen=True)
class ControlLoader:
    """Loads what stands at one place of one document."""

    document: Document
    at: Location
    names: Names
    faults: Faults

    def inner(self, *location: str | int) -> ControlLoader:
        """The loader of a part."""
        return replace(self, at=(*self.at, *location))

    @property
    def line(self) -> int:
        """The line of the place."""
        return self.document.line(self.at)

    def fault(self, found: str, expected: str, *location: str | int) -> None:
        """Note a fault at the place or a part of it."""
        self.faults.add(self.document, (*self.at, *location), found, expected)

    def control(self, written: WrittenControl, family: str) -> Control:
        """The control; what is wrong in it is noted, and left out of it."""
        for position, point in enumerate(written.enforcement_points):
            if point not in self.names.points:
                expected = f"a point of enforcement.yaml{close_to(point, self.names.points)}"
                self.fault(f"the enforcement point {point}", expected, "enforcement_points", position)
        checks = [self.inner("checks", n).check(check, written) for n, check in enumerate(written.checks)]
        return Control(
            id=written.id, title=written.title, family=family, statement=written.statement,
            rationale=written.rationale, owner=written.owner, enforcement_points=written.enforcement_points,
            evidence_max_age=duration(written.evidence_max_age), retention=duration(written.retention),
            auditor_asks=written.auditor_asks,
            mappings=tuple(self.inner("mappings", n).mapping(m) for n, m in enumerate(written.mappings)),
            checks=tuple(check for check in checks if check is not None),
            attestations=tuple(_attestation(one, written.id) for one in written.attestations),
            file=self.document.path, line=self.line,
            untested={one.thing: one.reason for one in written.untested},
        )  # fmt: skip

    def mapping(self, written: WrittenMapping) -> Answering:
        """One row of the crosswalk."""
        requirement = self.requirement(written.requirement, "requirement")
        via = tuple(self.requirement(name, "via", position) for position, name in enumerate(written.via))
        if via and written.relationship == "equal":
            self.fault(
                "equal on a derived claim", "subset-of, superset-of or intersects-with", "relationship"
            )
        if written.relationship == "intersects-with" and written.strength is None:
            self.fault("intersects-with without strength", "a strength from 1 to 10", "relationship")
        return Answering(
            requirement, written.relationship, written.strength, written.reason or "", self.line, via
        )

    def requirement(self, named: str, *location: str | int) -> str:
        """The id of a requirement that is named by it or by an alias; a fault where there is none."""
        requirement = self.names.aliases.get(named, named)
        if requirement not in self.names.requirements:
            near = close_to(requirement, self.names.requirements)
            self.fault(
                f"the requirement {requirement}",
                f"framework:citation of a listed requirement{near}",
                *location,
            )
        return requirement

    # --- checks ------------------------------------------------------------------------------------

    def check(self, written: WrittenCheck, control: WrittenControl) -> Check | None:
        """One check, compiled; None where it cannot be."""
        schema = self.names.schemas.get(written.over)
        if schema is None:
            self.fault(
                f"the fact type {written.over}", f"one of: {', '.join(sorted(self.names.schemas))}", "over"
            )
            return None
        if written.name in TAKEN:
            self.fault(f"the name {written.name}", "a name that means nothing else in CEL", "as")
            return None
        self.texts(written, schema)
        applies = (
            None if written.where is None else self.predicate("where", written.where, schema, written.name)
        )
        holds = self.predicate("expect", written.expect, schema, written.name)
        if holds is None or (written.where is not None and applies is None):
            return None
        if not holds.reads:
            self.fault(
                "an expectation that reads no field", f"one that reads a field of {schema.name}", "expect"
            )
        fresh = written.fresh_within or control.evidence_max_age
        return Check(
            id=written.id, control=control.id, title=written.title, over=written.over, where=written.where,
            expect=written.expect, left_out=written.left_out or "",
            at_least=None if written.at_least is None else Fraction(str(written.at_least)),
            fresh_within=duration(fresh), fresh_stated=written.fresh_within is not None,
            severity=written.severity, why_it_fails=written.why_it_fails, fix=written.fix, schema=schema,
            line=self.line, applies=applies, holds=holds,
            examples=self.inner("examples").examples(written.examples, schema),
        )  # fmt: skip

    def predicate(self, key: str, text: str, schema: FactSchema, name: str) -> Predicate | None:
        """A compiled expression; None, and a fault, where it is refused."""
        try:
            return compile_predicate(text, schema, name)
        except InputRefused as error:
            fields = ", ".join(part.name for part in schema.fields)
            self.fault(error.message.rstrip("."), f"a bool expression over {schema.name}: {fields}", key)
            return None

    def texts(self, written: WrittenCheck, schema: FactSchema) -> None:
        """Refuse a place that is no field of the fact."""
        allowed = (RESOURCE, *paths_of(schema))
        for key, text in (("why_it_fails", written.why_it_fails), ("fix", written.fix)):
            for place in places_in(text):
                if place not in allowed:
                    self.fault(f"{{{place}}}", f"one of: {', '.join(f'{{{name}}}' for name in allowed)}", key)

    def examples(self, written: WrittenExamples, schema: FactSchema) -> tuple[Example, ...]:
        """The examples of a check as facts' values."""
        kinds = {"pass": written.passing, "fail": written.failing, "unknown": written.unknown,
                 "not_applicable": written.not_applicable}  # fmt: skip
        found = []
        for kind, listed in kinds.items():
            for position, value in enumerate(listed):
                place = self.inner(kind, position)
                try:
                    found.append(read_example(kind, value, schema, place.line))
                except ExampleWrong as error:
                    place.fault(error.found, error.expected)
        return tuple(found)


def _attestation(written: WrittenAttestation, control: str) -> Attestation:
    return Attestation(
        written.id, control, written.title, written.statement, written.owner,
        duration(written.valid_for), written.severity,
    )  # fmt: skip
