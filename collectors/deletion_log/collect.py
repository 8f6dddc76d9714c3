"""Collects a deletion log: every file, in chunks of lines, with raw keys replaced before anything is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from collectors.coverage import Tally
from collectors.deletion_log.lines import Chunk, Pseudonymise, chunks, numbered, split_lines
from collectors.places import Bucket, Files, Folder, Refused
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

SCOPE = "deletion-log"
FACTS = ("erasure",)


class DeletionLogCollector:
    """The erasures that another system carried out. Its observations must be sealed.

    ``key_ids`` are the ids of the current secrets by key space: an entry that names no key id speaks
    under these.
    """

    kind = "deletion-log/1"
    name = CollectorName("deletion-log", "1")

    def __init__(
        self, *, pseudonymise: Pseudonymise, clock: Callable[[], datetime], path: Path | None = None,
        bucket: str | None = None, prefix: str = "", endpoint_url: str | None = None,
        key_ids: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        if (path is None) == (bucket is None):
            raise InputRefused("A deletion log needs either path or bucket.", field="path")
        self._files: Files = Folder(path) if path else Bucket(bucket or "", prefix, endpoint_url=endpoint_url)
        self._pseudonymise = pseudonymise
        self._key_ids = dict(key_ids or {})
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every file once. Lines that cannot be read make the run incomplete; the others count."""
        tally = Tally(SCOPE, FACTS)
        try:
            names = self._files.names()
        except Refused as refusal:
            names = []
            tally.miss(refusal.action, refusal.problem, whole=True)
        for name in names:
            tally.pages += 1
            yield from self._file(name, tally)
        yield tally.coverage()

    def _file(self, name: str, tally: Tally) -> Iterator[Response]:
        try:
            for chunk in chunks(split_lines(self._files.parts(name)), self._pseudonymise):
                tally.got += chunk.entries
                if chunk.withheld:
                    tally.gap(f"{name}: {numbered(chunk.withheld)} cannot be read as an erasure")
                yield self._response(name, chunk)
        except Refused as refusal:
            tally.truncated = True
            tally.miss(refusal.action, refusal.problem, whole=True)

    def _response(self, name: str, chunk: Chunk) -> Response:
        request: dict[str, Json] = {
            "service": self._files.service, "operation": "read", "file": name, "first_line": chunk.first_line,
            "key_ids": self._key_ids,
        }  # fmt: skip
        return Response(
            scope=SCOPE, request=request, status=200, body=chunk.body, caller=self._files.caller,
            received_at=self._clock(), media_type="application/x-ndjson", redactions=chunk.redactions(),
        )  # fmt: skip

    def check(self) -> Sequence[Access]:
        """List the files, and open the first."""
        action = f"{self._files.service}:list"
        try:
            names = self._files.names()
            for name in names[:1]:
                action = f"{self._files.service}:read {name}"
                next(self._files.parts(name), b"")
        except Refused as refusal:
            return [Access(refusal.action, permitted=False, detail=refusal.message, facts=FACTS)]
        return [Access(action, permitted=True, detail=f"{len(names)} files")]
