"""CONTRACT sections 6 and 7: settings, standing endpoints, and the schedule in the served process."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract_events import erasure, event
from tests.served import Command, Served, serving

ENDPOINTS = (
    "/api/v1/lineage", "/api/v1/lineage/batch", "/api/v1/opa/logs", "/api/v1/consents", "/api/v1/erasures",
    "/api/v1/contracts", "/api/v1/purposes", "/api/v1/record-usage", "/log/checkpoint", "/log/vkey",
)  # fmt: skip
COLLECTED_WITHIN_SECONDS = 30
SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+]+')


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store with a deletion log that is read every second."""
    folder = tmp_path_factory.mktemp("deletions")
    (folder / "2026-03.jsonl").write_text(json.dumps(erasure("C-1", 10)) + "\n", encoding="utf-8")
    source = f'[[sources]]\nname = "deletions"\nkind = "deletion-log"\nschedule = "1s"\npath = "{folder}"\n'
    with serving(tmp_path_factory, source) as served:
        yield served


def test_health_and_readiness_need_no_token(store: Served) -> None:
    """/healthz and /readyz answer 200 on a store that can serve."""
    for path in ("/healthz", "/readyz"):
        assert store.http.get(path).status_code == 200


def test_metrics_are_prometheus_text_that_names_no_one(store: Served) -> None:
    """/metrics is the Prometheus text format, counts by route, and holds no name that was sent."""
    store.sent("/lineage", event("COMPLETE", "named-xyzzy", 1))
    store.http.get("/nowhere/named-xyzzy")
    answer = store.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert lines
    for line in lines:
        assert SAMPLE.fullmatch(line), line
    assert "xyzzy" not in answer.text


def test_the_interface_is_described_and_documented(store: Served) -> None:
    """/openapi.json describes every endpoint of the contract with its refusals, /docs shows it to a person."""
    document = store.http.get("/openapi.json").json()
    assert set(ENDPOINTS) <= set(document["paths"])
    for path in ENDPOINTS[:7]:
        assert {"401", "403", "422"} <= set(document["paths"][path]["post"]["responses"])
    page = store.http.get("/docs", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "html" in page.headers["content-type"]
    assert not re.search(r'(src|href)="(https?:)?//', page.text), "nothing is loaded from elsewhere"


def test_the_dashboard_is_at_the_root(store: Served) -> None:
    """The dashboard is at /, for who is signed in by a link that is good once."""
    link = store.command.ok(
        "sign-in-link", "auditor", "--person", "Ada", "--base-url", store.url
    ).splitlines()[-1]
    opened = store.http.get(link)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    page = store.http.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "Ada" in page.text
    store.http.cookies.clear()
    assert store.http.get(link).status_code == 401


def test_the_schedule_runs_in_the_served_process(store: Served) -> None:
    """``serve`` is web application, API and scheduler in one: a source is collected without being told to."""
    deadline = time.monotonic() + COLLECTED_WITHIN_SECONDS
    while "deletions" not in sources(store):
        assert time.monotonic() < deadline, "nothing was collected"
        time.sleep(0.5)


def sources(store: Served) -> set[str]:
    """The sources that entries of the log name so far."""
    return {store.get(f"/api/v1/evidence/{index}").json()["entry"]["source"] for index in range(store.size())}


# --- settings ------------------------------------------------------------------------------------


def test_the_home_is_a_setting_and_the_environment_wins(tmp_path: Path) -> None:
    """MUNIMENT_HOME is the store's folder, whatever muniment.toml says; nothing is made elsewhere."""
    command = Command(tmp_path, 'home = "from-file"\n', MUNIMENT_HOME=str(tmp_path / "deep" / "store"))
    command.ok("init")
    assert (tmp_path / "deep" / "store" / "log" / "checkpoint").is_file()
    assert {path.name for path in tmp_path.iterdir()} == {"deep", "muniment.toml"}


@pytest.mark.parametrize(
    ("configuration", "environment", "said"),
    [
        ('[[sources]]\nname = "x"\nkind = "aws-nothing"\n', {}, "aws-kms"),
        ("", {"MUNIMENT_KEY_SPACES__CUSTOMER__SECRET": "zz"}, "customer"),
    ],
)  # fmt: skip
def test_wrong_settings_are_one_sentence(
    tmp_path: Path, configuration: str, environment: dict[str, str], said: str
) -> None:
    """A setting that cannot be read is exit 2 with a sentence that names it, and nothing is made."""
    command = Command(tmp_path, configuration, **environment)
    assert said.lower() in command.refused("init").lower()
    assert not (tmp_path / "var").exists()
