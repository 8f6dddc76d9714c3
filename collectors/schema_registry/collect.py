"""Collects a Confluent-compatible schema registry: each subject's latest schema and its compatibility."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from urllib.parse import quote

from collectors.coverage import Tally
from collectors.reconciling import Step, reconciled
from collectors.rest.asking import PATIENT, Answer, Api, Patience, RestAsker
from collectors.rest.pages import accesses, accounted
from compliance.canonical import Json
from compliance.evidence import Access, CollectorName, Coverage, Response

SCOPE = "schemas"
FACTS = ("schema_subject",)


class SchemaRegistryCollector:
    """One schema registry. Its one scope is the registry."""

    kind = "schema-registry/1"
    name = CollectorName("schema-registry", "1")

    def __init__(
        self,
        *,
        url: str,
        clock: Callable[[], datetime],
        token: str | None = None,
        patience: Patience = PATIENT,
    ) -> None:
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        self._api = Api("schema-registry", url, token, headers=headers, patience=patience)
        self._clock = clock

    def collect(self) -> Iterator[Response | Coverage]:
        """Every subject once. Raises InputRefused for an address that may not be asked."""
        asker = RestAsker(self._api, self._clock)
        tally = Tally(SCOPE, FACTS)
        try:
            yield from accounted(tally, _Run(asker, tally).answers())
        finally:
            asker.close()

    def check(self) -> Sequence[Access]:
        """Ask for the subjects and for the registry's own compatibility."""
        asker = RestAsker(self._api, self._clock)
        try:
            return accesses(
                [
                    (lambda: asker.ask("subjects", "subjects", scope=SCOPE), FACTS),
                    (lambda: asker.ask("config", "config", scope=SCOPE), ("schema_subject.compatibility",)),
                ],
                "schema-registry:subjects",
                FACTS,
            )
        finally:
            asker.close()


class _Run:
    """One run over the registry.

    1. List the subjects.
    2. Of each ask for its versions, the latest of them, and its compatibility: its own, else the registry's.
    3. List them again: the control total. Where it moved, go back to 1, at most three times.
    """

    def __init__(self, asker: RestAsker, tally: Tally) -> None:
        self._asker = asker
        self._tally = tally
        self._asked: set[str] = set()

    def answers(self) -> Iterator[Response]:
        yield from reconciled(self._tally, "subjects", self._everything, self._subjects)

    def _everything(self, moment: str) -> Step[set[str]]:
        subjects = yield from self._subjects(moment)  # 1
        for subject in sorted((subjects or set()) - self._asked):  # 2
            yield from self._subject(subject)
            self._asked.add(subject)
            self._tally.got += 1
        return subjects

    def _subjects(self, moment: str) -> Step[set[str]]:
        answer = self._asker.ask("subjects", "subjects", scope=SCOPE, moment=moment)
        self._tally.pages += 1
        yield answer.response
        if answer.problem:
            self._tally.miss(answer.action, answer.problem, whole=True)
            return None
        if not isinstance(answer.said, list) or not all(isinstance(one, str) for one in answer.said):
            self._tally.gap(f"{answer.action} gave no list of names")
            return None
        return set(answer.said)

    def _subject(self, subject: str) -> Iterator[Response]:
        path = quote(subject, safe="")
        yield from self._one("versions", f"subjects/{path}/versions", subject)
        yield from self._one("latest", f"subjects/{path}/versions/latest", subject)
        own = yield from self._one("own-config", f"config/{path}", subject)
        if own.problem:
            yield from self._one("config", f"config/{path}", subject, {"defaultToGlobal": "true"})

    def _one(
        self, operation: str, path: str, subject: str, parameters: dict[str, Json] | None = None
    ) -> Generator[Response, None, Answer]:
        answer = self._asker.ask(operation, path, parameters, scope=SCOPE, resource=subject, joined=subject)
        yield answer.response
        if answer.problem and not (operation == "own-config" and answer.problem.kind == "absent"):
            self._tally.miss(answer.action, answer.problem, whole=False)
        return answer
