"""The sentence of each finding: which value, age or scope decided it."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from compliance.canonical import format_time
from compliance.facts import Fact
from compliance.library import Check, filled, plain, span, value_at
from compliance.predicate import Unjudged

SHOWN_FIELDS = 4
"""Fields that the reason of a pass shows."""


def of_pass(check: Check, fact: Fact) -> str:
    """What was found, by the fields that the check reads."""
    shown = ", ".join(
        f"{path} = {plain(value_at(fact.value, path))}" for path in _leaves(check)[:SHOWN_FIELDS]
    )
    return f"{plain(fact.resource)} meets it: {shown}."


def _leaves(check: Check) -> list[str]:
    """The fields read, without records that merely hold others."""
    return [path for path in check.reads if not any(other.startswith(f"{path}.") for other in check.reads)]


def of_fail(check: Check, fact: Fact) -> str:
    """Why it fails, in the library's words with the fact's values."""
    return filled(check.why_it_fails, fact.resource, fact.value)


def of_unjudged(fact: Fact, unjudged: Unjudged) -> str:
    """Which field could not be seen and why, or why there is no verdict."""
    resource, why = plain(fact.resource), plain(unjudged.why)
    if unjudged.path is None:
        return f"{resource} cannot be judged: {why}."
    return f"{unjudged.path} of {resource} could not be seen: {why}."


def of_stale(check: Check, fact: Fact, at: datetime) -> str:
    """How old the evidence is and how old it may be."""
    return (
        f"{plain(fact.resource)} was last seen at {format_time(fact.observed_at)}, {span(at - fact.observed_at)} "
        f"before the instant judged; at most {span(check.fresh_within)} is allowed."
    )


def of_nothing(check: Check, not_applicable: int) -> str:
    """An empty population, with what was left out of it."""
    if not not_applicable:
        return f"Nothing to test: there is no {check.over}."
    why = f" ({check.left_out.rstrip('.')})" if check.left_out else ""
    return f"Nothing to test: all {not_applicable} of {check.over} are left out{why}."


def percent(share: Fraction) -> str:
    """A share in per cent, cut (never rounded up) after two decimals."""
    hundredths = int(share * 10_000)
    return f"{hundredths / 100:g} %"
