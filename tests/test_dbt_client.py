"""Lineage as real dbt sends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.lineage.accept import datasets
from collectors.lineage.read import READER
from compliance.facts import Received
from tests.web_world import World, served, web_world

ROOT = Path(__file__).resolve().parents[1]
DBT_OL = ROOT / ".venvs" / "dbt" / "bin" / "dbt-ol"
PROJECT = Path(__file__).with_name("dbt_project")

pytestmark = [
    pytest.mark.dbt,
    pytest.mark.skipif(not DBT_OL.exists(), reason="no dbt: uv makes .venvs/dbt from locks/dbt.txt"),
]


def run_dbt(folder: Path, url: str, token: str, command: str) -> str:
    """Run dbt-ol once, as a pipeline would, and return what it printed."""
    environment = {
        "PATH": f"{DBT_OL.parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(folder),
        "SHOP_DATABASE": str(folder / "shop.duckdb"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "OPENLINEAGE_URL": url, "OPENLINEAGE_API_KEY": token, "OPENLINEAGE_NAMESPACE": "shop-pipelines",
    }  # fmt: skip
    done = subprocess.run(
        [DBT_OL, command, "--project-dir", folder / "project", "--profiles-dir", folder / "project"],
        env=environment, cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The project seeded and run by real dbt, its lineage sent to a served store."""
    folder = tmp_path_factory.mktemp("dbt")
    shutil.copytree(PROJECT, folder / "project")
    with web_world(folder / "store") as world:
        token = world.token("ingest:lineage")
        with served(world.app) as url:
            for command in ("seed", "run"):
                printed = run_dbt(folder, url, token, command)
                assert "Emitted" in printed, printed
        yield world


def test_what_dbt_ol_sends_is_taken(built: World) -> None:
    """Every event of a real dbt run is taken, read back, and names the models and what they read."""
    events = [r.value for r in built.readings(READER, "lineage/1") if isinstance(r, Received)]
    assert {event["eventType"] for event in events} == {"START", "COMPLETE"}
    outputs = {output["name"] for event in events for output in event.get("outputs", [])}
    assert outputs == {"shop.main.valued", "shop.main.by_country"}
    named = {dataset[1] for event in events for dataset in datasets(event)}
    assert "shop.main.customers" in named, "a seed is named by column lineage alone"


def test_literals_of_dbt_models_are_masked(built: World) -> None:
    """A key in the SQL of a dbt model, in a literal or in a comment, is in no stored byte."""
    assert b"alice@shop.example" not in built.everything()
    bodies = [body for _, _, body in built.evidence("lineage/1")]
    queries = [json.loads(body)["job"]["facets"]["sql"]["query"] for body in bodies if b'"sql"' in body]
    assert any("email <> ? and spent > ?" in query for query in queries), queries
