"""Collects registry dumps of Feast (``feast registry-dump``): one JSON file for each project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from collectors.coverage import Tally
from collectors.feast.dump import VIEWS, dump_of
from collectors.fields import members
from collectors.filing import asked, every, names_of, reachable
from collectors.places import Folder
from compliance.errors import InputRefused
from compliance.evidence import Access, CollectorName, Coverage, Response

SCOPE = "registry"
FACTS = ("feature_service", "feature_view")
SUFFIXES = frozenset({".json"})


class FeastCollector:
    """A file or folder of registry dumps. Its one scope is the registry."""

    kind = "feast/1"
    name = CollectorName("feast", "1")

    def __init__(self, *, registry: Path, clock: Callable[[], datetime]) -> None:
        self._files = Folder(registry, SUFFIXES)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every dump once. One that cannot be read makes the run incomplete."""
        tally = Tally(SCOPE, FACTS)
        names = names_of(self._files, tally)
        if names == []:
            tally.gap("there is no registry dump, such as features.json")
        for name, body in every(self._files, names or (), tally):
            try:
                said = dump_of(body)
                tally.got += sum(len(members(said.get(kind), kind)) for kind in (*VIEWS, "featureServices"))
            except InputRefused as error:
                tally.gap(f"{name}: {error.message.rstrip('.')}")
                continue
            yield Response(
                scope=SCOPE, request=asked(self._files, name), status=200, body=body, caller=self._files.caller,
                received_at=self._clock(),
            )  # fmt: skip
        yield tally.coverage()

    def check(self) -> Sequence[Access]:
        """List the files, and open the first."""
        return reachable(self._files, FACTS)
