"""The sample organisation: Meridian Bank, thirty simulated days, with faults in them for the dashboard to show.

Its evidence arrives as a real one's does: collectors read a stand-in of AWS and a model registry over HTTP, pipelines
post to the endpoints with tokens of their own. Only the clock is simulated while it is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Protocol

from fastapi import FastAPI

from compliance.answers import Answers
from compliance.errors import InputRefused
from compliance.settings import Settings
from compliance.store import Store


class Served(Protocol):
    """A store with its application and schedule."""

    app: FastAPI
    answers: Answers

    def run(self, host: str, port: int) -> None:
        """Serve until interrupted. Raises StoreUnavailable for a taken address."""
        ...


@dataclass(frozen=True)
class Program:
    """What the composition root puts together, and the sample is built with, as a real store is."""

    create_store: Callable[[Settings], Store]
    collect: Callable[[Store, str], object]
    """Run the collector of one source by its name."""
    serve: Callable[[Store], Served]


class Sample(Protocol):
    """A built sample organisation, with the systems that its collectors read."""

    home: Path
    """The folder of its store."""
    store: Store
    served: Served

    def welcome(self, base_url: str) -> str:
        """What a person reads before it is served: a sign-in link for each role, and what to try."""
        ...

    def serve(self, host: str, port: int) -> None:
        """Serve it, collectors included, until interrupted. Raises StoreUnavailable for a taken address."""
        ...

    def close(self) -> None:
        """Let go of the store and stop the systems around it."""
        ...


def build_sample(home: Path, *, started_at: datetime, program: Program) -> Sample:
    """Build the sample organisation in a folder, as it stands at ``started_at``, in place of an older one there.

    Raises InputRefused where the folder holds something else, or the extra ``sample`` is not installed.
    """
    try:
        building = import_module("compliance.sample.building")
    except ModuleNotFoundError as error:
        message = (
            f"The sample organisation needs {error.name}; install it with `pip install 'muniment[sample]'`."
        )
        raise InputRefused(message) from error
    sample: Sample = building.build(home, started_at=started_at, program=program)
    return sample
