"""Collects the files that a scanner wrote to a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from collectors.coverage import Tally
from collectors.filing import asked, names_of, reachable, whole_file
from collectors.places import Folder, Refused
from collectors.scans.chunking import Chunk
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

SCOPE = "scans"
FACTS = ("scan_finding", "scan_run")
FILE_AT_MOST = 64 * 1024 * 1024
Take = Callable[[str, bytes], Sequence[Chunk]]
"""A file's name and bytes → its pieces. Raises InputRefused where it is no such file."""


class ScansCollector:
    """A folder of files of one format. Its one scope is the folder; the pieces of a file are read side by side."""

    def __init__(
        self, *, format_: str, path: Path, suffixes: frozenset[str], take: Take, clock: Callable[[], datetime]
    ) -> None:
        self.kind = f"{format_}/1"
        self.name = CollectorName(format_, "1")
        self._files = Folder(path, suffixes)
        self._take = take
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every file once. One that cannot be read makes the run incomplete; the others count."""
        tally = Tally(SCOPE, FACTS)
        for name in names_of(self._files, tally) or ():
            tally.pages += 1
            try:
                pieces = self._take(name, whole_file(self._files, name, FILE_AT_MOST))
            except Refused as refusal:
                tally.truncated = True
                tally.miss(refusal.action, refusal.problem, whole=True)
            except InputRefused as error:
                tally.gap(f"{name}: {error.message.removeprefix(f'{name}: ').rstrip('.')}")
            else:
                for piece in pieces:
                    tally.got += piece.findings
                    yield self._response(name, piece, len(pieces))
        yield tally.coverage()

    def _response(self, name: str, piece: Chunk, pieces: int) -> Response:
        return Response(
            scope=SCOPE, request=asked(self._files, name, first=piece.first, pieces=pieces), status=200,
            body=piece.body, caller=self._files.caller, received_at=self._clock(), joined=name,
        )  # fmt: skip

    def check(self) -> Sequence[Access]:
        """List the files, and open the first."""
        return reachable(self._files, FACTS)
