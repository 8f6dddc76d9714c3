"""An attestation judged: a signed statement passes until it lapses.

Pure. A lapsed signature is stale, none is missing; a signature under other words is neither.
"""

from __future__ import annotations

from datetime import datetime

from compliance.assessment.outcome import ATTESTATION, CheckResult, Finding, Outcome
from compliance.assessment.statements import Signed, signatures
from compliance.canonical import format_time
from compliance.evidence import Cause
from compliance.facts import FactBase
from compliance.library import Attestation, Control, plain


def stands(attestation: Attestation, base: FactBase) -> tuple[Outcome, Cause | None]:
    """The outcome and cause of an attestation, without its finding."""
    live, good, _ = _signed(attestation, base)
    return ("pass", None) if live else ("unknown", "stale" if good else "missing")


def _signed(attestation: Attestation, base: FactBase) -> tuple[list[Signed], list[Signed], list[Signed]]:
    """The signatures in force, those under the same words, and all, given so far."""
    signed = [s for s in signatures(base.received("attestation"), attestation) if s.signed_at <= base.at]
    good = [one for one in signed if one.same_words]
    return [one for one in good if one.until >= base.at], good, signed


def judge_attestation(attestation: Attestation, control: Control, base: FactBase) -> CheckResult:
    """Whether a signature under the statement is in force."""
    live, good, signed = _signed(attestation, base)
    last = max(live or good or signed, key=lambda one: (one.until, one.evidence), default=None)
    outcome, cause = stands(attestation, base)
    finding = Finding(
        check=attestation.id, control=control.id, requirements=control.requirements, resource_type=ATTESTATION,
        resource_id=attestation.id, source="" if last is None else last.source, outcome=outcome, cause=cause,
        reason=_said(attestation, last, base.at), evidence=() if last is None else (last.evidence,),
        observed_at=None if last is None else last.signed_at, evaluated_at=base.at, severity=attestation.severity,
        fix="" if live else f"Have {attestation.owner} sign: {attestation.statement}",
    )  # fmt: skip
    return CheckResult(
        check=attestation.id, outcome=outcome, cause=cause, reason=finding.reason, told=(finding,),
        passing=len(live[:1]), unknown=1 - len(live[:1]),
    )  # fmt: skip


def _said(attestation: Attestation, last: Signed | None, at: datetime) -> str:
    if last is None:
        return f"Nobody has signed {attestation.title!r}."
    who = f"{plain(last.signed_by)} signed at {format_time(last.signed_at)}"
    if not last.same_words:
        return f"{who}, but other words than the library now states; it has to be signed again."
    if last.until < at:
        return f"{who}; that lapsed at {format_time(last.until)}."
    return f"{who}; in force until {format_time(last.until)}."
