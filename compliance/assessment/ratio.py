"""A check with ``at_least``: one verdict over the whole population.

Pure. It passes only if it holds with every unknown counted against, and fails only if it misses with
every unknown counted for. A waiver never improves a ratio: what holds only with the waived counted
for is excepted. A population that was not seen whole has any number of unknowns.
"""

from __future__ import annotations

from fractions import Fraction

from compliance.assessment import wording
from compliance.assessment.adding import gravest
from compliance.assessment.judging import CheckJudge, Tally, counted
from compliance.assessment.outcome import RATIO, CheckResult, Finding, Outcome
from compliance.evidence import Cause
from compliance.library import plain

CITED = 20
"""Misses whose evidence the finding cites; it says how many there are."""


def decide(tally: Tally, at_least: Fraction) -> Outcome:
    """The verdict on the counts."""
    total, held = tally.population, len(tally.passed)
    unknown, excepted = len(tally.unknown), len(tally.excepted)
    if tally.spots:
        return "unknown"
    if held >= at_least * total:
        return "pass"
    if held + excepted + unknown < at_least * total:
        return "fail"
    return "excepted" if held + excepted >= at_least * total else "unknown"


def share(judge: CheckJudge, tally: Tally, at_least: Fraction) -> tuple[Outcome, Cause | None]:
    """The verdict where a share of the resources must meet the check; a waiver for the whole excepts a failure."""
    outcome = decide(tally, at_least)
    if outcome == "fail" and judge.waiver(judge.check.over) is not None:
        outcome = "excepted"
    return outcome, _cause(tally) if outcome == "unknown" else None


def judge_ratio(judge: CheckJudge, at_least: Fraction) -> CheckResult:
    """A check that a share of the resources must meet."""
    tally = judge.tally()
    outcome, cause = share(judge, tally, at_least)
    told = [judge.of_blind_spot(spot) for spot in tally.spots]
    reason = (
        "The population was not seen."
        if tally.spots
        else wording.of_nothing(judge.check, tally.not_applicable)
    )
    if tally.population:
        reason = _said(tally, at_least)
        told.append(_finding(judge, tally, outcome, cause, reason))
    return counted(judge, tally, (outcome, cause), told, reason)


def _cause(tally: Tally) -> Cause:
    causes = [spot.cause for spot in tally.spots] + [cause for _, cause, _ in tally.unknown]
    return gravest([("unknown", cause) for cause in causes])[1] or "incomplete"


def _said(tally: Tally, at_least: Fraction) -> str:
    total, held, unknown = tally.population, len(tally.passed), len(tally.unknown)
    said = f"{held} of {total} meet it ({wording.percent(Fraction(held, total))}); {wording.percent(at_least)} must."
    if unknown:
        against, for_ = Fraction(held, total), Fraction(held + unknown, total)
        said += (
            f" {unknown} are unknown: {held} of {total} ({wording.percent(against)}) with all of them counted against, "
            f"{held + unknown} of {total} ({wording.percent(for_)}) with all counted for."
        )
    if tally.excepted:
        said += f" {len(tally.excepted)} of the misses are excepted."
    if tally.spots:
        said += " The population was not seen whole, so the share is not known."
    return said


def _finding(judge: CheckJudge, tally: Tally, outcome: Outcome, cause: Cause | None, reason: str) -> Finding:
    misses = [*tally.failed, *(fact for fact, _ in tally.excepted), *(fact for fact, _, _ in tally.unknown)]
    cited = (misses or tally.passed)[:CITED]
    everything = [*misses, *tally.passed]
    if len(misses) > CITED:
        reason += f" Evidence of the first {CITED} of {len(misses)} that do not meet it is cited."
    sources = {fact.source for fact in everything}
    check = judge.check
    return Finding(
        check=check.id, control=judge.control.id, requirements=judge.control.requirements,
        resource_type=RATIO, resource_id=check.over, source=sources.pop() if len(sources) == 1 else "",
        outcome=outcome, cause=cause, reason=reason,
        evidence=tuple(dict.fromkeys(name for fact in cited for name in fact.evidence)),
        observed_at=min(fact.observed_at for fact in everything), evaluated_at=judge.at, severity=check.severity,
        fix="" if outcome == "pass" else _fix(judge, tally),
    )  # fmt: skip


def _fix(judge: CheckJudge, tally: Tally) -> str:
    names = [fact.resource for fact in tally.failed[:CITED]]
    first = f" Begin with: {', '.join(plain(name) for name in names)}." if names else ""
    return f"Bring at least {wording.percent(judge.check.at_least or Fraction(1))} of {judge.check.over} to meet it.{first}"
