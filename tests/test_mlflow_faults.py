from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from collectors.mlflow.asking import HttpPatience
from collectors.mlflow.collect import MlflowCollector, quoted_name
from collectors.mlflow.read import READER
from compliance.errors import InputRefused
from compliance.evidence import Response
from compliance.facts import Received, Unseen
from tests.collecting import NOON, Clock, Joined, Ran, facts_of, read, run
from tests.fault_proxy import FaultProxy, Reply, fault_proxy
from tests.mlflow_server import PROGRAM, WHY_ABSENT

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


# --- against a server that fails ---------------------------------------------------------------

MODEL = {"name": "churn", "tags": [{"key": "owner", "value": "growth"}]}
VERSION = {"name": "churn", "version": "1", "creation_timestamp": 1795470000446, "run_id": "r1"}
RUN = {"info": {"run_id": "r1", "status": "FINISHED"}, "data": {}, "inputs": {}}


def said(value: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    """A registry of one model with one version, that a test may disturb. Nothing is behind it."""
    with fault_proxy("http://127.0.0.1:9") as made:
        yield made


def undisturbed(proxy: FaultProxy) -> None:
    """The answers behind those that a test has put first."""
    proxy.when(MODELS, said({"registered_models": [MODEL]}))
    proxy.when("registered-models/get", said({"registered_model": MODEL}))
    proxy.when(VERSIONS, said({"model_versions": [VERSION]}))
    proxy.when("runs/get", said({"run": RUN}))


def test_an_empty_registry_is_known_to_be_empty(proxy: FaultProxy) -> None:
    """MLflow leaves empty lists out of its answers: an empty object is an empty registry."""
    proxy.when(MODELS, said({}))
    (coverage,) = run(collector(proxy.url)).coverages
    assert (coverage.complete, coverage.got) == (True, 0)


@pytest.mark.parametrize("status", [401, 403])
def test_denied_is_never_empty(proxy: FaultProxy, status: int) -> None:
    """A refused listing is evidence, and leaves the registry not seen whole."""
    proxy.when(MODELS, said({"error_code": "PERMISSION_DENIED"}, status))
    ran = run(collector(proxy.url))
    (coverage,) = ran.coverages
    assert not coverage.complete
    assert coverage.denied == (f"mlflow:{MODELS} denied ({status}), 2 times",)
    assert b"PERMISSION_DENIED" in ran.responses[0].body


def test_denied_versions_leave_the_registry_incomplete(proxy: FaultProxy) -> None:
    """A model whose versions may not be listed is no model without versions."""
    proxy.when(VERSIONS, said({}, 403))
    undisturbed(proxy)
    (coverage,) = run(collector(proxy.url)).coverages
    assert not coverage.complete
    assert f"mlflow:{VERSIONS} denied (403)" in coverage.denied


def test_a_denied_run_hides_what_it_would_have_shown(proxy: FaultProxy) -> None:
    """Without its run a version is known; what it was trained on is unseen, with the cause."""
    proxy.when("runs/get", said({}, 403))
    undisturbed(proxy)
    ran = run(collector(proxy.url))
    fact = versions(ran)["churn/1"]
    why = Unseen("incomplete", "mlflow:runs/get denied (403)")
    assert (fact.unseen["datasets"], fact.unseen["run_status"]) == (why, why)
    assert fact.value["owner"] == "growth"
    assert ran.coverages[0].complete
    assert ran.coverages[0].denied == ("mlflow:runs/get denied (403)",)


def test_a_denied_model_hides_only_what_its_version_does_not_say(proxy: FaultProxy) -> None:
    """A tag of the version is seen; one that only the model might have is unseen, and so are aliases."""
    own = VERSION | {"tags": [{"key": "purpose", "value": "retention"}]}
    proxy.when("registered-models/get", said({}, 403))
    proxy.when(VERSIONS, said({"model_versions": [own]}))
    undisturbed(proxy)
    fact = versions(run(collector(proxy.url)))["churn/1"]
    assert fact.value["purpose"] == "retention"
    assert {"owner", "risk_class", "aliases"} == set(fact.unseen)


def test_throttling_that_passes_leaves_no_trace(proxy: FaultProxy) -> None:
    """A request that is throttled once is sent again."""
    proxy.when(MODELS, Reply(429), times=1)
    undisturbed(proxy)
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.complete
    assert coverage.throttled == ()


def test_throttling_for_good_ends_as_throttled(proxy: FaultProxy) -> None:
    """After few attempts the run goes on without the answer and says so."""
    proxy.when("runs/get", Reply(429))
    undisturbed(proxy)
    ran = run(collector(proxy.url))
    assert ran.coverages[0].throttled == ("mlflow:runs/get throttled (429)",)
    assert len([a for a in proxy.asked if "runs/get" in a.path]) == QUICK.attempts
    assert versions(ran)["churn/1"].unseen["datasets"].why == "mlflow:runs/get throttled (429)"


def test_a_time_out_is_an_answer_that_never_came(proxy: FaultProxy) -> None:
    """A server that does not answer leaves evidence of status 0 and an incomplete registry."""
    proxy.when(MODELS, Reply(0))
    ran = run(collector(proxy.url, patience=HASTY))
    assert (ran.responses[0].status, ran.responses[0].body) == (0, b"")
    assert not ran.coverages[0].complete
    assert "gave no answer" in ran.coverages[0].detail


def test_a_server_that_is_not_there_is_not_empty() -> None:
    """Nothing listens: the registry was not seen."""
    (coverage,) = run(collector("http://127.0.0.1:9")).coverages
    assert not coverage.complete


def test_a_server_that_stops_answering_is_given_up(proxy: FaultProxy) -> None:
    """After five lost answers in a row the rest is not asked for."""
    many = [VERSION | {"version": str(n), "run_id": f"r{n}"} for n in range(20)]
    proxy.when("runs/get", Reply(500))
    proxy.when(VERSIONS, said({"model_versions": many}))
    undisturbed(proxy)
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.truncated
    assert "the rest was not asked for" in coverage.detail
    assert len([a for a in proxy.asked if "runs/get" in a.path]) == 5


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<html>sign in</html>",
        b'{"registered_models": 5}',
        b'{"registered_models": [{}]}',
        b'{"a": NaN}',
    ],
)
def test_a_malformed_answer_is_not_an_empty_one(proxy: FaultProxy, body: bytes) -> None:
    """What cannot be read as a listing makes the run incomplete, and is kept as received."""
    proxy.when(MODELS, Reply(200, body))
    ran = run(collector(proxy.url))
    assert ran.responses[0].body == body
    assert not ran.coverages[0].complete


def test_a_token_that_comes_twice_ends_the_listing(proxy: FaultProxy) -> None:
    """A listing that never comes to an end is truncated."""
    proxy.when(MODELS, said({"registered_models": [], "next_page_token": "again"}))
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.truncated
    assert "never came to a last page" in coverage.detail


def test_a_model_that_comes_meanwhile_makes_the_run_incomplete(proxy: FaultProxy) -> None:
    """The models are listed again at the end; where the two differ, the registry was not seen whole."""
    proxy.when(MODELS, said({"registered_models": [MODEL]}), times=1)
    proxy.when(MODELS, said({"registered_models": [MODEL, {"name": "new"}]}))
    undisturbed(proxy)
    (coverage,) = run(collector(proxy.url)).coverages
    assert not coverage.complete
    assert (coverage.total_before, coverage.total_after) == (1, 2)


# --- the token ---------------------------------------------------------------------------------


def test_the_token_goes_to_the_configured_server(proxy: FaultProxy) -> None:
    """It is sent as a bearer, and stands in no evidence."""
    undisturbed(proxy)
    ran = run(collector(proxy.url, token="s3cret-token"))
    assert {asked.headers["authorization"] for asked in proxy.asked} == {"Bearer s3cret-token"}
    assert "s3cret-token" not in repr(ran)
    assert {r.caller for r in ran.responses} == {"bearer token"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_elsewhere_ends_the_run_with_the_token_unsent(proxy: FaultProxy, status: int) -> None:
    """Another host is not asked, let alone with the token; the run ends as incomplete."""
    with fault_proxy("http://127.0.0.1:9") as elsewhere:
        elsewhere.when("", said({"registered_models": []}))
        proxy.when(MODELS, Reply(status, b"", {"Location": f"{elsewhere.url}/api/2.0/mlflow/{MODELS}"}))
        ran = run(collector(proxy.url, token="s3cret-token"))
        assert elsewhere.asked == []
    (coverage,) = ran.coverages
    assert not coverage.complete
    assert f"was sent to another place ({status}), which is not followed" in coverage.detail
    assert len(proxy.asked) == 1


def test_a_next_link_elsewhere_ends_the_run_with_the_token_unsent(proxy: FaultProxy) -> None:
    """A page whose next link leads to another host is not followed; the run ends as incomplete."""
    with fault_proxy("http://127.0.0.1:9") as elsewhere:
        link = {"Link": f'<{elsewhere.url}/page/2>; rel="next"'}
        proxy.when(MODELS, Reply(200, b"{}", link))
        (coverage,) = run(collector(proxy.url, token="s3cret-token")).coverages
        assert elsewhere.asked == []
    assert not coverage.complete
    assert len(proxy.asked) == 1


def test_a_page_token_that_is_an_address_is_only_a_parameter(proxy: FaultProxy) -> None:
    """What an answer holds is never taken for an address to ask."""
    proxy.when(MODELS, said({"registered_models": [], "next_page_token": "http://127.0.0.1:1/x"}), times=1)
    proxy.when(MODELS, said({}))
    (coverage,) = run(collector(proxy.url)).coverages
    assert coverage.complete
    assert "page_token=http%3A%2F%2F127.0.0.1%3A1%2Fx" in proxy.asked[1].path


@pytest.mark.parametrize(
    "url", ["ftp://host", "host:5000", "http://", "http://user:pass@host", "http://[::1"]
)
def test_an_address_that_may_not_be_asked_is_refused(url: str) -> None:
    """Only http and https with a host, and no password in the address."""
    with pytest.raises(InputRefused) as refusal:
        run(collector(url))
    assert "pass@" not in refusal.value.message


# --- by itself ---------------------------------------------------------------------------------


def test_a_run_that_is_not_beside_its_version_leaves_it_unseen() -> None:
    """A reader that has the page alone does not guess what the model and the run say."""
    body = json.dumps({"model_versions": [VERSION]}).encode()
    request = {"service": "mlflow", "operation": VERSIONS, "parameters": {}}
    fact = facts_of(
        read(READER, KIND, [Response("registry", request, 200, body, "c", NOON)]), "model_version"
    )["churn/1"]
    assert {"datasets", "run_status", "owner", "purpose", "aliases"} <= set(fact.unseen)
    assert fact.value["created"] == "2026-11-23T21:40:00.446000Z"


@pytest.mark.parametrize(
    ("broken", "hidden"),
    [
        ({"creation_timestamp": "soon"}, "created"),
        ({"creation_timestamp": 10**30}, "created"),
        ({}, "created"),
    ],
)
def test_a_field_in_no_readable_form_is_unseen(
    proxy: FaultProxy, broken: dict[str, Any], hidden: str
) -> None:
    """A value of another form never becomes a value."""
    bare = {key: value for key, value in VERSION.items() if key != "creation_timestamp"}
    proxy.when(VERSIONS, said({"model_versions": [bare | broken]}))
    undisturbed(proxy)
    assert versions(run(collector(proxy.url)))["churn/1"].unseen[hidden].cause == "unreadable"


@pytest.mark.parametrize(
    ("name", "quoted"), [("churn", "'churn'"), ("o'hara", '"o\'hara"'), ("a'b\"c", None)]
)
def test_a_name_is_quoted_as_the_filter_takes_it(name: str, quoted: str | None) -> None:
    """A name with both quotes cannot be asked for, and is not asked for wrongly."""
    assert quoted_name(name) == quoted
