"""Trails kept beside the projections, so that a command need not walk the whole history again.

A trail file changes no answer: it is read only for the same program, library, configuration and generation of
projections, and only if the log still has the root that it was worked out at. What cannot be read is worked out
again; what cannot be written is not kept.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from compliance.assessment import Look, Trail
from compliance.canonical import Json, canonical, from_micros, micros, sha256_hex

FORM = 1
KEPT = 3
"""Files kept: those of the last libraries and configurations."""
UNFIT = (OSError, EOFError, ValueError, TypeError, KeyError, LookupError, AttributeError)
"""What reading a file raises that was cut short or is of another form."""


@dataclass(frozen=True)
class Kept:
    """Trails as they were worked out at a log size."""

    log_size: int
    root: str
    trails: Mapping[str, Trail]


class TrailFiles:
    """The trail files of one store, in the folder of its projections."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, key: Json) -> Kept | None:
        """What was kept under a key; None where nothing fit is."""
        try:
            held = json.loads(gzip.decompress(self._path(key).read_bytes()))
            trails = {name: _trail(written) for name, written in held["trails"].items()}
            return Kept(int(held["log_size"]), str(held["root"]), trails)
        except UNFIT:
            return None

    def write(self, key: Json, kept: Kept) -> None:
        """Keep trails under a key, in place of what was there."""
        trails = {name: _written(trail) for name, trail in kept.trails.items()}
        text = json.dumps(
            {"log_size": kept.log_size, "root": kept.root, "trails": trails}, separators=(",", ":")
        )
        path = self._path(key)
        beside = path.with_suffix(f".{os.getpid()}.new")
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            beside.write_bytes(gzip.compress(text.encode(), compresslevel=1, mtime=0))
            beside.replace(path)
            self._sweep()

    def _path(self, key: Json) -> Path:
        return self._folder / f"trails-{sha256_hex(canonical([FORM, key]))[:16]}.json.gz"

    def _sweep(self) -> None:
        found = sorted(self._folder.glob("trails-*.json.gz"), key=lambda path: path.stat().st_mtime)
        for path in found[:-KEPT]:
            path.unlink(missing_ok=True)


def _written(trail: Trail) -> Json:
    looks = [
        [micros(look.at), *look.verdict, None if look.again is None else micros(look.again)]
        for look in trail.looks
    ]
    return [None if trail.width is None else trail.width // timedelta(seconds=1), looks]


def _trail(written: Json) -> Trail:
    width, looks = written
    return Trail(
        tuple(
            Look(from_micros(at), (outcome, cause), None if again is None else from_micros(again))
            for at, outcome, cause, again in looks
        ),
        None if width is None else timedelta(seconds=width),
    )
