"""The transaction log of a Delta table (Delta protocol, "Actions"). Pure but for fetching its files.

A version can be read if no file that it had was deleted. Vacuum deletes only files that a later version
removed, so what a checkpoint holds need not be read.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from collectors.fields import UNREADABLE
from collectors.lake.collect import Fetch
from collectors.lake.history import Table, Version, file_name, still_there
from compliance.canonical import Json, format_time, strict_json
from compliance.errors import InputRefused

COMMIT = re.compile(r"^_delta_log/(\d{20})\.json$")
LATER = "_delta_log/"
DURATION = re.compile(r"(\d+)\s*(week|day|hour|minute|second)s?")
SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
DAY = 86_400


@dataclass
class Commit:
    """One commit, as far as it is needed."""

    number: int
    timestamp: int = 0
    operation: str = ""
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    """Files out of which rows were taken: removed, or masked by a deletion vector, as a change of data."""
    masked: set[str] = field(default_factory=set)
    schema: list[str] | None = None
    configuration: Mapping[str, Json] | None = None


def read_table(names: Sequence[str], fetch: Fetch) -> Table:
    """The table that the folder holds. Raises InputRefused where it has no log that can be read."""
    numbers = sorted(int(match[1]) for name in names if (match := COMMIT.match(name)))
    if not numbers:
        raise InputRefused("there is no _delta_log with a commit; expected a Delta table")
    commits = [_commit(number, fetch(f"_delta_log/{number:020}.json")) for number in numbers]
    present = {file_name(name) for name in names if not name.startswith(LATER)}
    versions = list(_versions(commits, present))
    settled = [one for one in commits if one.configuration is not None]
    configuration = settled[-1].configuration if settled else None
    gap = numbers[-1] - numbers[0] + 1 != len(numbers)
    return Table(
        format="delta", current=str(numbers[-1]), versions=versions,
        fields=next((one.schema for one in reversed(commits) if one.schema is not None), []),
        append_only=None if configuration is None else configuration.get("delta.appendOnly") == "true",
        time_travel_days=_days((configuration or {}).get("delta.deletedFileRetentionDuration")),
        last_vacuum_at=max((_time(one) for one in commits if one.operation == "VACUUM END"), default=None),
        notes=(["the log lacks a commit between its first and its last"] if gap else [])
        + (["the log no longer has the commit that states the table's schema"] if not settled else []),
    )  # fmt: skip


def _commit(number: int, body: bytes) -> Commit:
    commit = Commit(number)
    try:
        for line in body.split(b"\n"):
            if line.strip():
                _take(strict_json(line, what="action"), commit)
    except UNREADABLE as error:
        raise InputRefused(f"the commit {number} cannot be read: {error}") from error
    return commit


def _take(action: Mapping[str, Json], commit: Commit) -> None:
    if "commitInfo" in action:
        said = action["commitInfo"]
        commit.timestamp = int(said.get("inCommitTimestamp") or said.get("timestamp") or 0)
        commit.operation = str(said.get("operation", ""))
    if "add" in action:
        name = file_name(action["add"]["path"])
        commit.added.add(name)
        if action["add"].get("deletionVector"):
            commit.masked.add(name)
        commit.timestamp = commit.timestamp or int(action["add"].get("modificationTime") or 0)
    if "remove" in action:
        name = file_name(action["remove"]["path"])
        commit.removed.add(name)
        if action["remove"].get("dataChange", True):
            commit.taken.add(name)
    if "metaData" in action:
        said = action["metaData"]
        commit.configuration = said.get("configuration") or {}
        commit.schema = [
            str(one["name"]) for one in strict_json(said["schemaString"].encode(), what="schema")["fields"]
        ]


def _versions(commits: Sequence[Commit], present: Collection[str]) -> Iterator[Version]:
    """From the last to the first, gathering what later versions removed that was there before."""
    gone: set[str] = set()
    found: list[Version] = []
    for commit in reversed(commits):
        taken = commit.taken - (commit.added - commit.masked)
        left = still_there(taken, present)
        found.append(Version(
            version=str(commit.number), written_at=_time(commit), operation=commit.operation or "unknown",
            takes_rows_away=bool(taken), added=len(commit.added), removed=sorted(taken), left=left,
            files=None, missing=len(gone - set(present)),
        ))  # fmt: skip
        gone = (gone - commit.added) | commit.removed
    return iter(found[::-1])


def _time(commit: Commit) -> str:
    if not commit.timestamp:
        raise InputRefused(f"the commit {commit.number} states no time")
    return format_time(datetime.fromtimestamp(commit.timestamp / 1000, UTC))


def _days(stated: Json) -> int | None:
    """Whole days of an interval such as ``interval 1 week`` or ``interval 168 hours``."""
    if not isinstance(stated, str):
        return None
    parts = DURATION.findall(stated)
    return sum(int(number) * SECONDS[unit] for number, unit in parts) // DAY if parts else None
