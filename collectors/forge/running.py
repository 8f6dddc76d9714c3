"""One run over one repository of a code forge: what guards it, and what was merged to it of late."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import timedelta
from typing import Protocol

from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from compliance.evidence import Response

FACTS = ("change", "repository")
WINDOW = timedelta(days=90)
"""Changes that were merged so long ago are no longer asked for."""


class Forge(Protocol):
    """What a run asks of one repository."""

    def repository(self) -> Generator[Response, None, str | None]:
        """The repository and what guards its default branch, whose name is returned; None if it is not known."""
        ...

    def merged(self, branch: str, moment: str) -> Step[set[int]]:
        """The numbers of the changes that were merged to the branch within the window."""
        ...

    def change(self, number: int) -> Iterator[Response]:
        """One change with its reviews and checks."""
        ...


def answers(forge: Forge, tally: Tally) -> Iterator[Response]:
    """Everything of one repository.

    1. Ask for the repository and what guards its default branch.
    2. List the changes merged to that branch within the window.
    3. Of each ask for reviews and checks.
    4. List them again: the control total. Where it moved, go back to 2, at most three times.
    """
    branch = yield from forge.repository()  # 1
    if branch is None:
        return
    asked: set[int] = set()

    def everything(moment: str) -> Step[set[int]]:
        found = yield from forge.merged(branch, moment)  # 2
        for number in sorted((found or set()) - asked):  # 3
            yield from forge.change(number)
            asked.add(number)
        tally.got = len(asked)
        return found

    yield from reconciled(tally, "changes", everything, lambda moment: forge.merged(branch, moment))  # 4
