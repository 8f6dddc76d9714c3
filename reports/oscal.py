"""OSCAL 1.2.1 at the edges: what was judged, what is required and what answers it, in NIST's exchange form.

Pure. Ids are derived from what they name, so that equal input gives equal bytes. A citation is no OSCAL token, so
each control of a catalog bears one made of it (``token``) and the citation as its label. Only what is effective in
full is ``satisfied``: in part, unknown and excepted are ``not-satisfied``, and say so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from compliance.assessment import Assessment, Finding, FrameworkResult, RequirementResult
from compliance.canonical import Json, format_time
from compliance.errors import NotFound
from compliance.library import Library
from reports.audit import Provenance

VERSION = "1.2.1"
NAMESPACE = "https://muniment.example/ns/oscal"
ROOT = UUID("6f1d8f0e-3b1c-5d5e-9a53-4d554e494d45")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Document:
    """What every OSCAL document states of itself."""

    provenance: Provenance

    def metadata(self, title: str) -> dict[str, Json]:
        """Title, the instant that it is about, the library's digest as version."""
        said = self.provenance
        props = {
            "log-size": str(said.log_size),
            "program": said.program,
            "origin": said.origin,
            "root": said.root,
        }
        if said.sample:
            props["sample-data"] = "true"
        return {
            "title": f"{title} (sample data)" if said.sample else title,
            "last-modified": format_time(said.as_of), "version": said.library, "oscal-version": VERSION,
            "props": [prop(name, value) for name, value in props.items()],
        }  # fmt: skip


def made_id(*parts: str) -> str:
    """A UUID that the same parts always give."""
    return str(uuid5(ROOT, "\n".join(parts)))


def token(citation: str) -> str:
    """A citation as an OSCAL token: ``Art.32(1)(a)`` is ``Art.32_1_a``, ``3.7.4`` is ``r-3.7.4``."""
    plain = _UNFIT.sub("_", citation.replace(")", "")).strip("_")
    return plain if plain[:1].isalpha() else f"r-{plain}"


def prop(name: str, value: str) -> dict[str, Json]:
    """A property of ours, its value in one line."""
    return {"name": name, "ns": NAMESPACE, "value": " ".join(value.split()) or "-"}


def _resource(name: str, title: str) -> dict[str, Json]:
    return {"uuid": made_id("resource", name), "title": title}


# --- assessment results, plan of action ----------------------------------------------------------


def assessment_results(
    library: Library,
    assessment: Assessment,
    framework: str,
    period: tuple[datetime, datetime],
    provenance: Provenance,
) -> dict[str, Json]:
    """How the requirements of a framework stand: a finding each, with an observation for each that does not pass.

    Raises NotFound for an unknown framework.
    """
    result = _framework(library, assessment, framework)
    told = _told(assessment, result)
    observations = [_observation(finding) for finding in told]
    selected = [{"control-id": token(library.requirements[one.id].citation)} for one in result.requirements]
    plan = _resource("assessment-plan", "The control library: checks and populations, by its digest")
    catalogue = _resource(f"catalog-{framework}", f"Requirements of {library.frameworks[framework].title}")
    results = {
        "uuid": made_id("result", framework, format_time(provenance.as_of), str(provenance.log_size), library.digest),
        "title": f"{library.frameworks[framework].title}, as of {format_time(provenance.as_of)}",
        "description": "Judged from evidence; anybody can perform it again from the values in the metadata.",
        "start": format_time(period[0]), "end": format_time(period[1]),
        **({"local-definitions": {"inventory-items": _inventory(told)}} if told else {}),
        "reviewed-controls": {"control-selections": [
            {"include-controls": selected} if selected else {"description": "Nothing of it is in scope."}
        ]},
        **({"observations": observations} if observations else {}),
        **({"findings": [_finding(library, one, told) for one in result.requirements]} if result.requirements else {}),
    }  # fmt: skip
    return {"assessment-results": {
        "uuid": made_id("assessment-results", framework, format_time(provenance.as_of), str(provenance.log_size), library.digest),
        "metadata": Document(provenance).metadata(f"Assessment results: {library.frameworks[framework].title}"),
        "import-ap": {"href": f"#{plan['uuid']}"}, "results": [results],
        "back-matter": {"resources": [plan, catalogue]},
    }}  # fmt: skip


def plan_of_action(
    library: Library, assessment: Assessment, framework: str, provenance: Provenance
) -> dict[str, Json]:
    """What is to be done: one item for each check of the framework's controls that fails or is unknown."""
    result = _framework(library, assessment, framework)
    told = _told(assessment, result)
    items: dict[str, list[Finding]] = {}
    for finding in told:
        items.setdefault(finding.check, []).append(finding)
    scope = made_id(
        "plan", framework, format_time(provenance.as_of), str(provenance.log_size), library.digest
    )
    return {"plan-of-action-and-milestones": {
        "uuid": scope, "metadata": Document(provenance).metadata(f"Plan of action: {library.frameworks[framework].title}"),
        "system-id": {"identifier-type": NAMESPACE, "id": provenance.origin},
        **({"local-definitions": {"inventory-items": _inventory(told)}, "observations": [_observation(f) for f in told]} if told else {}),
        "poam-items": [_item(check, found, scope) for check, found in sorted(items.items())] or [_nothing(scope)],
    }}  # fmt: skip


def _item(check: str, found: Sequence[Finding], scope: str) -> dict[str, Json]:
    return {
        "uuid": made_id("item", check, scope), "title": f"{found[0].control}: {check}",
        "description": found[0].fix or found[0].reason,
        "props": [prop("severity", found[0].severity), prop("outcome", found[0].outcome)],
        "related-observations": [{"observation-uuid": _observed(one)} for one in found],
    }  # fmt: skip


def _nothing(scope: str) -> dict[str, Json]:
    return {
        "uuid": made_id("item", "none", scope),
        "title": "Nothing to do",
        "description": "Everything passes.",
    }


def _framework(library: Library, assessment: Assessment, framework: str) -> FrameworkResult:
    if framework not in library.frameworks:
        known = ", ".join(sorted(library.frameworks))
        raise NotFound(
            f"No framework is named {framework!r}; in the library are: {known}.", field="framework"
        )
    return assessment.frameworks[framework]


def _told(assessment: Assessment, result: FrameworkResult) -> list[Finding]:
    """Everything that does not plainly pass, of the controls that answer the framework."""
    return [
        finding
        for name in sorted(result.controls())
        for check in assessment.controls[name].checks
        for finding in check.told
        if finding.outcome != "pass"
    ]


def _subject(finding: Finding) -> str:
    return made_id("subject", finding.resource_type, finding.resource_id, finding.source)


def _observed(finding: Finding) -> str:
    return made_id("observation", *finding.key(), format_time(finding.evaluated_at))


def _inventory(told: Iterable[Finding]) -> list[dict[str, Json]]:
    subjects = {_subject(one): one for one in told}
    return [
        {"uuid": name, "description": one.resource_id or one.resource_type,
         "props": [prop("resource-type", one.resource_type), prop("source", one.source)]}
        for name, one in sorted(subjects.items())
    ]  # fmt: skip


def _observation(finding: Finding) -> dict[str, Json]:
    evidence = [
        {"href": f"urn:muniment:evidence:{name}", "description": f"Entry {name} of the evidence log"}
        for name in finding.evidence
    ]
    props = {
        "check": finding.check,
        "control": finding.control,
        "outcome": finding.outcome,
        "cause": finding.cause,
    }
    return {
        "uuid": _observed(finding), "description": finding.reason, "methods": ["TEST"], "types": ["finding"],
        "props": [prop(name, value) for name, value in props.items() if value],
        "subjects": [{"subject-uuid": _subject(finding), "type": "inventory-item"}],
        **({"relevant-evidence": evidence} if evidence else {}),
        "collected": format_time(finding.observed_at or finding.evaluated_at),
    }  # fmt: skip


def _finding(library: Library, one: RequirementResult, told: Iterable[Finding]) -> dict[str, Json]:
    requirement = library.requirements[one.id]
    satisfied = one.status == "effective" and not one.in_part
    said: str = "effective in part: no control does all that it asks" if one.in_part else one.status
    said += f", {one.cause}" if one.cause else ""
    related = [{"observation-uuid": _observed(f)} for f in told if f.control in one.controls]
    return {
        "uuid": made_id("finding", one.id, library.digest), "title": requirement.title or requirement.citation,
        "description": f"{requirement.id} is {said}.",
        "props": [prop("status", one.status), prop("in-part", str(one.in_part).lower()), prop("automated", str(one.automated).lower())],
        "target": {
            "type": "objective-id", "target-id": token(requirement.citation),
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": "pass" if satisfied else ("fail" if one.status == "deficient" else "other"),
                **({} if satisfied else {"remarks": f"It is {said}."}),
            },
        },
        **({"related-observations": related} if related else {}),
    }  # fmt: skip


# --- our own referential checks ------------------------------------------------------------------


def problems(document: Mapping[str, Json]) -> list[str]:
    """What the schema does not catch: a UUID twice, a reference that leads nowhere within, another version."""
    found: list[str] = []
    made: set[str] = set()
    referred: set[str] = set()
    for key, value in _walked(document):
        if key == "uuid" and value in made:
            found.append(f"the UUID {value} stands twice")
        if key == "uuid":
            made.add(value)
        if key in {"observation-uuid", "subject-uuid"}:
            referred.add(value)
        if key == "oscal-version" and value != VERSION:
            found.append(f"the version is {value}, expected {VERSION}")
    return [*found, *(f"the reference to {name} leads nowhere" for name in sorted(referred - made))]


def _walked(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield key, inner
            yield from _walked(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walked(inner)
