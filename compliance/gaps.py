"""Control gaps: what is broken or cannot be judged, since when, and what to change. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.assessment import Assessment, ControlResult, Finding
from compliance.canonical import Json, format_time
from compliance.library import Library

GRAVITY = {"critical": 0, "high": 1, "medium": 2, "low": 3}
ORDER = {"deficient": 0, "unknown": 1, "excepted": 2, "effective": 3}
OUTCOME_OF = {"deficient": "fail", "unknown": "unknown"}
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Gap:
    """One control that is deficient or unknown."""

    control: str
    title: str
    family: str
    status: str
    cause: str | None
    severity: str
    since: datetime | None
    because: str
    """The reason of its gravest finding: a sentence naming the value that decided."""
    fix: str
    owner: str
    requirements: tuple[str, ...]
    enforcement_points: tuple[str, ...]
    failing: int
    population: int
    findings: tuple[Finding, ...]
    """The findings that make it so, gravest first."""


def gaps_of(
    library: Library, assessment: Assessment, since: Callable[[str], datetime | None]
) -> tuple[Gap, ...]:
    """The gaps of an assessment: broken ones first, then by severity, then the longest standing."""
    gaps = [
        _gap(library, assessment, result, since(result.id))
        for result in assessment.controls.values()
        if result.status in OUTCOME_OF
    ]
    return tuple(sorted(gaps, key=_order))


def _order(gap: Gap) -> tuple[int, int, float, str]:
    began = gap.since.timestamp() if gap.since else 0.0
    return ORDER[gap.status], GRAVITY.get(gap.severity, len(GRAVITY)), began, gap.control


def _gap(library: Library, assessment: Assessment, result: ControlResult, since: datetime | None) -> Gap:
    control = library.control_of(result.id)
    wanted = OUTCOME_OF[result.status]
    found = sorted(
        (f for f in assessment.findings if f.control == result.id and f.outcome == wanted),
        key=lambda f: (GRAVITY.get(f.severity, len(GRAVITY)), f.check, f.resource_type, f.resource_id),
    )
    first = found[0] if found else None
    return Gap(
        control=control.id, title=control.title, family=control.family, status=result.status,
        cause=result.cause, severity=first.severity if first else "medium", since=since,
        because=first.reason if first else "No check and no attestation judges it.",
        fix=first.fix if first else "", owner=control.owner,
        requirements=tuple(m.requirement for m in control.mappings),
        enforcement_points=tuple(control.enforcement_points),
        failing=result.failing, population=result.population, findings=tuple(found),
    )  # fmt: skip


COLUMNS = (
    "control", "title", "status", "cause", "severity", "since", "because", "fix", "owner", "requirements",
    "failing", "population", "evidence",
)  # fmt: skip


def gaps_as_csv(gaps: Sequence[Gap], basis: Mapping[str, Json]) -> str:
    """RFC 4180 CSV: one row per gap, each with the four values it was computed from."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([*COLUMNS, *basis])
    for gap in gaps:
        row = [
            gap.control, gap.title, gap.status, gap.cause or "", gap.severity,
            format_time(gap.since) if gap.since else "", gap.because, gap.fix, gap.owner,
            " ".join(gap.requirements), gap.failing, gap.population,
            " ".join(gap.findings[0].evidence) if gap.findings else "",
        ]  # fmt: skip
        writer.writerow([_harmless(cell) for cell in [*row, *basis.values()]])
    return out.getvalue()


def _harmless(cell: object) -> object:
    """A text that a spreadsheet would run as a formula is given a leading apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell
