"""Collects the model registry of one MLflow server: models, their versions, the runs that made them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from collectors.coverage import Tally
from collectors.mlflow.asking import PATIENT, SCOPE, Answer, HttpPatience, MlflowAsker
from collectors.mlflow.problems import members
from compliance.canonical import Json
from compliance.errors import InputRefused, SourceFailed
from compliance.evidence import Access, CollectorName, Coverage, Response

FACTS = ("model_version",)
MODELS = "registered-models/search"
VERSIONS = "model-versions/search"
MODELS_PAGE = 100
VERSIONS_PAGE = 40
"""With their model and one run each, the versions of a page fit one entry side by side."""
PAGES_AT_MOST = 10_000


class MlflowCollector:
    """The model registry of an MLflow server. Its one scope is the registry."""

    kind = "mlflow/1"
    name = CollectorName("mlflow", "1")

    def __init__(
        self, *, url: str, clock: Callable[[], datetime], token: str | None = None,
        patience: HttpPatience = PATIENT,
    ) -> None:  # fmt: skip
        self._made = partial(MlflowAsker, url, token, clock, patience)

    def collect(self) -> Iterator[Response | Coverage]:
        """Everything once. Raises InputRefused for an address that may not be asked."""
        asker = self._made()
        try:
            yield from _Run(asker, Tally(SCOPE, FACTS)).answers()
        finally:
            asker.close()

    def check(self) -> Sequence[Access]:
        """Ask for one model and one version."""
        asker = self._made()
        try:
            answers = [asker.ask(operation, {"max_results": 1}) for operation in (MODELS, VERSIONS)]
        except SourceFailed as error:
            return [Access(f"mlflow:{MODELS}", permitted=False, detail=error.message, facts=FACTS)]
        finally:
            asker.close()
        return [
            Access(
                a.action,
                a.problem is None,
                a.problem.phrase(a.action) if a.problem else "",
                FACTS if a.problem else (),
            )
            for a in answers
        ]


class _Run:
    """One run over the registry.

    1. Walk the registered models.
    2. Of each model, ask for the model itself (its tags and aliases), walk its versions, and ask for
       the run of each version. A page of versions is joined with its model and its runs.
    3. Walk the registered models again: the control total. One that came or went meanwhile makes the
       run incomplete.
    """

    def __init__(self, asker: MlflowAsker, tally: Tally) -> None:
        self._asker = asker
        self._tally = tally

    def answers(self) -> Iterator[Response | Coverage]:
        before: set[str] = set()
        after: set[str] = set()
        try:
            yield from self._models(before, "")  # 1
            self._tally.total_before = len(before)
            for name in sorted(before):  # 2
                yield from self._model(name)
            yield from self._models(after, "after")  # 3
            self._tally.total_after = len(after)
        except SourceFailed as error:
            self._tally.truncated = True
            self._tally.gap(error.message)
        if self._tally.total_after is not None and before != after:
            self._tally.gap(
                f"{len(before)} models were registered before and {len(after)}, not all the same, after"
            )
        yield self._tally.coverage()

    def _models(self, names: set[str], moment: str) -> Iterator[Response]:
        for answer in self._pages(MODELS, {"max_results": MODELS_PAGE}, moment=moment):
            yield answer.response
            names |= {str(model["name"]) for model in self._members(answer, "registered_models", "name")}

    def _model(self, name: str) -> Iterator[Response]:
        """Pages of versions, each joined with the model and with the runs of its versions."""
        quoted = quoted_name(name)
        if quoted is None:
            self._tally.gap(
                f"the versions of the model {name} cannot be asked for: its name holds both quotes"
            )
            return
        asked = {"filter": f"name={quoted}", "max_results": VERSIONS_PAGE}
        for number, page in enumerate(self._pages(VERSIONS, asked)):
            joined = f"{name}\n{number}"
            yield replace(page.response, joined=joined)
            yield from self._one("registered-models/get", {"name": name}, joined)
            versions = self._members(page, "model_versions", "version")
            self._tally.got += len(versions)
            for run_id in sorted({str(version["run_id"]) for version in versions if version.get("run_id")}):
                yield from self._one("runs/get", {"run_id": run_id}, joined)

    def _one(self, operation: str, parameters: dict[str, Json], joined: str) -> Iterator[Response]:
        answer = self._asker.ask(operation, parameters, joined=joined)
        yield answer.response
        if answer.problem:
            self._tally.miss(answer.action, answer.problem, whole=False)

    def _members(self, answer: Answer, name: str, needed: str) -> list[dict[str, Json]]:
        try:
            found = members(answer.said, name)
        except InputRefused as error:
            self._tally.gap(f"{answer.action}: {error.message}")
            return []
        if any(needed not in member for member in found):
            self._tally.gap(f"{answer.action}: a member of {name} has no {needed}")
        return [member for member in found if needed in member]

    def _pages(self, operation: str, parameters: dict[str, Json], **about: str) -> Iterator[Answer]:
        token, seen = "", set[str]()
        while len(seen) < PAGES_AT_MOST:
            answer = self._asker.ask(
                operation, parameters | ({"page_token": token} if token else {}), **about
            )
            self._tally.pages += 1
            yield answer
            if answer.problem:
                self._tally.miss(answer.action, answer.problem, whole=True)
                self._tally.truncated = True
                return
            token = str(answer.said.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
        self._tally.truncated = True
        self._tally.gap(f"mlflow:{operation} never came to a last page")


def quoted_name(name: str) -> str | None:
    """A model's name as MLflow's filters take it, or None for one that has both kinds of quote."""
    if "'" not in name:
        return f"'{name}'"
    return None if '"' in name else f'"{name}"'
