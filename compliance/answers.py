"""Every answer that the product gives, as a pure function of four values.

The values are the digest of the control library, the size of the log, an instant, and the version
of this program; ``Basis`` carries them, and every answer states them. Command line, web and reports
ask here; nothing else reads projections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from compliance.as_of import FactsAsOf
from compliance.assessment import (
    Assessment,
    ControlResult,
    Finding,
    Span,
    Worked,
    assess,
    out_of_scope,
    timelines,
)
from compliance.breaks import breaks_of, told, with_gaps
from compliance.canonical import (
    Json,
    canonical,
    format_time,
    from_micros,
    is_pseudonym,
    require_reckonable,
)
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Observation
from compliance.followed import Followed, looks_of
from compliance.gaps import Gap, gaps_as_csv, gaps_of
from compliance.history import History
from compliance.kept import Kept
from compliance.library import Library
from compliance.lineage.records import Question
from compliance.record_usage import RecordUsage
from compliance.reperforming import bounded_between, gone_since
from compliance.sealing import subject_key
from compliance.store import ITSELF, PROGRAM, Store

KEPT = 64
"""Computed answers kept in memory per kind."""
FACTS_KEPT = 8
FEW = 20
"""Looks at the past that are not worth writing down."""
LIBRARIES_KEPT = 8
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
        self._libraries = Kept[Library](LIBRARIES_KEPT)
        self._facts = Kept[FactsAsOf](FACTS_KEPT)
        self._assessments = Kept[Assessment](KEPT)
        self._timelines = Kept[dict[str, tuple[Span, ...]]](KEPT)
        self._followed = Followed(store)
        self.usage = RecordUsage()

    # --- what an answer is computed from -------------------------------------------------------

    def basis(
        self, *, at: datetime | None = None, log_size: int | None = None, library: str | None = None
    ) -> Basis:
        """The four values of a question: by default now, all entries, the library in force at that size.

        Raises InputRefused for a log size beyond the log's or an instant that nothing can be reckoned from,
        NotFound for an unknown library.
        """
        if at is not None:
            require_reckonable(at, "at")
        size = self.store.projections.catch_up()
        if log_size is not None and not 0 <= log_size <= size:
            raise InputRefused(f"The log size is {log_size}; the log has {size} entries.", field="log_size")
        wanted = size if log_size is None else log_size
        digest = self.store.library_digest(wanted) if library is None else self.store.full_digest(library)
        return Basis(at or self.store.clock(), wanted, digest)

    def library(self, basis: Basis) -> Library:
        """The control library that a basis names."""
        return self._libraries.get(basis.library, lambda: self.store.library_of(basis.library))

    def facts(self, basis: Basis) -> FactsAsOf:
        """Everything known as of a basis."""
        history = self._history_of(basis.log_size)
        return self._facts.get(
            (basis.at, basis.log_size),
            lambda: FactsAsOf(
                history, self.store.projections, at=basis.at, log_size=basis.log_size,
                config=self.store.config_in_force(basis.log_size), kind_facts=self.store.kind_facts,
            ),
        )  # fmt: skip

    def _history_of(self, log_size: int) -> History:
        """The rows of at least so many entries."""
        with self._lock:
            if self._generation != self.store.projections.generation:
                self._forget()
            if self._history.log_size < log_size:
                size = self.store.projections.catch_up()
                if bounded_between(self.store.projections, self._history.log_size, size):
                    self._forget()
                with self.store.projections.connect() as connection:
                    self._history = self._history.grown(connection, size)
                self._generation = self.store.projections.generation
            return self._history

    def _forget(self) -> None:
        """The rows were made again: whatever was wrong with the former ones is not to live on here."""
        self._history = History()
        self._followed.forget()
        for kept in (self._facts, self._assessments, self._timelines):
            kept.clear()
        self.usage = RecordUsage()

    def stated_scope(self, basis: Basis) -> dict[str, Json]:
        """The scope in force, as an entry or the configuration states it."""
        stated = self.store.config_in_force(basis.log_size).get("scope") or {}
        return {name: stated.get(name) or [] for name in ("frameworks", "roles", "elected", "exclusions")}

    def scope(self, basis: Basis) -> dict[str, Json]:
        """The scope in force with the entry that states it (None: the configuration), and what it leaves out."""
        index = self.store.scope_index(basis.log_size)
        outside = out_of_scope(self.library(basis), self.store.config_in_force(basis.log_size))
        return {
            **basis.as_json(), **self.stated_scope(basis), "evidence": None if index is None else str(index),
            "out_of_scope": outside,
        }  # fmt: skip

    # --- judgement -----------------------------------------------------------------------------

    def assessment(self, basis: Basis) -> Assessment:
        """Every check judged, and how the results add up."""
        facts = self.facts(basis)
        return self._assessments.get(
            basis, lambda: assess(self.library(basis), facts, self.store.derivations)
        )

    def timelines(self, basis: Basis) -> dict[str, tuple[Span, ...]]:
        """The statuses of each control from its first evidence up to the basis, without gaps, oldest first."""
        facts = self.facts(basis)
        return self._timelines.get(basis, lambda: self._timelines_of(basis, facts))

    def _timelines_of(self, basis: Basis, facts: FactsAsOf) -> dict[str, tuple[Span, ...]]:
        library, worked = self.library(basis), self.worked_out(basis)
        held = looks_of(worked)
        found = timelines(
            library, facts.moved_to, self.store.derivations, [one.id for one in library.controls], basis.at,
            worked=worked,
        )  # fmt: skip
        if looks_of(worked) > held + FEW:
            self._followed.keep(basis.library, basis.log_size, worked)
        return found

    def worked_out(self, basis: Basis) -> Worked:
        """What was worked out before and holds for a basis, by the same library and configuration."""
        return self._followed.worked_out(basis.library, basis.log_size, self._history_of(basis.log_size))

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
        told_of = {
            **told(breaks_of(self.store, basis.log_size)), **gone_since(self.store.projections, basis.log_size)
        }  # fmt: skip
        return {**basis.as_json(), **told_of, "frameworks": chosen, "controls": controls}

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
        """Control → (status, title, why in numbers): what notification compares. It names no resource."""
        library = self.library(basis)
        return {
            result.id: (result.status, library.control_of(result.id).title, _in_numbers(result))
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
        if since is not None:
            require_reckonable(since, "since")
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
        answer = self.usage.answer(self.facts(basis), question, older=[name for _, name in older])
        broken = breaks_of(self.store, basis.log_size)
        stated = {
            **with_gaps(answer, broken), **told(broken), **gone_since(self.store.projections, basis.log_size),
            **basis.as_json(), "checkpoint": self.store.log.checkpoint(basis.log_size),
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
        # Under the subject's own key: what is erased with it includes that it was asked for.
        key = subject_key(self.store.log.dedupe_key, question.key_space, question.pseudonym)
        observation = Observation("lookup/1", "muniment", ITSELF, canonical(record), sealed=True, key=key)
        self.store.log.append([observation])

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
                    " WHERE (CAST(:kind AS TEXT) IS NULL OR kind = :kind)"
                    " AND (CAST(:source AS TEXT) IS NULL OR source = :source)"
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


def _in_numbers(result: ControlResult) -> str:
    said = f"{result.failing} of {result.population} fail"
    return f"{said}; unknown: {result.cause}" if result.status == "unknown" else said


def _when(value: datetime | None) -> str | None:
    return None if value is None else format_time(value)
