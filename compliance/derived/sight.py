"""Whether records of a kind could be seen at all, so that their absence means something.

Pure. Where nobody reports a kind of record, or its source is silent, "there is none" is not
knowledge: what would only hold by absence is unseen, while what was seen stays seen.
"""

from __future__ import annotations

from compliance.assessment.populations import ACCEPTED_AS, COLLECTED_BY
from compliance.derived.joining import Looked
from compliance.facts import FactBase, ReceivedKind, SourceState, Unseen


def blind(base: FactBase, *kinds: ReceivedKind) -> Unseen | None:
    """Why the absence of records of these kinds says nothing; None where it does."""
    return next((why for kind in kinds if (why := _blind(base, kind)) is not None), None)


def _blind(base: FactBase, kind: ReceivedKind) -> Unseen | None:
    sources = [source for source in base.sources() if _reports(source, kind)]
    failing = next((source for source in sources if source.cause is not None), None)
    if failing is not None and failing.cause is not None:
        return Unseen(failing.cause, f"the source {failing.name} of {kind} records: {failing.detail}")
    if not base.received(kind) and not any(source.last_seen for source in sources):
        return Unseen("missing", f"no {kind} record was ever received, and no source of them has reported")
    return None


def _reports(source: SourceState, kind: str) -> bool:
    if source.kind == "push":
        return kind in ACCEPTED_AS and (not source.accepts or ACCEPTED_AS[kind] in source.accepts)
    return source.kind in COLLECTED_BY.get(kind, ())


def unless(hidden: Unseen | None, value: Looked, *, told_by_absence: bool) -> Looked:
    """The value, or why it is unseen where it rests on the absence of records that cannot be seen."""
    return hidden if told_by_absence and hidden is not None else value
