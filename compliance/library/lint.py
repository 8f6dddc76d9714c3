"""Weak spots of a library that loads: claims that an auditor would question.

Pure. What is wrong is a fault and keeps a library from loading; this is what is merely doubtful.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from compliance.canonical import Json
from compliance.library.model import Control, Framework, Library, Requirement
from compliance.library.things import named, unread_things


@dataclass(frozen=True, order=True)
class WeakSpot:
    """One doubtful place of the library, with what to do about it."""

    file: str
    line: int
    control: str
    code: str
    says: str

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment controls lint --json``."""
        return {
            "file": self.file, "line": self.line, "control": self.control, "code": self.code, "says": self.says,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.control}: {self.says} ({self.code})"


def lint(library: Library) -> list[WeakSpot]:
    """Every weak spot, ordered by file and line."""
    spots = [spot for control in library.controls for rule in _RULES for spot in rule(library, control)]
    return sorted({*spots, *_idle_points(library), *_requirement_spots(library)})


def _unassessable(library: Library, control: Control) -> Iterator[WeakSpot]:
    for mapping in control.mappings:
        target = library.requirements[mapping.requirement]
        if target.assessable:
            continue
        around = f"{target.framework}:{target.element_of}" if target.element_of else None
        below = [
            r.id
            for r in library.frameworks[target.framework].assessable
            if target.id in library.ancestors(r.id)
        ]
        instead = around or ", ".join(below[:3]) or "a requirement that can be tested"
        says = f"{target.id} cannot be tested by itself; map to {instead}"
        yield WeakSpot(control.file, mapping.line, control.id, "unassessable-target", says)


def _superseded(library: Library, control: Control) -> Iterator[WeakSpot]:
    for mapping in control.mappings:
        target = library.requirements[mapping.requirement]
        if target.superseded_by or target.status == "deleted":
            says = f"{target.id} no longer stands; map to {target.superseded_by or 'what replaced it'}"
            yield WeakSpot(control.file, mapping.line, control.id, "superseded-target", says)


def _unreasoned(_: Library, control: Control) -> Iterator[WeakSpot]:
    for mapping in control.mappings:
        if not mapping.reason:
            says = f"{mapping.relationship} {mapping.requirement} has no reason; say why in a sentence"
            code = "equal-without-reason" if mapping.relationship == "equal" else "mapping-without-reason"
            yield WeakSpot(control.file, mapping.line, control.id, code, says)


def _twice(_: Library, control: Control) -> Iterator[WeakSpot]:
    counts = Counter(mapping.requirement for mapping in control.mappings)
    for mapping in control.mappings:
        if counts[mapping.requirement] > 1:
            says = f"{mapping.requirement} is mapped {counts[mapping.requirement]} times; keep one row"
            yield WeakSpot(control.file, mapping.line, control.id, "duplicate-row", says)


def _equal_twice(library: Library, control: Control) -> Iterator[WeakSpot]:
    """Two things equal to one are equal to each other, which is seldom so."""
    for mapping in control.mappings:
        if mapping.relationship != "equal":
            continue
        others = [
            other.id for other, claim in library.mappings_to(mapping.requirement)
            if other.id != control.id and claim.relationship == "equal"
        ]  # fmt: skip
        if others:
            says = (
                f"{mapping.requirement} is claimed equal by {', '.join(others)} too; one of them is broader"
            )
            yield WeakSpot(control.file, mapping.line, control.id, "equal-twice", says)


def _unanswered(_: Library, control: Control) -> Iterator[WeakSpot]:
    if not control.checks and not control.attestations:
        says = "it has neither a check nor an attestation, so it is always unknown"
        yield WeakSpot(control.file, control.line, control.id, "control-without-check", says)
    if not control.mappings:
        says = "it answers no requirement"
        yield WeakSpot(control.file, control.line, control.id, "control-without-requirement", says)


def _beyond_checks(_: Library, control: Control) -> Iterator[WeakSpot]:
    """A control is automated only if a check judges what its statement says, not an easier neighbour."""
    for thing in unread_things(control) if control.checks else ():
        says = (
            f"its statement names {thing}, which no check reads and no signed statement says; test it,"
            f" say less, or list it under untested with the reason"
        )
        yield WeakSpot(control.file, control.line, control.id, "statement-beyond-checks", says)
    for thing in sorted(set(control.untested) - set(named(control.statement))):
        says = f"{thing} is listed under untested, but its statement does not name it"
        yield WeakSpot(control.file, control.line, control.id, "idle-untested", says)


_RULES: tuple[Callable[[Library, Control], Iterator[WeakSpot]], ...] = (
    _unassessable, _superseded, _unreasoned, _twice, _equal_twice, _unanswered, _beyond_checks,
)  # fmt: skip


def _requirement_spots(library: Library) -> Iterator[WeakSpot]:
    for framework in library.frameworks.values():
        for requirement in framework.requirements:
            yield from _silent(library, framework, requirement)
            yield from _one_way(library, requirement)


def _silent(library: Library, framework: Framework, one: Requirement) -> Iterator[WeakSpot]:
    """A requirement that nothing answers, without a word on why."""
    if not one.assessable or one.superseded_by or one.status == "deleted" or one.left_open:
        return
    if not library.controls_of(one.id):
        says = f"no control answers it ({one.nature}); map one, or say under unanswered of {framework.id} why none does"
        yield WeakSpot(_file_of(framework.id), one.line, one.id, "unanswered-requirement", says)


def _one_way(library: Library, one: Requirement) -> Iterator[WeakSpot]:
    """Two requirements that a crosswalk relates, of which one side only is answered, or by strangers."""
    mine = library.controls_of(one.id)
    for name in one.related:
        theirs = library.controls_of(name)
        if bool(mine) != bool(theirs):
            here, there = (one.id, name) if mine else (name, one.id)
            says = f"{here} is answered, {there}, which a crosswalk relates to it, is not"
            yield WeakSpot(_file_of(one.framework), one.line, one.id, "one-way-gap", says)
        elif not {c.family for c in mine} & {c.family for c in theirs} and mine:
            says = f"a crosswalk relates it to {name}, but no family answers both"
            yield WeakSpot(_file_of(one.framework), one.line, one.id, "related-apart", says)


def _file_of(framework: str) -> str:
    return f"frameworks/{framework}.yaml"


def _idle_points(library: Library) -> Iterator[WeakSpot]:
    used = {point for control in library.controls for point in control.enforcement_points}
    for point in sorted(set(library.enforcement_points) - used):
        yield WeakSpot("enforcement.yaml", 1, point, "idle-enforcement-point", "no control names it")
