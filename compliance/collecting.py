"""Runs one collector into the log, and tells afterwards how completely it saw its source.

The job boundary: whatever happens to a run, it ends with a ``collection/1`` entry that says so.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeAlias

from compliance.canonical import (
    Json,
    canonical,
    evidence_id,
    evidence_ranges,
    expand_ranges,
    format_time,
    parse_evidence_id,
    sha256_hex,
    strict_json,
)
from compliance.errors import InputRefused, MunimentError, SourceFailed, StoreTampered, StoreUnavailable
from compliance.evidence import (
    MAX_SEGMENT_BYTES,
    Collector,
    CollectorName,
    Coverage,
    Entry,
    Item,
    Observation,
    Response,
)

COLLECTION = "collection/1"
ITSELF = CollectorName("collecting", "1")
ITEMS_AT_MOST = 100
"""Items in one observation: their index must fit the entry."""
INDEX_BYTES_AT_MOST = 60_000
MIXED = "application/octet-stream"
KNOWN_BYTES = 16

Former: TypeAlias = Mapping[tuple[str, str], tuple[str, str]]
"""Of the last answers of a source: (scope, request digest) -> (mark, evidence id)."""
Redact: TypeAlias = Callable[[bytes], tuple[bytes, tuple[str, ...]]]
"""Bytes without what must not be kept, and in words what was taken out."""


class RunLog(Protocol):
    """What a run needs of the evidence log: see ``log.EvidenceLog``."""

    @property
    def dedupe_key(self) -> bytes:
        """The store's secret for recognising equal items."""
        ...

    def append(self, observations: Sequence[Observation]) -> Sequence[int | None]:
        """Durable and published at return."""
        ...


class PastLog(Protocol):
    """What is needed of the evidence log to find the last answers of a source in it."""

    @property
    def size(self) -> int:
        """Durable entries."""
        ...

    def entry(self, index: int) -> Entry:
        """One entry."""
        ...

    def body(self, entry: Entry) -> bytes | None:
        """Its payload."""
        ...


@dataclass(frozen=True)
class CollectionOutcome:
    """How one run went. ``evidence`` is the id of its ``collection`` entry."""

    source: str
    evidence: str
    scopes: tuple[Coverage, ...]
    new: int
    unchanged: int
    error: str | None

    @property
    def complete(self) -> bool:
        """Whether the run ended without error and saw every scope whole."""
        return self.error is None and all(scope.complete for scope in self.scopes)

    def sentence(self) -> str:
        """What a person reads after the run."""
        said = f"{self.source}: {self.new} new and {self.unchanged} unchanged items, entry {self.evidence}"
        why = [f"{scope.scope}: {scope.detail}" for scope in self.scopes if not scope.complete]
        why += [self.error] if self.error and not any(self.error in part for part in why) else []
        told = "; ".join(part.rstrip(".") for part in why)
        return f"{said}; seen whole." if self.complete else f"{said}; NOT seen whole: {told}."

    def as_json(self) -> dict[str, Json]:
        """The form in which the command line prints it."""
        return {
            "source": self.source, "evidence": self.evidence, "complete": self.complete, "new": self.new,
            "unchanged": self.unchanged, "error": self.error,
            "scopes": [scope.as_json() for scope in self.scopes],
        }  # fmt: skip


def collect_once(
    collector: Collector,
    *,
    source: str,
    log: RunLog,
    former: Callable[[str], Former],
    clock: Callable[[], datetime],
    sealed: bool = False,
    progress: Callable[[str], None] | None = None,
    redact: Redact = lambda body: (body, ()),
    name: str | None = None,
) -> CollectionOutcome:
    """Run a collector once and append what it brought. Of two runs of one ``name`` one ``collection`` entry is kept.

    1. Take each response as it comes: named by its former item if unchanged, else packed.
    2. A failure of the source, or a defect of ours, ends the run there and becomes its error. Only
       the log's own failures are raised: then nothing could be recorded.
    3. Append the ``collection`` entry: scopes, items, error.
    """
    started = clock()
    run = _Run(collector, source, log, former(source), redact, sealed=sealed)
    error: str | None = None
    try:
        for seen in collector.collect():  # 1
            said = run.take(seen)
            if progress:
                progress(said)
        run.flush()
    except (StoreUnavailable, StoreTampered):
        raise
    except SourceFailed as failure:  # 2
        error = failure.message
    except MunimentError as failure:
        error = f"{type(failure).__name__}: {failure.message}"
    except Exception as failure:  # noqa: BLE001 (the job boundary: any failure of a run is evidence)
        error = f"a defect ended the run: {type(failure).__name__}"
    return run.ended(started, clock(), error, name)  # 3


class _Run:
    """The state of one run: what is packed but not yet appended, and where each item went."""

    def __init__(
        self, collector: Collector, source: str, log: RunLog, former: Former, redact: Redact, *, sealed: bool
    ) -> None:
        self._collector = collector
        self._source = source
        self._log = log
        self._former = former
        self._redact = redact
        self._sealed = sealed
        self._group: list[Response] = []
        self._segment = _Segment()
        self._items: dict[str, list[str]] = {}
        self._coverages: list[Coverage] = []
        self._new = 0
        self._unchanged = 0

    def take(self, seen: Response | Coverage) -> str:
        """Take what the collector yields, and say where the run is."""
        if isinstance(seen, Coverage):
            self.flush()
            self._coverages.append(seen)
            return f"{seen.scope}: {'seen whole' if seen.complete else 'not seen whole'}"
        seen = self._redacted(seen)
        if self._group and (not seen.joined or (seen.scope, seen.joined) != self._open_group()):
            self._settle()
        self._group.append(seen)
        if not seen.joined:
            self._settle()
        return f"{seen.scope}: {self._new + self._unchanged + len(self._group)} answers"

    def _redacted(self, response: Response) -> Response:
        """The answer without secrets. Its fingerprint would confirm a guess at them, so it goes too."""
        body, told = self._redact(response.body)
        if not told:
            return response
        return replace(response, body=body, redactions=(*response.redactions, *told), fingerprint="")

    def _open_group(self) -> tuple[str, str]:
        return self._group[0].scope, self._group[0].joined

    def flush(self) -> None:
        """Append everything taken so far."""
        self._settle()
        self._append()

    def _settle(self) -> None:
        """Name the group's former items if every answer in it is unchanged, else pack all of it."""
        group, self._group = self._group, []
        known = [self._known(response) for response in group]
        if all(known):
            for response, name in zip(group, known, strict=True):
                self._items.setdefault(response.scope, []).append(name)
            self._unchanged += len(group)
            return
        if not self._segment.holds(group):
            self._append()
        for response in group:
            if not self._segment.holds([response]):
                self._append()
            self._segment.add(response, self._mark(response), sealed=self._sealed)
        self._new += len(group)

    def _known(self, response: Response) -> str:
        mark, name = self._former.get((response.scope, request_digest(response.request)), ("", ""))
        return name if mark == mark_of(response.status, self._mark(response)) else ""

    def _mark(self, response: Response) -> str:
        """What tells an unchanged answer. Of sealed ones it is keyed: it must confirm no guess."""
        mark = response.unchanged_as()
        return hmac.digest(self._log.dedupe_key, mark.encode(), "sha256").hex() if self._sealed else mark

    def _append(self) -> None:
        segment, self._segment = self._segment, _Segment()
        if not segment.items:
            return
        observation = Observation(
            kind=self._collector.kind, source=self._source, collector=self._collector.name,
            body=bytes(segment.body), media_type=segment.media_type(), items=tuple(segment.items),
            sealed=self._sealed,
        )  # fmt: skip
        index = self._appended(observation)
        for number, item in enumerate(segment.items):
            self._items.setdefault(item.scope, []).append(evidence_id(index, number))

    def _appended(self, observation: Observation) -> int:
        (index,) = self._log.append([observation])
        if index is None:
            raise StoreTampered(
                "The log took an observation of a collector for known; it states no known digests."
            )
        return index

    def ended(
        self, started: datetime, finished: datetime, error: str | None, name: str | None = None
    ) -> CollectionOutcome:
        """Append the ``collection`` entry of the run."""
        error = self._flushed(error)
        if error is None and not self._coverages:
            error = "the collector named no scope"
        payload = {
            "run": f"{self._source}/{format_time(started)}", "kind": self._collector.kind,
            "started_at": format_time(started), "finished_at": format_time(finished),
            "scopes": [scope.as_json() | {"items": self._ranges(scope.scope)} for scope in self._accounts(error)],
            "new": self._new, "unchanged": self._unchanged, "error": error,
        }  # fmt: skip
        known = () if name is None else (self._named(name),)
        # Known where another process gave this account just before it was killed.
        (index,) = self._log.append(
            [Observation(COLLECTION, self._source, ITSELF, canonical(payload), known=known)]
        )
        return CollectionOutcome(
            self._source,
            "" if index is None else evidence_id(index),
            tuple(self._accounts(error)),
            self._new,
            self._unchanged,
            error,
        )

    def _named(self, name: str) -> bytes:
        return hmac.digest(self._log.dedupe_key, f"run\n{name}".encode(), "sha256")[:KNOWN_BYTES]

    def _flushed(self, error: str | None) -> str | None:
        """Append what is left; where the log refuses its form, leave it and say so."""
        try:
            self.flush()
        except InputRefused as failure:
            return error or f"{type(failure).__name__}: {failure.message}"
        return error

    def _accounts(self, error: str | None) -> list[Coverage]:
        """Every scope that was begun; of one that the run did not finish, that it was not seen whole."""
        named = {scope.scope for scope in self._coverages}
        broken_off = [
            Coverage(
                scope,
                (),
                complete=False,
                got=len(items),
                truncated=True,
                detail=error or "it was not finished",
            )
            for scope, items in self._items.items()
            if scope not in named
        ]
        return self._coverages + broken_off

    def _ranges(self, scope: str) -> list[Json]:
        return list(evidence_ranges(self._items.get(scope, [])))


@dataclass
class _Segment:
    """Responses that will be one observation."""

    body: bytearray = field(default_factory=bytearray)
    items: list[Item] = field(default_factory=list)
    index_bytes: int = 0
    media_types: set[str] = field(default_factory=set)

    def holds(self, responses: Sequence[Response]) -> bool:
        """Whether these fit beside what is in it. An empty segment holds any one response."""
        if not self.items and len(responses) == 1:
            return True
        index = sum(len(canonical(_item(response, 0).as_json())) for response in responses)
        return (
            len(self.items) + len(responses) <= ITEMS_AT_MOST
            and len(self.body) + sum(len(response.body) for response in responses) <= MAX_SEGMENT_BYTES
            and self.index_bytes + index <= INDEX_BYTES_AT_MOST
        )

    def add(self, response: Response, mark: str, *, sealed: bool) -> None:
        item = _item(response, len(self.body))
        if sealed:
            item = replace(item, sha256="", fingerprint=mark)
        elif mark != item.sha256:
            item = replace(item, fingerprint=mark)
        self.items.append(item)
        self.body += response.body
        self.index_bytes += len(canonical(item.as_json()))
        self.media_types.add(response.media_type)

    def media_type(self) -> str:
        return next(iter(self.media_types)) if len(self.media_types) == 1 else MIXED


def _item(response: Response, offset: int) -> Item:
    return Item(
        scope=response.scope, request=response.request, status=response.status, caller=response.caller,
        observed_at=response.source_time or response.received_at, offset=offset, size=len(response.body),
        sha256=sha256_hex(response.body), redactions=response.redactions, fingerprint=response.fingerprint,
        received_at=None if response.source_time is None else response.received_at,
    )  # fmt: skip


# --- what came back the last time --------------------------------------------------------------


def request_digest(request: Mapping[str, Json]) -> str:
    """The digest under which an equal request of another run is found: of its canonical JSON."""
    return sha256_hex(canonical(dict(request)))


def mark_of(status: int, unchanged_as: str) -> str:
    """The mark of an answer: its status, and what tells whether its content changed."""
    return f"{status} {unchanged_as}"


def former_items(log: PastLog, source: str, newest_first: Iterable[int] | None = None) -> Former:
    """The last answer of a source to each request, from the log alone.

    ``newest_first`` are the indices of its ``collection`` entries, if they are known; else the log is
    gone through from its end. A run that was not complete says nothing of what it did not ask, so
    earlier ones are read too, up to the last complete one.
    """
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for payload in _collections(log, source, newest_first):
        for scope in payload["scopes"]:
            for name, item in _items(log, expand_ranges(scope["items"])):
                key = item.scope, request_digest(item.request)
                found.setdefault(key, (mark_of(item.status, item.fingerprint or item.sha256), name))
        if payload["error"] is None and all(scope["complete"] for scope in payload["scopes"]):
            break
    return found


def _collections(
    log: PastLog, source: str, newest_first: Iterable[int] | None
) -> Iterator[Mapping[str, Json]]:
    indices = range(log.size - 1, -1, -1) if newest_first is None else newest_first
    for index in indices:
        entry = log.entry(index)
        if entry.kind == COLLECTION and entry.source == source:
            payload: Mapping[str, Json] = strict_json(log.body(entry) or b"", what=f"entry {index}")
            yield payload


def _items(log: PastLog, names: Iterable[str]) -> Iterator[tuple[str, Item]]:
    """The items of these ids; neighbours are mostly of one entry, which is read once."""
    read: tuple[int, tuple[Item, ...]] = (-1, ())
    for name in names:
        index, number = parse_evidence_id(name)
        if index != read[0]:
            read = index, log.entry(index).items
        yield name, read[1][number or 0]
