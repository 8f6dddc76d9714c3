"""The control library as OSCAL 1.2.1: catalogs, the mapping collection, component definitions.

Pure. The documents name one another by file name (``file_of``): they are written into one folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.canonical import Json
from compliance.library import Control, Framework, Library, Requirement
from reports.audit import Provenance
from reports.oscal import Document, made_id, prop, token

OWN = "unified-controls"
RELATIONS = {
    "equal": "equal-to",
    "subset-of": "subset-of",
    "superset-of": "superset-of",
    "intersects-with": "intersects-with",
}


def file_of(catalog_name: str) -> str:
    """The file of a catalog beside the others."""
    return f"catalog-{catalog_name}.json"


def library_documents(library: Library, provenance: Provenance) -> dict[str, dict[str, Json]]:
    """Every document of a library, by file name."""
    catalogs = {file_of(name): catalog(one, provenance) for name, one in library.frameworks.items()}
    return {
        **catalogs, file_of(OWN): controls_catalog(library, provenance),
        "mapping-collection.json": mapping_collection(library, provenance),
        "component-definition.json": component_definition(library, provenance),
    }  # fmt: skip


def controls_catalog(library: Library, provenance: Provenance) -> dict[str, Json]:
    """The unified controls, by family, each with its statement."""

    def control(one: Control) -> dict[str, Json]:
        parts = [{"id": f"{one.id}_smt", "name": "statement", "prose": one.statement}]
        props = [prop("owner", one.owner), *(prop("check", check.id) for check in one.checks)]
        props += [prop("attestation", signed.id) for signed in one.attestations]
        return {"id": one.id, "title": one.title, "props": props, "parts": parts}

    groups = [
        {
            "id": family,
            "title": title,
            "controls": [control(one) for one in library.controls if one.family == family],
        }
        for family, title in sorted(library.families.items())
    ]
    return {"catalog": {
        "uuid": made_id("catalog", OWN, library.digest),
        "metadata": Document(provenance).metadata("Unified controls"),
        "groups": [group for group in groups if group["controls"]],
    }}  # fmt: skip


def catalog(framework: Framework, provenance: Provenance) -> dict[str, Json]:
    """The requirements of a framework, in their hierarchy, under our own titles."""
    below: dict[str | None, list[Requirement]] = {}
    for one in framework.requirements:
        below.setdefault(one.parent, []).append(one)

    def control(one: Requirement) -> dict[str, Json]:
        inner = [control(part) for part in below.get(one.citation, ())]
        props = {
            "assessable": str(one.assessable).lower(),
            "nature": one.nature,
            "applies-from": one.applies_from,
            "specification": one.spec,
            "actor": one.actor,
        }
        return {
            "id": token(one.citation), "title": one.title or one.citation,
            "props": [{"name": "label", "value": one.citation}, *(prop(name, value) for name, value in props.items() if value)],
            **({"controls": inner} if inner else {}),
        }  # fmt: skip

    return {"catalog": {
        "uuid": made_id("catalog", framework.id, provenance.library),
        "metadata": Document(provenance).metadata(f"{framework.title}: requirements"),
        "controls": [control(one) for one in below.get(None, ())],
    }}  # fmt: skip


def mapping_collection(library: Library, provenance: Provenance) -> dict[str, Json]:
    """Which unified control answers which requirement, how far, and why; one mapping for each framework."""
    mappings = [
        {
            "uuid": made_id("mapping", framework, library.digest),
            "source-resource": {"type": "catalog", "href": file_of(OWN)},
            "target-resource": {
                "type": "catalog",
                "href": file_of(framework),
            },
            "maps": maps,
            "remarks": "Read: the control stands in the relationship to the requirement.",
        }
        for framework in library.frameworks
        if (maps := list(_maps(library, framework)))
    ]
    return {"mapping-collection": {
        "uuid": made_id("mapping-collection", library.digest),
        "metadata": Document(provenance).metadata("Unified controls mapped to frameworks"),
        "provenance": {
            "method": "human", "matching-rationale": "semantic", "status": "complete",
            "mapping-description": "Set-theory relationships (NIST IR 8477), each with its reason.",
        },
        "mappings": mappings,
    }}  # fmt: skip


def _maps(library: Library, framework: str) -> Iterator[dict[str, Json]]:
    for control in library.controls:
        for claim in control.mappings:
            if not claim.requirement.startswith(f"{framework}:"):
                continue
            props = [prop("derived", "true")] if claim.derived else []
            props += [prop("strength", str(claim.strength))] if claim.strength is not None else []
            yield {
                "uuid": made_id("map", control.id, claim.requirement, library.digest),
                "relationship": RELATIONS[claim.relationship],
                "sources": [{"type": "control", "id-ref": control.id}],
                "targets": [{"type": "control", "id-ref": token(claim.requirement.partition(":")[2])}],
                **({"props": props} if props else {}), "remarks": claim.reason or "No reason is given.",
            }  # fmt: skip


def component_definition(library: Library, provenance: Provenance) -> dict[str, Json]:
    """The enforcement points as components, each with the requirements that the controls acting there answer."""
    acting: dict[str, list[Control]] = {}
    for control in library.controls:
        for point in control.enforcement_points:
            acting.setdefault(point, []).append(control)
    return {"component-definition": {
        "uuid": made_id("component-definition", library.digest),
        "metadata": Document(provenance).metadata("Enforcement points"),
        "components": [_component(library, name, acting.get(name, ())) for name in sorted(library.enforcement_points)],
    }}  # fmt: skip


def _component(library: Library, name: str, controls: Sequence[Control]) -> dict[str, Json]:
    point = library.enforcement_points[name]
    frameworks: dict[str, dict[str, list[str]]] = {}
    for control in controls:
        for requirement in control.requirements:
            framework, _, citation = requirement.partition(":")
            frameworks.setdefault(framework, {}).setdefault(citation, []).append(control.id)
    implementations = [
        {
            "uuid": made_id("implementation", name, framework, library.digest),
            "source": file_of(framework),
            "description": f"What acts here answers these requirements of {framework}, in whole or in part.",
            "implemented-requirements": [
                {
                    "uuid": made_id("implemented", name, framework, citation, library.digest),
                    "control-id": token(citation),
                    "description": f"Controls that act here: {', '.join(ids)}.",
                }
                for citation, ids in sorted(cited.items())
            ],
        }
        for framework, cited in sorted(frameworks.items())
    ]
    return {
        "uuid": made_id("component", name), "type": "service", "title": f"{point.component}: {point.setting}",
        "description": point.what, "props": [prop("enforcement-point", name)],
        **({"control-implementations": implementations} if implementations else {}),
    }  # fmt: skip
