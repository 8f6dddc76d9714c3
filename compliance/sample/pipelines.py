"""The bank's pipelines, told day by day: card fraud from raw to model, marketing likewise, and the assistant's index."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.canonical import Json, format_time
from compliance.sample import datasets as data
from compliance.sample import people
from compliance.sample.clock import Story
from compliance.sample.datasets import Dataset
from compliance.sample.people import WITHDRAWN

PRODUCER = "https://airflow.meridian-bank.example"
SCHEMA = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACET = "https://openlineage.io/spec/facets/1-0-0/Facet.json"
CARDS, MARKETING, ASSISTANT = "airflow-cards", "airflow-marketing", "assistant"
"""Namespaces of jobs."""

FEATURE_VIEWS = (data.FRAUD_FEATURES, data.CHURN_FEATURES)
"""Datasets whose columns are features: the jobs that write them tag them so."""
FILTER_MISSES = (17, 18)
"""Days on which the consent filter lets the withdrawn record through."""
RESTORE, BACKUP = 16, 9
"""The day of the restore, and the day of the backup that it brings back."""
EXTRACTS_FROM = 21
FAILS_ON = 18
CHURN_TRAINED = 14


@dataclass(frozen=True)
class Copy:
    """One version of a dataset."""

    dataset: Dataset
    version: str | None
    """None where the job names none."""


@dataclass(frozen=True)
class Run:
    """A run of a job, from its start to its end."""

    namespace: str
    job: str
    started: datetime
    reads: tuple[Copy, ...]
    writes: tuple[Copy, ...] = ()
    purpose: str | None = None
    model: str | None = None
    outcome: str = "COMPLETE"
    minutes: int = 30
    """Chains follow on the half hour: fewer instants at which something changes make histories quicker to draw."""

    @property
    def id(self) -> str:
        """Its id: the same in every build that starts at the same instant."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.namespace}/{self.job}/{format_time(self.started)}"))

    def events(self) -> list[dict[str, Json]]:
        """Its two OpenLineage events."""
        ended = self.started + timedelta(minutes=self.minutes)
        return [self._event("START", self.started), self._event(self.outcome, ended)]

    def _event(self, state: str, at: datetime) -> dict[str, Json]:
        tags = {"purpose": self.purpose, "model": self.model}
        stated = [{"key": key, "value": value, "source": "AIRFLOW"} for key, value in tags.items() if value]
        return {
            "eventType": state, "eventTime": format_time(at), "producer": PRODUCER, "schemaURL": SCHEMA,
            "run": {"runId": self.id, "facets": _facets(tags={"tags": stated}) if stated else {}},
            "job": {"namespace": self.namespace, "name": self.job, "facets": {}},
            "inputs": [_stated(copy, {}) for copy in self.reads],
            "outputs": [_stated(copy, _written(copy.dataset, self.reads)) for copy in self.writes],
        }  # fmt: skip


def _facets(**facets: dict[str, Json]) -> dict[str, Json]:
    return {name: {"_producer": PRODUCER, "_schemaURL": FACET, **facet} for name, facet in facets.items()}


def _dataset_tags(dataset: data.Dataset) -> list[Json]:
    """Where no contract says whose records it holds, tags do; feature views say that they are one."""
    held = () if dataset.purposes else dataset.key_spaces
    tags: list[Json] = [{"key": "key_space", "value": one} for one in held]
    if dataset in FEATURE_VIEWS:
        tags.append({"key": "kind", "value": "feature-view"})
    return tags


def _stated(copy: Copy, facets: dict[str, dict[str, Json]]) -> dict[str, Json]:
    stated = dict(facets)
    if copy.version is not None:
        stated["version"] = {"datasetVersion": copy.version}
    if tags := _dataset_tags(copy.dataset):
        stated["tags"] = {"tags": tags}
    return {**copy.dataset.identity, "facets": _facets(**stated)}


def _written(dataset: Dataset, reads: Sequence[Copy]) -> dict[str, dict[str, Json]]:
    """What a job says of a dataset that it replaces: its columns, and which they were made from."""
    read = {copy.dataset.name for copy in reads}
    columns = {
        column: {"inputFields": [_source(source, field) for source, field in sources if source.name in read]}
        for column, sources in dataset.derived.items()
    }
    return {
        "schema": {"fields": [{"name": name, "type": "string"} for name in dataset.columns]},
        "lifecycleStateChange": {"lifecycleStateChange": "OVERWRITE"},
        "columnLineage": {"fields": columns},
    }


def _source(dataset: Dataset, field: str) -> dict[str, Json]:
    direct = {"type": "DIRECT", "subtype": "TRANSFORMATION", "description": "", "masking": False}
    return {**dataset.identity, "field": field, "transformations": [direct]}


@dataclass(frozen=True)
class Manifest:
    """Whose data one version of a dataset holds: customers, or their cards."""

    copy: Copy
    key_space: str
    keys: tuple[str, ...]


def manifests(copy: Copy, customers: Sequence[str]) -> list[Manifest]:
    """The manifest of a version in each key space that its dataset holds."""
    keys = {"customer": tuple(customers), data.CARD: tuple(people.card_of(one) for one in customers)}
    return [Manifest(copy, key_space, keys[key_space]) for key_space in copy.dataset.key_spaces]


@dataclass(frozen=True)
class Work:
    """What a pipeline did in a day: its runs, and the manifests of what it wrote."""

    runs: tuple[Run, ...]
    manifests: tuple[Manifest, ...]


def cards(story: Story, day: int, champion: str, trains: bool) -> Work:
    """Card payments from the core system to features and scores; on some days a new fraud model."""
    date = story.date(day)
    chain = [
        Copy(one, date)
        for one in (
            data.CORE_PAYMENTS,
            data.RAW_PAYMENTS,
            data.PAYMENTS,
            data.FRAUD_FEATURES,
            data.FRAUD_SCORES,
        )
    ]
    core, raw, clean, features, scores = chain
    steps = [
        Run(CARDS, "cards.ingest", story.at(day, 2), (core,), (raw,), data.SERVICING),
        Run(CARDS, "cards.clean", story.at(day, 2.5), (raw,), (clean,), data.SERVICING),
        Run(CARDS, "cards.fraud_features", story.at(day, 3), (clean,), (features,), data.FRAUD),
        Run(CARDS, "cards.fraud_score", story.at(day, 3.5), (features,), (scores,), data.FRAUD, f"fraud-detector@{champion}"),
    ]  # fmt: skip
    if trains:
        steps.append(Run(CARDS, "cards.train_fraud_detector", story.at(day, 4), (features,), (), data.FRAUD))
    members = people.paying(day)
    return Work(tuple(steps), tuple(one for copy in chain for one in manifests(copy, members)))


def marketing(story: Story, day: int, champion: str, trains: bool) -> Work:
    """Contacts to profiles, features and an audience, for those who consent; on some days a new churn model."""
    date = story.date(day)
    contacts, profiles = Copy(data.CONTACTS, date), Copy(data.PROFILES, date)
    features, audience = Copy(data.CHURN_FEATURES, date), Copy(data.AUDIENCE, date)
    members = people.consenting(day) + ([WITHDRAWN] if day in FILTER_MISSES else [])
    steps = [Run(MARKETING, "marketing.profiles", story.at(day, 2), (contacts,), (profiles,), data.RELATIONS)]
    told = [*manifests(contacts, people.customers(day)), *manifests(profiles, members)]
    if day == RESTORE:
        backup, profiles = Copy(data.CONTACTS, story.date(BACKUP)), Copy(data.PROFILES, f"{date}-restore")
        members = people.consenting(BACKUP)
        steps.append(
            Run(MARKETING, "marketing.restore", story.at(day, 2.5), (backup,), (profiles,), data.RELATIONS)
        )
        told += manifests(profiles, members)
    steps += [
        Run(MARKETING, "marketing.churn_features", story.at(day, 3), (profiles,), (features,), data.MARKETING),
        Run(MARKETING, "marketing.audience", story.at(day, 3.5), (features,), (audience,), data.MARKETING,
            f"churn-propensity@{champion}"),
    ]  # fmt: skip
    told += [*manifests(features, members), *manifests(audience, members)]
    return Work((*steps, *_extras(story, day, features, trains)), tuple(told))


def _extras(story: Story, day: int, features: Copy, trains: bool) -> list[Run]:
    """What runs beside the daily chain: trainings, an export that fails, and a notebook that says no purpose."""
    found = []
    if trains:
        reads = (
            (features, Copy(data.FRAUD_FEATURES, story.date(day))) if day == CHURN_TRAINED else (features,)
        )
        found.append(
            Run(
                MARKETING,
                "marketing.train_churn_propensity",
                story.at(day, 5),
                reads,
                (),
                data.MARKETING,
                minutes=35,
            )
        )
    if day == FAILS_ON:
        target = (Copy(data.AUDIENCE, None),)
        found.append(
            Run(
                MARKETING,
                "marketing.partner_export",
                story.at(day, 4),
                (features,),
                target,
                data.MARKETING,
                outcome="FAIL",
            )
        )
    if day >= EXTRACTS_FROM:
        extract = (Copy(data.EXTRACT, story.date(day)),)
        found.append(Run(MARKETING, "notebooks.campaign_extract", story.at(day, 4), (features,), extract))
    return found


def assistant(story: Story, day: int, trains: bool) -> Work:
    """The index of the support assistant, made of tickets."""
    tickets, passages = Copy(data.TICKETS, story.date(day)), Copy(data.PASSAGES, story.date(day))
    members = people.asking(day)
    steps = [Run(ASSISTANT, "assistant.index", story.at(day, 2), (tickets,), (passages,), data.SUPPORT)]
    if trains:
        steps.append(
            Run(ASSISTANT, "assistant.tune_ranker", story.at(day, 2.5), (passages,), (), data.SUPPORT)
        )
    return Work(tuple(steps), (*manifests(tickets, members), *manifests(passages, members)))


def bureau(story: Story, day: int) -> Work:
    """The card bureau runs no job of the bank's; it states daily whose cards it holds."""
    return Work((), tuple(manifests(Copy(data.PRINTED, story.date(day)), people.customers(day))))
