"""Populations: the facts that a check is over, and what of them could not be seen.

Pure. Everything that a population is drawn from must come from somewhere: a listing, a source that
reports it, or at least one record. Silence is never an empty population.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import cast, get_args

from compliance.canonical import format_time
from compliance.errors import MunimentError
from compliance.evidence import Cause
from compliance.facts import Fact, FactBase, ReceivedKind, ScopeState, SourceState
from compliance.library import Check, Derivation, span

KINDS: tuple[str, ...] = get_args(ReceivedKind)
LISTED_KINDS = frozenset({"model_version", "feature_view"})
"""Kinds of received record that a registry's collector lists; optional where they only add to others."""
ACCEPTED_AS = {
    "lineage": "lineage", "decision": "decisions", "consent": "consents", "erasure": "erasures",
    "manifest": "members", "contract": "contracts", "purpose": "purposes",
}  # fmt: skip
"""Kind of received record → what a pushed source calls it in ``accepts``."""
COLLECTED_BY: Mapping[str, frozenset[str]] = {
    "consent": frozenset({"fides"}), "erasure": frozenset({"deletion-log"}), "feature_view": frozenset({"feast"}),
    "lineage": frozenset({"marquez"}), "model_version": frozenset({"mlflow"}),
    "table_versions": frozenset({"delta", "iceberg"}),
}  # fmt: skip
"""Kind of received record → the kinds of source that are pulled for it."""


@dataclass(frozen=True)
class BlindSpot:
    """Something that a population is drawn from and that could not be seen."""

    resource: str
    """The scope, the source, or the type where not even those are known."""
    source: str
    cause: Cause
    reason: str
    evidence: tuple[str, ...]
    observed_at: datetime | None


@dataclass(frozen=True)
class Inputs:
    """What the facts of one type are drawn from."""

    type_: str
    derivation: Derivation | None

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The base fact types and kinds of received record, the one that makes the population first."""
        return (self.type_,) if self.derivation is None else self.derivation.schema.inputs

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Those, and the ones whose absence hides single fields only."""
        return self.types if self.derivation is None else (*self.types, *self.derivation.schema.adds)

    @property
    def ages(self) -> bool:
        """Whether its facts were seen at a time, rather than declared once: only what is seen can be stale."""
        return any(
            name not in KINDS or (name in LISTED_KINDS and name == self.types[0]) for name in self.types
        )

    def watched(self, fields: Iterable[str]) -> Iterator[str]:
        """What else the given fields (dotted paths) of its facts are drawn from."""
        watches = {} if self.derivation is None else self.derivation.watches
        for name in {"", *(path.partition(".")[0] for path in fields)}:
            yield from watches.get(name, ())


class Populations:
    """The facts of each type as of one fact base, derived once and shared by all checks over them."""

    def __init__(
        self,
        base: FactBase,
        derivations: Mapping[str, Derivation],
        former: dict[str, tuple[Fact, ...]] | None = None,
    ) -> None:
        """``former`` holds the facts last drawn: those that say the same now are the very same objects again."""
        self.base = base
        self._derivations = derivations
        self._former = former
        self._facts: dict[str, tuple[Fact, ...]] = {}
        self._broken: dict[str, str] = {}
        self._unseen: dict[tuple[str, timedelta], tuple[BlindSpot, ...]] = {}

    def inputs(self, type_: str) -> Inputs:
        """What facts of a type are drawn from."""
        return Inputs(type_, self._derivations.get(type_))

    def facts(self, type_: str) -> tuple[Fact, ...]:
        """The facts of a base or derived type, in the order in which they are given."""
        if type_ not in self._facts:
            derivation = self._derivations.get(type_)
            try:
                drawn = self.base.facts(type_) if derivation is None else derivation.derive(self.base)
                self._facts[type_] = self._kept(type_, tuple(drawn))
            except MunimentError as error:
                self._facts[type_], self._broken[type_] = (), error.message
        return self._facts[type_]

    def _kept(self, type_: str, drawn: tuple[Fact, ...]) -> tuple[Fact, ...]:
        if self._former is None:
            return drawn
        former = self._former.get(type_, ())
        if drawn != former:
            held = {(fact.source, fact.scope, fact.resource): fact for fact in former}
            same = ((fact, held.get((fact.source, fact.scope, fact.resource))) for fact in drawn)
            self._former[type_] = tuple(fact if fact != old or old is None else old for fact, old in same)
        return self._former.get(type_, ())

    def unseen(self, check: Check) -> tuple[BlindSpot, ...]:
        """What of a check's population could not be seen, or was seen too long ago, in a stated order."""
        key = check.over, check.fresh_within
        if key not in self._unseen:
            self._unseen[key] = self._blind_spots(check)
        return self._unseen[key]

    def _blind_spots(self, check: Check) -> tuple[BlindSpot, ...]:
        found: dict[tuple[str, str], BlindSpot] = {}
        inputs = self.inputs(check.over)
        for position, name in enumerate(inputs.types):
            for problem in self._of_input(name, check.fresh_within, leading=position == 0):
                found.setdefault((problem.resource, problem.source), problem)
        if not self.facts(check.over) and not found:
            for problem in self._of_nothing(check.over, inputs):
                found.setdefault((problem.resource, problem.source), problem)
        return tuple(found[key] for key in sorted(found))

    def _of_input(self, name: str, fresh: timedelta, *, leading: bool) -> Iterator[BlindSpot]:
        states = self.base.scopes(name)
        for state in states:
            yield from _of_scope(state, self.base.at, fresh)
        if name in KINDS and not (leading and name in LISTED_KINDS):
            yield from self._of_kind(cast("ReceivedKind", name), listed=bool(states))
        elif not states:
            yield _nowhere(name, f"No source lists {name}, so nothing is known of any.")

    def _of_kind(self, kind: ReceivedKind, *, listed: bool) -> Iterator[BlindSpot]:
        sources = self.sources_of(kind)
        for source in sources:
            if source.cause is not None and not (listed and source.kind != "push"):
                yield BlindSpot(
                    source.name, source.name, source.cause, f"The source {source.name}: {source.detail}.",
                    source.evidence, source.last_seen,
                )  # fmt: skip
        if not sources and kind not in LISTED_KINDS and not self.base.received(kind):
            yield _nowhere(kind, f"No source is configured for {kind} records, and none was received.")

    def _of_nothing(self, type_: str, inputs: Inputs) -> Iterator[BlindSpot]:
        """An empty population says something only if somebody would have reported a member."""
        if type_ in self._broken:
            yield BlindSpot(
                type_, "", "unreadable", f"{type_} cannot be worked out: {self._broken[type_]}", (), None
            )
        elif not inputs.types:
            yield _nowhere(type_, f"No {type_} is known, and no listing shows that there is none.")
        elif inputs.types[0] in KINDS and not self.base.scopes(inputs.types[0]):
            kind = cast("ReceivedKind", inputs.types[0])
            reported = any(source.last_seen is not None for source in self.sources_of(kind))
            if not reported and not self.base.received(kind):
                yield _nowhere(
                    type_, f"No {kind} record was ever received, and no source for them has ever reported."
                )

    def sources_of(self, kind: ReceivedKind) -> list[SourceState]:
        """The configured sources that report a kind of record."""
        return [source for source in self.base.sources() if _reports(source, kind)]


def _reports(source: SourceState, kind: str) -> bool:
    if source.kind == "push":
        return kind in ACCEPTED_AS and (not source.accepts or ACCEPTED_AS[kind] in source.accepts)
    return source.kind in COLLECTED_BY.get(kind, ())


def _of_scope(state: ScopeState, at: datetime, fresh: timedelta) -> Iterable[BlindSpot]:
    where = f"{state.source} could not see every {state.fact} of {state.scope}"
    if state.cause is not None:
        return [_scope(state, state.cause, f"{where}: {state.detail or state.cause}.")]
    if state.seen_whole_at is None:
        return [_scope(state, "missing", f"{where}: it was never seen whole.")]
    if at - state.seen_whole_at > fresh:
        age = f"{span(at - state.seen_whole_at)} before the instant judged; at most {span(fresh)} is allowed"
        reason = f"{state.scope} was last seen whole at {format_time(state.seen_whole_at)}, {age}."
        return [_scope(state, "stale", reason)]
    return []


def _scope(state: ScopeState, cause: Cause, reason: str) -> BlindSpot:
    return BlindSpot(state.scope, state.source, cause, reason, state.evidence, state.observed_at)


def _nowhere(type_: str, reason: str) -> BlindSpot:
    return BlindSpot(type_, "", "missing", reason, (), None)
