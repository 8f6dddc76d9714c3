"""Frameworks out of their written form: requirements, the groups they stand in, and what is left open.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from compliance.library.controls import close_to
from compliance.library.model import Framework, Move, Requirement
from compliance.library.reading import Document, Faults
from compliance.library.written import WrittenFramework, WrittenOpen, WrittenRequirement

Written = Iterable[tuple[Document, WrittenFramework]]


def requirements_of(frameworks: Written, faults: Faults) -> dict[str, Requirement]:
    """Every requirement by ``framework:citation``; what is wrong is noted."""
    found: dict[str, Requirement] = {}
    for document, framework in frameworks:
        known = {written.id for written in framework.requirements}
        for position, written in enumerate(framework.requirements):
            at = ("requirements", position)
            requirement = _requirement(framework.framework, written, document.line(at))
            for what, expected in _wrong(written, known):
                faults.add(document, at, what, expected)
            if requirement.id in found:
                faults.add(document, at, f"the requirement {written.id} twice", "each id once")
            found[requirement.id] = requirement
    for document, framework in frameworks:
        _relate(document, framework, found, faults)
        _leave_open(document, framework, found, faults)
    return found


def _wrong(written: WrittenRequirement, known: set[str]) -> Iterator[tuple[str, str]]:
    """What is wrong in a requirement by itself and in its list: found, expected."""
    for named in (written.parent, written.element_of):
        if named is not None and named not in known:
            yield f"{written.id} naming {named}", f"an id of this list{close_to(named, known)}"
    if written.assessable and (written.nature is None or written.title is None):
        yield f"{written.id} without title or nature", "both on an assessable requirement"
    if written.moved is not None and written.moved.origin == written.nature:
        yield f"{written.id} moved from {written.nature} to itself", "another nature, or no moved"


def _relate(
    document: Document, framework: WrittenFramework, found: Mapping[str, Requirement], faults: Faults
) -> None:
    for position, written in enumerate(framework.requirements):
        for number, named in enumerate(written.related):
            if named not in found:
                expected = f"framework:citation of a listed requirement{close_to(named, found)}"
                faults.add(
                    document,
                    ("requirements", position, "related", number),
                    f"the requirement {named}",
                    expected,
                )


def _leave_open(
    document: Document, framework: WrittenFramework, found: dict[str, Requirement], faults: Faults
) -> None:
    """Put the reason on each requirement that is left open; the first row that speaks of it counts."""
    for position, row in enumerate(framework.unanswered):
        named = [name for name in (row.requirement, row.below) if name is not None]
        for name in named:
            if f"{framework.framework}:{name}" not in found:
                known = {one.id for one in framework.requirements}
                at = ("unanswered", position)
                faults.add(
                    document, at, f"the requirement {name}", f"an id of this list{close_to(name, known)}"
                )
        if not named and row.nature is None:
            faults.add(document, ("unanswered", position), "a row that names nothing",
                       "one of: requirement, below, nature")  # fmt: skip
        for id_ in _meant(row, framework.framework, found):
            if found[id_].left_open is None:
                found[id_] = replace(found[id_], left_open=row.reason)


def _meant(row: WrittenOpen, framework: str, found: Mapping[str, Requirement]) -> list[str]:
    return [
        one.id
        for one in found.values()
        if one.framework == framework
        and one.assessable
        and row.requirement in {None, one.citation}
        and row.nature in {None, one.nature}
        and (row.below is None or row.below in _groups(one, found))
    ]


def _groups(one: Requirement, found: Mapping[str, Requirement]) -> list[str]:
    """The citations of the groups that a requirement stands in."""
    groups: list[str] = []
    current: Requirement | None = one
    while current is not None and current.parent is not None and current.parent not in groups:
        groups.append(current.parent)
        current = found.get(f"{one.framework}:{current.parent}")
    return groups


def _requirement(framework: str, written: WrittenRequirement, line: int) -> Requirement:
    moved = None if written.moved is None else Move(written.moved.origin, written.moved.reason)
    return Requirement(
        id=f"{framework}:{written.id}", framework=framework, citation=written.id, parent=written.parent,
        title=written.title or "", assessable=written.assessable, nature=written.nature,
        element_of=written.element_of, applies_from=written.applies_from or written.future_dated,
        actor=written.actor, spec=written.spec, service_provider_only=written.service_provider_only,
        status=written.status, superseded_by=written.superseded_by, note=written.note, moved=moved,
        related=written.related, line=line,
    )  # fmt: skip


def framework_of(written: WrittenFramework, requirements: Mapping[str, Requirement]) -> Framework:
    """A framework with its requirements in the order of its list."""
    listed = tuple(requirements[f"{written.framework}:{one.id}"] for one in written.requirements)
    return Framework(
        written.framework, written.title, written.version, written.source, written.assessability, listed
    )


def aliases_of(frameworks: Written) -> dict[str, str]:
    """Other ids that requirements are known by → their id."""
    return {
        f"{framework.framework}:{alias}": f"{framework.framework}:{written.id}"
        for _, framework in frameworks
        for written in framework.requirements
        for alias in written.alias
    }
