"""Operating effectiveness as an answer: how controls and requirements stood over a period, and by which entries."""

from __future__ import annotations

from datetime import datetime, timedelta

from compliance.answers import Answers, Basis
from compliance.assessment import Effectiveness, effectiveness
from compliance.canonical import Json, format_time, require_reckonable
from compliance.errors import InputRefused, NotFound

PERIOD = timedelta(days=90)
"""The period where none is named."""


def operating(
    answers: Answers,
    basis: Basis,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    framework: str | None = None,
    control: str | None = None,
) -> dict[str, Json]:
    """How everything, one framework or one control stood from ``start`` to ``end`` (to the basis, 90 days).

    A time without evidence is unknown. Raises InputRefused for a period that ends before it begins or lies
    after the basis, NotFound for an unknown framework or control.
    """
    period = _period(basis, start, end)
    library = answers.library(basis)
    if control is not None:
        library.control_of(control)
    wanted = _controls(answers, basis, framework) if control is None else [control]
    found = effectiveness(
        library, answers.facts(basis).moved_to, answers.store.derivations, wanted, period,
        worked=answers.worked_out(basis),
    )  # fmt: skip
    return {
        **basis.as_json(), "from": format_time(period[0]), "to": format_time(period[1]),
        "controls": _controls_of(found), "requirements": _requirements_of(found, framework),
    }  # fmt: skip


def _controls_of(found: Effectiveness) -> list[Json]:
    return [
        {**stood.as_json(), "checks": [check.as_json() for check in found.checks[name]]}
        for name, stood in sorted(found.controls.items())
    ]


def _requirements_of(found: Effectiveness, framework: str | None) -> list[Json]:
    return [
        stood.as_json()
        for name, stood in sorted(found.requirements.items())
        if framework in {None, name.partition(":")[0]}
    ]


def _controls(answers: Answers, basis: Basis, framework: str | None) -> list[str]:
    if framework is None:
        return [control.id for control in answers.library(basis).controls]
    frameworks = answers.library(basis).frameworks
    if framework not in frameworks:
        known = ", ".join(sorted(frameworks))
        raise NotFound(
            f"No framework is named {framework!r}; in the library are: {known}.", field="framework"
        )
    library = answers.library(basis)
    return [c.id for c in library.controls if any(r.startswith(f"{framework}:") for r in c.requirements)]


def _period(basis: Basis, start: datetime | None, end: datetime | None) -> tuple[datetime, datetime]:
    for name, value in (("from", start), ("to", end)):
        if value is not None:
            require_reckonable(value, name)
    last = min(end or basis.at, basis.at)
    first = start or last - PERIOD
    if first >= last:
        raise InputRefused(
            f"The period begins at {format_time(first)} and ends at {format_time(last)}; it must end later,"
            " and not after the instant asked about.", field="from",
        )  # fmt: skip
    return first, last
