"""How well the evidence itself is known: every configured source, and every scope of a collection.

Pure. These facts are judged for completeness and timeliness of evidence (an auditor's first
question about any population); they say nothing about the systems behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from compliance.derived.joining import Looked, Origin, derived
from compliance.facts import Fact, FactBase, FactSchema, Field, ScopeState, SourceState, Unseen

COLLECTED = ("iam_account", "iam_user", "iam_role", "kms_key", "model_version")
"""The fact types whose populations collectors list."""

EVIDENCE_SOURCE = FactSchema(
    "evidence_source",
    "A configured source of evidence: whether it reports as often as it is configured to.",
    (
        Field("name", "string", "Name of the source in the configuration."),
        Field("kind", "string", "Kind of the source: aws-iam, aws-kms, mlflow, deletion-log or push."),
        Field("last_seen", "time", "When it last reported.", optional=True),
        Field("in_time", "bool", "Whether it reported within its interval, and its last run did not fail."),
        Field("detail", "string", "What is wrong, in words; empty where nothing is."),
    ),
)

EVIDENCE_SCOPE = FactSchema(
    "evidence_scope",
    "One scope (an account, a region, a registry) of one collected source: whether its last listing was whole.",
    (
        Field("source", "string", "Name of the source."),
        Field("scope", "string", "The account, region or registry."),
        Field("fact", "string", "The type of the facts that are listed there."),
        Field("complete", "bool", "Whether the last run saw every resource of this type."),
        Field("seen_whole_at", "time", "When it was last seen whole.", optional=True),
        Field(
            "detail", "string", "What was denied, cut short or did not reconcile; empty where nothing was."
        ),
    ),
)


def evidence_sources(base: FactBase) -> Iterator[Fact]:
    """Every configured source. Whether one is silent cannot be told where no interval is configured."""
    for state in base.sources():
        looked: dict[str, Looked] = {
            "name": state.name, "kind": state.kind, "last_seen": state.last_seen,
            "in_time": _in_time(state), "detail": state.detail,
        }  # fmt: skip
        origin = Origin(state.name, "", base.at, state.evidence)
        yield derived(EVIDENCE_SOURCE, state.name, looked, origin)


def _in_time(state: SourceState) -> Looked:
    if state.cause is not None:
        return False
    if state.last_seen is None or state.detail:
        return Unseen(
            "missing", state.detail or "no expect_every or schedule is configured, and it never reported"
        )
    return True


def evidence_scopes(base: FactBase) -> Iterable[Fact]:
    """Every scope of every collected fact type; one that was never collected is not complete."""
    return [_scope(base, state) for type_ in COLLECTED for state in base.scopes(type_)]


def _scope(base: FactBase, state: ScopeState) -> Fact:
    looked: dict[str, Looked] = {
        "source": state.source, "scope": state.scope, "fact": state.fact,
        "complete": state.cause is None, "seen_whole_at": state.seen_whole_at,
        "detail": "" if state.cause is None else state.detail or state.cause,
    }  # fmt: skip
    origin = Origin(state.source, state.scope, base.at, state.evidence)
    return derived(EVIDENCE_SCOPE, f"{state.source}/{state.scope}/{state.fact}", looked, origin)
