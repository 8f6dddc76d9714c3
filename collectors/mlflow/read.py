"""Reads entries of MLflow collections: versions with their model and run beside them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from collectors.items import SeenItem, items_of
from collectors.mlflow.problems import content, members, problem_of
from collectors.mlflow.schemas import VERSION
from compliance.canonical import Json, format_time
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading, Received, Unseen

PART = "version"
OPENLINEAGE_RUN = "openlineage.run_id"
OWN_TAGS = ("approval", "approved_by", "requested_by")
"""Tags that speak of one version: an approval of the model approves none of its versions."""
SHARED_TAGS = ("purpose", "owner", "risk_class")
"""Tags that a version has from its model where it has none of its own."""
NO_STAGE = "None"


class MlflowReader:
    """Reads ``mlflow/1``."""

    kinds: tuple[str, ...] = ("mlflow/1",)
    schemas: tuple[FactSchema, ...] = (VERSION,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each version, and a record that ties it to the runs that made it."""
        beside = _Beside()
        pages: list[SeenItem] = []
        for seen in items_of(opened):
            match seen.operation:
                case "registered-models/get":
                    beside.models[str(seen.parameters.get("name"))] = seen
                case "runs/get":
                    beside.runs[str(seen.parameters.get("run_id"))] = seen
                case "model-versions/search":
                    pages.append(seen)
                case _:
                    pass
        for page in pages:
            yield from _page(opened.entry.source, page, beside)


READER = MlflowReader()


@dataclass
class _Beside:
    """The answers in the same entry about models and runs."""

    models: dict[str, SeenItem] = field(default_factory=dict)
    runs: dict[str, SeenItem] = field(default_factory=dict)

    def model(self, name: str) -> Mapping[str, Json] | Unseen:
        return _said(self.models.get(name), "registered_model", "its model")

    def run(self, run_id: str) -> Mapping[str, Json] | Unseen:
        return _said(self.runs.get(run_id), "run", "its run")


def _said(seen: SeenItem | None, name: str, what: str) -> Mapping[str, Json] | Unseen:
    if seen is None:
        return Unseen("incomplete", f"{what} is not beside it in the evidence")
    problem = problem_of(seen.item.status, seen.body)
    if problem:
        return problem.unseen(seen.action)
    value = content(seen.body).get(name)
    return value if isinstance(value, dict) else Unseen("unreadable", f"{seen.action} states no {name}")


def _page(source: str, page: SeenItem, beside: _Beside) -> Iterator[Reading]:
    if problem_of(page.item.status, page.body):
        return
    try:
        versions = members(content(page.body), "model_versions")
    except InputRefused as error:
        yield Defect(page.evidence, f"unreadable: {page.action}: {error.message}")
        return
    for said in versions:
        if isinstance(said.get("name"), str) and isinstance(said.get("version"), str):
            version = _Version(said, beside)
            yield _fragment(page, version)
            yield Received("model_version", source, version.record(), page.instant, page.evidence)
        else:
            yield Defect(page.evidence, f"unreadable: a version in {page.action} has no name or number")


def _fragment(page: SeenItem, version: _Version) -> Fragment:
    value: dict[str, Json] = {}
    unseen: dict[str, Unseen] = {}
    for name, reading in version.fields().items():
        try:
            found = reading()
        except (InputRefused, AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            found = Unseen(
                "unreadable", f"{page.action} states {name} in a form that cannot be read: {error}"
            )
        if isinstance(found, Unseen):
            unseen[name] = found
        else:
            value[name] = found
    return Fragment(
        "model_version", f"{version.name}/{version.number}", page.item.scope, PART, value, page.instant,
        page.evidence, unseen,
    )  # fmt: skip


class _Version:
    """One version with its model and its run."""

    def __init__(self, said: Mapping[str, Json], beside: _Beside) -> None:
        self.name: str = said["name"]
        self.number: str = said["version"]
        self._said = said
        self._model = beside.model(self.name)
        self._run_id: str | None = said.get("run_id") or None
        self._run = beside.run(self._run_id) if self._run_id else None

    def fields(self) -> Mapping[str, Callable[[], Json | Unseen]]:
        """How each field of the fact is read."""
        return {
            "name": lambda: self.name,
            "version": lambda: self.number,
            "created": lambda: _milliseconds(self._said["creation_timestamp"]),
            "stage": lambda: (
                None if (s := self._said.get("current_stage")) in (None, "", NO_STAGE) else str(s)
            ),
            "aliases": self._aliases,
            "run_id": lambda: self._run_id,
            "run_status": self._run_status,
            "datasets": self._datasets,
            **{tag: partial(_tag, self._said, tag) for tag in OWN_TAGS},
            **{tag: partial(self._shared, tag) for tag in SHARED_TAGS},
        }

    def record(self) -> dict[str, Json]:
        """What ties the version to runs, in the form that record usage is computed from."""
        runs = {self._run_id} | set(_all_of(self._said, OPENLINEAGE_RUN))
        if isinstance(self._run, Mapping):
            runs |= set(_all_of(self._run.get("data", {}), OPENLINEAGE_RUN))
        value: dict[str, Json] = {
            "name": self.name, "version": self.number, "run_ids": sorted(run for run in runs if run),
        }  # fmt: skip
        purpose = self._shared("purpose")
        return value if purpose is None or isinstance(purpose, Unseen) else {**value, "purpose": purpose}

    def _shared(self, tag: str) -> Json | Unseen:
        own = _tag(self._said, tag)
        if own is not None:
            return own
        return self._model if isinstance(self._model, Unseen) else _tag(self._model, tag)

    def _aliases(self) -> Json | Unseen:
        if isinstance(self._model, Unseen):
            return self._model
        aliases = members(dict(self._model), "aliases")
        return sorted(str(alias["alias"]) for alias in aliases if str(alias["version"]) == self.number)

    def _run_status(self) -> Json | Unseen:
        if self._run is None or isinstance(self._run, Unseen):
            return self._run
        return str(self._run["info"]["status"])

    def _datasets(self) -> Json | Unseen:
        if self._run is None:
            return []
        if isinstance(self._run, Unseen):
            return self._run
        logged = members(self._run.get("inputs", {}), "dataset_inputs")
        return sorted({f"{one['dataset']['name']}@{one['dataset']['digest']}" for one in logged})


def _all_of(said: Mapping[str, Json], key: str) -> list[str]:
    tags = said.get("tags", []) if isinstance(said, Mapping) else []
    return [
        str(tag["value"])
        for tag in (tags if isinstance(tags, list) else [])
        if isinstance(tag, dict) and tag.get("key") == key and tag.get("value")
    ]


def _tag(said: Mapping[str, Json], key: str) -> str | None:
    """A tag's value; None where it has none, or an empty one, which says nothing."""
    return next(iter(_all_of(said, key)), None)


def _milliseconds(number: Json) -> str:
    """MLflow states times as milliseconds since 1970."""
    return format_time(datetime.fromtimestamp(int(number) / 1000, UTC))
