"""Whether a call is permitted, as ``muniment sources check`` says it."""

from __future__ import annotations

from collectors.aws.asking import Answer
from compliance.evidence import Access


def permitted(answer: Answer, facts: tuple[str, ...], caller: str, where: str = "") -> Access:
    """That there is no such thing, or that it does not apply to it, was no refusal."""
    problem = answer.problem
    fine = problem is None or problem.kind in ("absent", "unsupported")
    before = f"{where}: " if where else ""
    said = f"{before}as {caller}" if fine or problem is None else f"{before}{problem.phrase(answer.action)}"
    return Access(answer.action, fine, said, () if fine else facts)
