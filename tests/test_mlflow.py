from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest

from collectors.mlflow.asking import HttpPatience
from collectors.mlflow.collect import MlflowCollector
from collectors.mlflow.read import READER
from compliance.facts import Received
from tests.collecting import Clock, Joined, Ran, facts_of, read, run
from tests.fault_proxy import Asked, Forward, Reply, fault_proxy
from tests.mlflow_server import PROGRAM, WHY_ABSENT, mlflow_server

KIND = "mlflow/1"
QUICK = HttpPatience(connect=2, read=5, attempts=2, pause=lambda _: None)
HASTY = replace(QUICK, read=0.3)
OPENLINEAGE = "01890b6e-7b1a-7cc1-8000-0123456789ab"
needs_server = pytest.mark.skipif(not PROGRAM.exists(), reason=WHY_ABSENT)
MODELS, VERSIONS = "registered-models/search", "model-versions/search"


def collector(url: str, token: str | None = None, patience: HttpPatience = QUICK) -> MlflowCollector:
    return MlflowCollector(url=url, token=token, clock=Clock(), patience=patience)


def versions(ran: Ran) -> dict[str, Joined]:
    return facts_of(read(READER, KIND, ran.responses), "model_version")


def records(ran: Ran) -> dict[str, dict[str, Any]]:
    found = [r for r in read(READER, KIND, ran.responses) if isinstance(r, Received)]
    return {f"{r.value['name']}/{r.value['version']}": dict(r.value) for r in found}


# --- against a real server ---------------------------------------------------------------------


@dataclass
class Registry:
    """A running server that is spoken to by its REST API."""

    url: str
    experiment: str = ""

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """What the server says to a call that must succeed."""
        answer = httpx.post(f"{self.url}/api/2.0/mlflow/{path}", json=body, timeout=30)
        assert answer.is_success, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def run(self, **tags: str) -> dict[str, Any]:
        """A new run with these tags (a double underscore stands for a dot)."""
        self.experiment = self.experiment or self.post("experiments/create", name="training")["experiment_id"]
        listed = [{"key": key.replace("__", "."), "value": value} for key, value in tags.items()]
        made: dict[str, Any] = self.post("runs/create", experiment_id=self.experiment, tags=listed)["run"][
            "info"
        ]
        return made

    def version(self, model: str, made_by: dict[str, Any] | None = None, **tags: str) -> str:
        """The number of a new version with these tags."""
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        where = (
            {"run_id": made_by["run_id"], "source": f"{made_by['artifact_uri']}/model"}
            if made_by
            else {"source": "s3://models/x"}
        )
        return str(
            self.post("model-versions/create", name=model, tags=listed, **where)["model_version"]["version"]
        )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as url:
        registry = Registry(url)
        registry.post("registered-models/create", name="churn", tags=[
            {"key": "purpose", "value": "retention"}, {"key": "owner", "value": "growth"},
            {"key": "approval", "value": "approved"},
        ])  # fmt: skip
        trained = registry.run(openlineage__run_id=OPENLINEAGE)
        registry.post("runs/log-inputs", run_id=trained["run_id"], datasets=[{"dataset": {
            "name": "shop.features", "digest": "d1", "source_type": "delta", "source": '{"delta_table_version": 3}',
        }}])  # fmt: skip
        registry.post("runs/update", run_id=trained["run_id"], status="FINISHED", end_time=1)
        registry.version(
            "churn", trained, approval="approved", approved_by="ada", requested_by="bob", risk_class="high"
        )
        registry.version("churn", purpose="testing")
        registry.post("registered-models/alias", name="churn", alias="champion", version="1")
        registry.post("registered-models/create", name="o'hara")
        registry.version("o'hara")
        registry.post("registered-models/create", name="unborn")
        yield registry


@pytest.mark.mlflow
@needs_server
def test_a_version_is_seen_whole(registry: Registry) -> None:
    """Approval, aliases, run and datasets of a version become a fact with every field seen."""
    ran = run(collector(registry.url))
    fact = versions(ran)["churn/1"]
    assert fact.unseen == {}
    run_id = fact.value["run_id"]
    created = fact.value.pop("created")
    assert created.endswith("Z")
    assert fact.value == {
        "name": "churn", "version": "1", "stage": None, "aliases": ["champion"], "approval": "approved",
        "approved_by": "ada", "requested_by": "bob", "purpose": "retention", "owner": "growth",
        "risk_class": "high", "run_id": run_id, "run_status": "FINISHED", "datasets": ["shop.features@d1"],
    }  # fmt: skip
    assert set(fact.value) | {"created"} == {field.name for field in READER.schemas[0].fields}


@pytest.mark.mlflow
@needs_server
def test_every_version_of_every_model_is_found(registry: Registry) -> None:
    """The listing is complete, with names that need quoting and models without a version."""
    ran = run(collector(registry.url))
    assert set(versions(ran)) == {"churn/1", "churn/2", "o'hara/1"}
    (coverage,) = ran.coverages
    assert (coverage.scope, coverage.facts, coverage.complete, coverage.got) == (
        "registry",
        ("model_version",),
        True,
        3,
    )
    assert (coverage.total_before, coverage.total_after) == (3, 3)


@pytest.mark.mlflow
@needs_server
def test_an_approval_of_the_model_approves_no_version(registry: Registry) -> None:
    """Approval stands on the version alone; purpose and owner come from the model where it has none."""
    second = versions(run(collector(registry.url)))["churn/2"]
    assert (second.value["approval"], second.value["approved_by"]) == (None, None)
    assert (second.value["purpose"], second.value["owner"]) == ("testing", "growth")
    assert (second.value["run_id"], second.value["run_status"], second.value["datasets"]) == (None, None, [])


@pytest.mark.mlflow
@needs_server
def test_a_version_is_tied_to_its_runs(registry: Registry) -> None:
    """The record names the registry's run and every OpenLineage run id of version or run, and the purpose."""
    ran = run(collector(registry.url))
    run_id = versions(ran)["churn/1"].value["run_id"]
    assert records(ran)["churn/1"] == {
        "name": "churn", "version": "1", "run_ids": sorted([run_id, OPENLINEAGE]), "purpose": "retention",
    }  # fmt: skip
    assert records(ran)["o'hara/1"] == {"name": "o'hara", "version": "1", "run_ids": []}


@pytest.mark.mlflow
@needs_server
def test_an_unchanged_registry_answers_the_same_bytes(registry: Registry) -> None:
    """Two runs over an unchanged registry get answers of equal fingerprints."""
    first, second = run(collector(registry.url)), run(collector(registry.url))
    assert [r.unchanged_as() for r in first.responses] == [r.unchanged_as() for r in second.responses]


@pytest.mark.mlflow
@needs_server
def test_pages_are_followed_to_the_last(registry: Registry) -> None:
    """However short the pages are, every version is found, and a page lies beside its model and runs."""

    def one_by_one(asked: Asked, forward: Forward) -> Reply:
        return forward(
            replace(asked, path=asked.path.replace("max_results=40", "max_results=1").replace("=100", "=1"))
        )

    with fault_proxy(registry.url) as proxy:
        proxy.when(MODELS, one_by_one)
        proxy.when(VERSIONS, one_by_one)
        ran = run(collector(proxy.url))
    assert set(versions(ran)) == {"churn/1", "churn/2", "o'hara/1"}
    assert ran.coverages[0].complete
    churn = [r for r in ran.of(VERSIONS) if "churn" in str(r.request["parameters"])]
    assert len({r.joined for r in churn}) == len(churn) == 2
    assert {r.joined for r in ran.of("registered-models/get")} == {r.joined for r in ran.of(VERSIONS)}


@pytest.mark.mlflow
@needs_server
def test_check_tells_what_may_be_read(registry: Registry) -> None:
    """Both listings are tried."""
    assert [(a.request, a.permitted) for a in collector(registry.url).check()] == [
        (f"mlflow:{MODELS}", True), (f"mlflow:{VERSIONS}", True),
    ]  # fmt: skip
