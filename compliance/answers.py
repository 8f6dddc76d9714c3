"""Every answer that the product gives, as a pure function of four values.

The values are the digest of the control library, the size of the log, an instant, and the version
of this program; ``Basis`` carries them, and every answer states them. Command line, web and reports
ask here; nothing else reads projections.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import text

from compliance.as_of import FactsAsOf
from compliance.assessment import Assessment, Finding, Span, assess, timelines
from compliance.canonical import Json, canonical, format_time, from_micros, is_pseudonym
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Observation
from compliance.gaps import Gap, gaps_as_csv, gaps_of
from compliance.history import History
from compliance.library import Library
from compliance.lineage.records import Question
from compliance.record_usage import RecordUsage
from compliance.store import ITSELF, PROGRAM, Store

T = TypeVar("T")
KEPT = 64
"""Computed answers kept in memory per kind."""
A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Basis:
    """The four values that an answer is a function of (``program`` is this program's)."""

    at: datetime
    log_size: int
    library: str
    program: str = PROGRAM

    def as_json(self) -> dict[str, Json]:
        """As every answer states them."""
        return {
            "as_of": format_time(self.at), "library": self.library, "log_size": self.log_size,
            "program": self.program,
        }  # fmt: skip


class Answers:
    """The answers of one opened store. Safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.next_runs: Callable[[], Mapping[str, datetime]] = dict
        """When each scheduled source runs next; set by whoever runs the schedule."""
        self._lock = threading.RLock()
        self._history = History()
        self._generation = ""
        self._libraries: OrderedDict[Hashable, tuple[str, Library]] = OrderedDict()
        self._assessments: OrderedDict[Hashable, Assessment] = OrderedDict()
        self._timelines: OrderedDict[Hashable, dict[str, tuple[Span, ...]]] = OrderedDict()
        self._usage = RecordUsage()

    # --- what an answer is computed from -------------------------------------------------------

    def basis(
        self, *, at: datetime | None = None, log_size: int | None = None, library: str | None = None
    ) -> Basis:
        """The four values of a question: by default now, all entries, the library in force at that size.

        Raises InputRefused for a log size beyond the log's, NotFound for an unknown library.
        """
        size = self.store.projections.catch_up()
        if log_size is not None and not 0 <= log_size <= size:
            raise InputRefused(f"The log size is {log_size}; the log has {size} entries.", field="log_size")
        wanted = size if log_size is None else log_size
        digest, _ = self._library(wanted, library)
        return Basis(at or self.store.clock(), wanted, digest)

    def library(self, basis: Basis) -> Library:
        """The control library that a basis names."""
        return self._library(basis.log_size, basis.library)[1]

    def _library(self, log_size: int, digest: str | None) -> tuple[str, Library]:
        wanted = self.store.library_digest(log_size) if digest is None else self.store.full_digest(digest)
        return self._kept(self._libraries, wanted, lambda: (wanted, self.store.library_of(wanted)))

    def facts(self, basis: Basis) -> FactsAsOf:
        """Everything known as of a basis."""
        with self._lock:
            self._grow()
        return FactsAsOf(
            self._history, self.store.projections, at=basis.at, log_size=basis.log_size,
            config=self.store.config_in_force(basis.log_size), kind_facts=self.store.kind_facts,
        )  # fmt: skip

    def _grow(self) -> None:
        size = self.store.projections.catch_up()
        if self._generation != self.store.projections.generation:
            self._history, self._generation = History(), self.store.projections.generation
        if size > self._history.log_size:
            with self.store.projections.connect() as connection:
                self._history = self._history.grown(connection, size)

    def _kept(self, cache: OrderedDict[Hashable, T], key: Hashable, make: Callable[[], T]) -> T:
        with self._lock:
            if key in cache:
                cache.move_to_end(key)
                return cache[key]
        made = make()
        with self._lock:
            cache[key] = made
            while len(cache) > KEPT:
                cache.popitem(last=False)
        return made

    # --- judgement -----------------------------------------------------------------------------

    def assessment(self, basis: Basis) -> Assessment:
        """Every check judged, and how the results add up."""
        return self._kept(
            self._assessments, basis,
            lambda: assess(self.library(basis), self.facts(basis), self.store.derivations),
        )  # fmt: skip

    def timelines(self, basis: Basis) -> dict[str, tuple[Span, ...]]:
        """The statuses of each control from its first evidence up to the basis, without gaps, oldest first."""
        library, facts = self.library(basis), self.facts(basis)
        return self._kept(
            self._timelines, basis,
            lambda: timelines(
                library, facts.moved_to, self.store.derivations, [one.id for one in library.controls], basis.at
            ),
        )  # fmt: skip

    def timeline(self, basis: Basis, control: str) -> tuple[Span, ...]:
        """The statuses of one control. Raises NotFound for an unknown one."""
        self.library(basis).control_of(control)
        return self.timelines(basis)[control]

    def since(self, basis: Basis, control: str) -> datetime | None:
        """Since when the control has had the status that it has at the basis."""
        spans = self.timeline(basis, control)
        return spans[-1].start if spans else None

    def status(self, basis: Basis, *, framework: str | None = None) -> dict[str, Json]:
        """Status per requirement and control (CONTRACT section 1)."""
        assessment = self.assessment(basis)
        if framework is not None and framework not in assessment.frameworks:
            known = ", ".join(sorted(assessment.frameworks))
            raise NotFound(
                f"No framework is named {framework!r}; in the library are: {known}.", field="framework"
            )
        chosen = {
            name: result.as_json()
            for name, result in assessment.frameworks.items()
            if framework in {None, name}
        }
        wanted = None if framework is None else assessment.frameworks[framework].controls()
        controls = [
            result.as_json() | {"since": _when(self.since(basis, result.id))}
            for result in assessment.controls.values()
            if wanted is None or result.id in wanted
        ]
        return {**basis.as_json(), "frameworks": chosen, "controls": controls}

    def summary(self, basis: Basis) -> dict[str, Json]:
        """How each framework stands, in numbers."""
        frameworks = self.assessment(basis).frameworks
        return {**basis.as_json(), "frameworks": [frameworks[name].summary() for name in sorted(frameworks)]}

    def findings(
        self, basis: Basis, *, control: str | None = None, outcome: str | None = None
    ) -> list[dict[str, Json]]:
        """Resource-level results (CONTRACT section 1), in a stated order."""
        if control is not None and control not in self.assessment(basis).controls:
            raise NotFound(f"No control is named {control!r}.", field="control")
        return [
            finding.as_json()
            for finding in self.found(basis)
            if control in {None, finding.control} and outcome in {None, finding.outcome}
        ]

    def found(self, basis: Basis) -> tuple[Finding, ...]:
        """All findings, ordered by check, resource type, resource and source."""
        return self.assessment(basis).findings

    def control_statuses(self, basis: Basis) -> dict[str, tuple[str, str, str]]:
        """Control → (status, title, the reason of its gravest finding): what notification compares."""
        library = self.library(basis)
        reasons = {gap.control: gap.because for gap in self.gaps(basis)}
        return {
            result.id: (result.status, library.control_of(result.id).title, reasons.get(result.id, ""))
            for result in self.assessment(basis).controls.values()
        }

    def gaps(self, basis: Basis) -> tuple[Gap, ...]:
        """What is broken or cannot be judged, the gravest first."""
        return gaps_of(
            self.library(basis), self.assessment(basis), lambda control: self.since(basis, control)
        )

    def gaps_csv(self, basis: Basis) -> str:
        """The gaps as CSV, one row each, with the values they were computed from."""
        return gaps_as_csv(self.gaps(basis), basis.as_json())

    def changes(self, basis: Basis, *, since: datetime | None = None) -> dict[str, Json]:
        """Controls and findings that differ between an earlier instant (a day before) and the basis."""
        before = Basis(since or basis.at - A_DAY, basis.log_size, basis.library)
        if before.at > basis.at:
            raise InputRefused("The earlier instant lies after the later one.", field="since")
        was, now = self.assessment(before), self.assessment(basis)
        controls: list[Json] = [
            {"control": name, "before": was.controls[name].status, "after": result.status}
            for name, result in now.controls.items()
            if was.controls[name].status != result.status
        ]
        earlier = {finding.key(): finding.outcome for finding in was.findings}
        later = {finding.key(): finding.outcome for finding in now.findings}
        findings: list[Json] = [
            {"check": check, "resource_type": type_, "resource_id": resource, "source": source,
             "before": earlier.get(key), "after": later.get(key)}
            for key in sorted(earlier.keys() | later.keys())
            if earlier.get(key) != later.get(key)
            for check, type_, resource, source in [key]
        ]  # fmt: skip
        return {
            **basis.as_json(),
            "since": format_time(before.at),
            "controls": controls,
            "findings": findings,
        }

    # --- record usage --------------------------------------------------------------------------

    def lookup(
        self,
        basis: Basis,
        *,
        key_space: str,
        reason: str,
        who: str,
        key: str | None = None,
        pseudonym: str | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
    ) -> dict[str, Json]:
        """Record usage (CONTRACT section 4). The lookup is an entry, sealed, before the answer leaves.

        Raises InputRefused without a reason or with neither or both of key and pseudonym, NotFound
        for a key space that is not configured.
        """
        if not reason.strip():
            raise InputRefused("A lookup needs a reason; it is recorded.", field="reason")
        asked = self._asked(key_space, key, pseudonym)
        (_, asked_for), *older = asked
        question = Question(key_space, asked_for, basis.at, from_, to, frozenset(name for name, _ in asked))
        answer = self._usage.answer(self.facts(basis), question, older=[name for _, name in older])
        stated = {
            **answer, **basis.as_json(), "checkpoint": self.store.log.checkpoint(basis.log_size),
        }  # fmt: skip
        self._record_lookup(basis, question, reason, who)
        return stated

    def _asked(self, key_space: str, key: str | None, pseudonym: str | None) -> list[tuple[str, str]]:
        """``(key id, pseudonym)`` of the record under each secret held; asked by pseudonym, under the current."""
        if (key is None) == (pseudonym is None):
            raise InputRefused("Give either key or pseudonym.", field="key")
        if pseudonym is None:
            return self.store.key_spaces.pseudonyms(key_space, key or "")
        if not is_pseudonym(pseudonym):
            raise InputRefused("A pseudonym is 32 lower-case hex digits.", field="pseudonym")
        return [(self.store.key_spaces.current_key_id(key_space), pseudonym)]

    def _record_lookup(self, basis: Basis, question: Question, reason: str, who: str) -> None:
        record = {
            **basis.as_json(), "who": who, "reason": reason, "key_space": question.key_space,
            "pseudonym": question.pseudonym,
            "from": _when(question.from_), "to": _when(question.to),
        }  # fmt: skip
        self.store.log.append([Observation("lookup/1", "muniment", ITSELF, canonical(record), sealed=True)])

    # --- evidence ------------------------------------------------------------------------------

    def entries(
        self, *, kind: str | None = None, source: str | None = None, last: int = 50, before: int | None = None
    ) -> list[dict[str, Json]]:
        """The newest entries of a kind or source, oldest first."""
        size = self.store.projections.catch_up()
        with self.store.projections.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT log_index, kind, source, instant, received_at, media_type, size, sealed FROM entry"
                    " WHERE (:kind IS NULL OR kind = :kind) AND (:source IS NULL OR source = :source)"
                    " AND log_index < :before ORDER BY log_index DESC LIMIT :last"
                ),
                {"kind": kind, "source": source, "last": last, "before": size if before is None else before},
            ).all()
        return [
            {"id": str(row.log_index), "kind": row.kind, "source": row.source,
             "instant": format_time(from_micros(row.instant)),
             "received_at": format_time(from_micros(row.received_at)),
             "media_type": row.media_type, "size": row.size, "sealed": bool(row.sealed)}
            for row in reversed(rows)
        ]  # fmt: skip

    def defects(self, *, last: int = 100) -> list[dict[str, Json]]:
        """What was wrong with evidence that was taken nevertheless, newest first."""
        self.store.projections.catch_up()
        with self.store.projections.connect() as connection:
            rows = connection.execute(
                text("SELECT evidence, what FROM defect ORDER BY log_index DESC, evidence LIMIT :last"),
                {"last": last},
            ).all()
        return [{"evidence": row.evidence, "what": row.what} for row in rows]


def _when(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)
