"""Predicates over facts: compiled once, three verdicts, no unseen field ever judged. Pure; hides CEL."""

from compliance.predicate.compiling import MAX_BYTES, Predicate, Unjudged, Verdict, compile_predicate
from compliance.predicate.messages import MAX_LIST, MAX_TEXT, NotJudgeable, as_time

__all__ = [
    "MAX_BYTES",
    "MAX_LIST",
    "MAX_TEXT",
    "NotJudgeable",
    "Predicate",
    "Unjudged",
    "Verdict",
    "as_time",
    "compile_predicate",
]
