"""Collects one table: its log and the names of the files that are there, reduced to one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from collectors.coverage import Tally
from collectors.filing import reachable, whole_file
from collectors.lake.history import Table
from collectors.places import Bucket, Files, Folder, Refused
from compliance.canonical import canonical
from compliance.errors import InputRefused
from compliance.evidence import MAX_SEGMENT_BYTES, Access, CollectorName, Coverage, Response

FACTS = ("lake_table", "table_deletion", "table_version")
FILE_AT_MOST = 64 * 1024 * 1024
SUFFIXES = frozenset({".avro", ".crc", ".json", ".orc", ".parquet", ".text", ".bin"})
Fetch = Callable[[str], bytes]
"""A file's name in the table's folder → its bytes. Raises Refused."""
Reduce = Callable[[Sequence[str], Fetch], Table]
"""The names of all files of the folder, and how to fetch one → the table. Raises InputRefused, Refused."""
REDUCED = "predicates, partition values and paths of the table's log"


@dataclass(frozen=True)
class Dataset:
    """Which dataset the table is, as lineage names it."""

    namespace: str
    name: str

    @property
    def scope(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


def files_at(
    path: Path | None, uri: str | None, region: str = "us-east-1", endpoint_url: str | None = None
) -> Files:
    """The folder of a table: a path, ``file://…`` or ``s3://bucket/prefix``. Raises InputRefused."""
    if (path is None) == (uri is None):
        raise InputRefused("A table needs either path or uri.", field="path")
    if path is not None:
        return Folder(path, SUFFIXES)
    parts = urlsplit(uri or "")
    if parts.scheme in ("", "file"):
        return Folder(Path(parts.path), SUFFIXES)
    if parts.scheme in ("s3", "s3a") and parts.netloc:
        prefix = f"{parts.path.strip('/')}/"
        return Bucket(parts.netloc, prefix, region, endpoint_url, suffixes=SUFFIXES)
    raise InputRefused(
        f"The uri of a table must begin with file:// or s3://, not {parts.scheme}://.", field="uri"
    )


class LakeCollector:
    """One table. Its scope is the dataset."""

    def __init__(
        self, *, format_: str, files: Files, dataset: Dataset, reduce: Reduce, clock: Callable[[], datetime]
    ) -> None:
        self.kind = f"{format_}/1"
        self.name = CollectorName(format_, "1")
        self._format = format_
        self._files = files
        self._dataset = dataset
        self._reduce = reduce
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """The table once. Where the log is written to meanwhile, it is as the listing of files found it."""
        tally = Tally(self._dataset.scope, FACTS)
        try:
            names = self._files.names()
            table = self._reduce([self._within(name) for name in names], self._fetch)
            body = _body(table)
            tally.got, tally.expected, tally.pages = len(table.versions), len(table.versions), len(names)
            for note in table.notes:
                tally.gap(note)
            yield self._response(body)
        except Refused as refusal:
            tally.truncated = True
            tally.miss(refusal.action, refusal.problem, whole=True)
        except InputRefused as error:
            tally.gap(f"{self._dataset.scope}: {error.message.rstrip('.')}")
        yield tally.coverage()

    def _within(self, name: str) -> str:
        prefix = self._files.prefix if isinstance(self._files, Bucket) else ""
        return name.removeprefix(prefix)

    def _fetch(self, name: str) -> bytes:
        prefix = self._files.prefix if isinstance(self._files, Bucket) else ""
        return whole_file(self._files, f"{prefix}{name}", FILE_AT_MOST)

    def _response(self, body: bytes) -> Response:
        request: Mapping[str, str] = {
            "service": self._format, "operation": "log", "namespace": self._dataset.namespace,
            "dataset": self._dataset.name,
        }  # fmt: skip
        return Response(
            scope=self._dataset.scope, request=request, status=200, body=body, caller=self._files.caller,
            received_at=self._clock(), redactions=(REDUCED,),
        )  # fmt: skip

    def check(self) -> Sequence[Access]:
        """List the files, and open the first."""
        return reachable(self._files, FACTS)


def _body(table: Table) -> bytes:
    body = canonical(table.as_json())
    if len(body) > MAX_SEGMENT_BYTES:
        raise InputRefused(f"the log has {len(body)} bytes after reduction; expire or checkpoint it")
    return body
