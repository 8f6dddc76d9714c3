"""The OpenLineage Python client, unchanged, against the served application."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.facet_v2 import sql_job, tags_run
from openlineage.client.transport.http import ApiKeyTokenProvider, HttpCompression, HttpConfig, HttpTransport

from collectors.lineage.read import READER
from compliance.facts import Defect, Received
from tests.web_world import World, served, web_world

TIME = "2026-11-01T10:00:00.123456+01:00"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with web_world(tmp_path / "store") as made:
        yield made


def client(url: str, token: str, compression: HttpCompression | None = None) -> OpenLineageClient:
    config = HttpConfig(
        url=url, auth=ApiKeyTokenProvider({"apiKey": token}), compression=compression, retry={"total": 0}
    )
    return OpenLineageClient(transport=HttpTransport(config))


def run_event() -> RunEvent:
    job = Job(
        "jobs",
        "nightly",
        {"sql": sql_job.SQLJobFacet(query="select * from t where email = 'alice@shop.example'")},
    )
    tags = tags_run.TagsRunFacet(tags=[tags_run.TagsRunFacetFields("purpose", "scoring", "USER")])
    run = Run(str(uuid.uuid4()), {"tags": tags})
    return RunEvent(
        eventType=RunState.COMPLETE, eventTime=TIME, run=run, job=job,
        inputs=[InputDataset("lake", "raw")], outputs=[OutputDataset("lake", "clean")],
    )  # fmt: skip


@pytest.mark.parametrize("compression", [None, HttpCompression.GZIP])
def test_the_client_works_unchanged(world: World, compression: HttpCompression | None) -> None:
    """Run, job and dataset events of the real client are taken without a defect, plain and gzip."""
    token = world.token("ingest:lineage")
    with served(world.app) as url:
        sender = client(url, token, compression)
        sender.emit(run_event())
        sender.emit(
            JobEvent(eventTime=TIME, job=Job("jobs", "nightly"), inputs=[InputDataset("lake", "raw")])
        )
        sender.emit(DatasetEvent(eventTime=TIME, dataset=StaticDataset("lake", "raw")))
        sender.close()
    readings = world.readings(READER, "lineage/1")
    assert [r for r in readings if isinstance(r, Defect)] == []
    assert [sorted(r.value)[:2] for r in readings if isinstance(r, Received)] == [
        ["eventTime", "eventType"], ["eventTime", "inputs"], ["dataset", "eventTime"],
    ]  # fmt: skip
    assert b"alice@shop.example" not in world.everything()


def test_the_client_is_told_of_a_wrong_token(world: World) -> None:
    """A token that is not known is refused, and the client raises."""
    with served(world.app) as url:
        sender = client(url, "mnm_unknown")
        with pytest.raises(requests.HTTPError, match="401"):
            sender.emit(run_event())
        sender.close()
