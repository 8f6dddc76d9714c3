"""From files to a library, naming every fault at once.

Pure: the shell reads the files, or takes them from a log entry. The order:

1. read each file as YAML with line numbers;
2. hold it against the model of its kind;
3. index frameworks, requirements and enforcement points;
4. resolve what each control names, compile its predicates, look at its texts;
5. judge every example;
6. refuse with all faults, or return the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from compliance.canonical import canonical, sha256_hex
from compliance.errors import LibraryInvalid
from compliance.facts import FactSchema
from compliance.library.controls import ControlLoader, Names
from compliance.library.examples import ExampleResult, run_example
from compliance.library.frameworks import aliases_of, framework_of, requirements_of
from compliance.library.held import held_against
from compliance.library.model import Control, EnforcementPoint, Library
from compliance.library.reading import Document, Faults, Location, read_document
from compliance.library.written import WrittenEnforcement, WrittenFamily, WrittenFramework

ENFORCEMENT = "enforcement.yaml"
FRAMEWORKS = "frameworks/"
T = TypeVar("T")


@dataclass
class _Parts:
    """What the files hold, each beside the document it came from."""

    families: list[tuple[Document, WrittenFamily]] = field(default_factory=list)
    frameworks: list[tuple[Document, WrittenFramework]] = field(default_factory=list)
    enforcement: list[tuple[Document, WrittenEnforcement]] = field(default_factory=list)


def library_digest(files: Mapping[str, str]) -> str:
    """SHA-256 of the canonical JSON of path → text: what names a library everywhere."""
    return sha256_hex(canonical(dict(files)))


def load_library(files: Mapping[str, str], schemas: Mapping[str, FactSchema]) -> Library:
    """The library that the files hold, its checks compiled against the schemas of facts.

    Raises LibraryInvalid with every fault: file, line, what was found, what was expected.
    """
    faults = Faults()
    parts = _read(files, faults)
    requirements = requirements_of(parts.frameworks, faults)
    points = _points(parts.enforcement, faults)
    names = Names(requirements, aliases_of(parts.frameworks), frozenset(points), schemas)
    controls = [
        control
        for document, family in parts.families
        for control in _controls(document, family, names, faults)
    ]
    _unique_ids(parts.families, faults)
    _judge_examples(controls, faults)
    if faults.found:
        raise LibraryInvalid(tuple(sorted(set(faults.found))))
    return Library(
        digest=library_digest(files),
        frameworks={
            f.framework: framework_of(f, requirements) for _, f in sorted(parts.frameworks, key=_by_name)
        },
        requirements=requirements,
        families={family.family: family.title for _, family in parts.families},
        controls=tuple(sorted(controls, key=lambda control: control.id)),
        enforcement_points=points,
    )


def run_examples(library: Library) -> list[ExampleResult]:
    """How every example of every check comes out, by check and line."""
    return [run_example(check, example) for check in library.checks.values() for example in check.examples]


# --- 1 and 2: files ------------------------------------------------------------------------------


def _read(files: Mapping[str, str], faults: Faults) -> _Parts:
    parts = _Parts()
    for path in sorted(files):
        document = read_document(path, files[path], faults)
        if document is not None:
            _sort_in(document, parts, faults)
    if not parts.families and not faults.found:
        faults.add(Document("controls", None, {}), (), "no family of controls", "at least one <family>.yaml")
    return parts


def _sort_in(document: Document, parts: _Parts, faults: Faults) -> None:
    path = document.path
    stem = path.removesuffix(".yaml").removeprefix(FRAMEWORKS)
    if path == ENFORCEMENT:
        parts.enforcement += _both(document, held_against(WrittenEnforcement, document, faults))
    elif path.startswith(FRAMEWORKS) and "/" not in stem and path.endswith(".yaml"):
        framework = held_against(WrittenFramework, document, faults)
        if framework is not None and framework.framework != stem:
            faults.add(
                document,
                ("framework",),
                f"the framework {framework.framework}",
                f"{stem}, as the file is named",
            )
        parts.frameworks += _both(document, framework)
    elif "/" not in path and path.endswith(".yaml"):
        family = held_against(WrittenFamily, document, faults)
        if family is not None and family.family != stem:
            faults.add(document, ("family",), f"the family {family.family}", f"{stem}, as the file is named")
        parts.families += _both(document, family)
    else:
        faults.add(
            document, (), f"the file {path}", f"<family>.yaml, {ENFORCEMENT} or {FRAMEWORKS}<framework>.yaml"
        )


def _both(document: Document, written: T | None) -> list[tuple[Document, T]]:
    return [] if written is None else [(document, written)]


def _by_name(pair: tuple[Document, WrittenFramework]) -> str:
    return pair[1].framework


# --- 3: what controls may name -------------------------------------------------------------------


def _points(
    enforcement: Iterable[tuple[Document, WrittenEnforcement]], faults: Faults
) -> dict[str, EnforcementPoint]:
    found: dict[str, EnforcementPoint] = {}
    for document, written in enforcement:
        for position, point in enumerate(written.points):
            if point.id in found:
                faults.add(
                    document, ("points", position), f"the enforcement point {point.id} twice", "each id once"
                )
            found[point.id] = EnforcementPoint(point.id, point.component, point.setting, point.what)
    return found


# --- 4 and 5: controls ---------------------------------------------------------------------------


def _controls(document: Document, family: WrittenFamily, names: Names, faults: Faults) -> Iterator[Control]:
    for position, written in enumerate(family.controls):
        yield ControlLoader(document, ("controls", position), names, faults).control(written, family.family)


def _unique_ids(families: Iterable[tuple[Document, WrittenFamily]], faults: Faults) -> None:
    """Ids that stand twice, told at each place but the first."""
    seen: dict[str, str] = {}
    for document, family in families:
        for position, control in enumerate(family.controls):
            at: Location = ("controls", position)
            ids: list[tuple[str, Location]] = [(control.id, (*at, "id"))]
            ids += [(check.id, (*at, "checks", n, "id")) for n, check in enumerate(control.checks)]
            ids += [(one.id, (*at, "attestations", n, "id")) for n, one in enumerate(control.attestations)]
            for id_, place in ids:
                if id_ in seen:
                    faults.add(
                        document, place, f"the id {id_} twice", f"an id of its own; it stands in {seen[id_]}"
                    )
                seen.setdefault(id_, f"{document.path}:{document.line(place)}")


def _judge_examples(controls: Iterable[Control], faults: Faults) -> None:
    for control in controls:
        for check in control.checks:
            for example in check.examples:
                result = run_example(check, example)
                if not result.as_stated:
                    found = f"a {example.kind} example of {check.id} that comes out {result.came_out}"
                    faults.at_line(control.file, example.line, found, example.kind)
