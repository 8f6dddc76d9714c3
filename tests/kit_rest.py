"""Worlds of services with a JSON API for the kit: stand-ins that faults are put before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from collectors.github.collect import GithubCollector
from collectors.gitlab.collect import GitlabCollector
from collectors.marquez.collect import MarquezCollector
from collectors.oci_registry.collect import OciCollector
from collectors.rest.asking import Patience
from collectors.schema_registry.collect import SchemaRegistryCollector
from collectors.scim.collect import ScimCollector
from compliance.evidence import Collector
from tests.collecting import NOON, Clock
from tests.fault_proxy import StandIn, served
from tests.kit import World
from tests.stand_ins import github, gitlab, marquez, oci, schema_registry, scim
from tests.stand_ins.answering import TOKEN, Api

QUICK = Patience(connect=2, read=1.5, attempts=2, pause=lambda _: None)
Opened = Callable[[pytest.FixtureRequest], AbstractContextManager[World]]
Sources = Callable[[str], Collector]


def rest(
    api: Callable[[], Any], made: Sources, add: Callable[[Any, int], str], clear: Callable[[Any], None]
) -> Opened:
    """How to open a world of one service: five resources, made by ``add``, which returns what identifies them."""

    @contextmanager
    def opening(_request: pytest.FixtureRequest) -> Iterator[World]:
        service, numbers, there = api(), count(1), set[str]()
        answering: Api = service
        with served(StandIn(answering)) as proxy:
            if hasattr(service, "base"):
                service.base = proxy.url

            def one_more() -> None:
                there.add(add(service, next(numbers)))

            def nothing() -> None:
                there.clear()
                clear(service)

            for _ in range(5):
                one_more()
            yield World(proxy, lambda: made(proxy.url), lambda: set(there), one_more, nothing)

    return opening


def _scim(url: str) -> Collector:
    return ScimCollector(url=url, token=TOKEN, clock=Clock(), patience=QUICK)


def _add_user(provider: scim.ScimProvider, number: int) -> str:
    provider.users.append(scim.user(f"u{number}"))
    return f"id-u{number}"


SCIM = rest(scim.ScimProvider, _scim, _add_user, lambda provider: provider.users.clear())


def _github(url: str) -> Collector:
    return GithubCollector(
        url=url,
        token=TOKEN,
        repositories=(github.NAME,),
        clock=Clock(NOON + timedelta(days=1)),
        patience=QUICK,
    )


def _add_pull(api: github.GithubApi, number: int) -> str:
    api.pulls.append(github.pull(number))
    return f"{github.NAME}#{number}"


GITHUB = rest(github.GithubApi, _github, _add_pull, lambda api: api.pulls.clear())


def _gitlab(url: str) -> Collector:
    return GitlabCollector(
        url=url,
        token=TOKEN,
        repositories=(gitlab.NAME,),
        clock=Clock(NOON + timedelta(days=1)),
        patience=QUICK,
    )


def _add_request(api: gitlab.GitlabApi, number: int) -> str:
    api.requests.append(gitlab.merge_request(number))
    return f"{gitlab.NAME}#{number}"


GITLAB = rest(gitlab.GitlabApi, _gitlab, _add_request, lambda api: api.requests.clear())


def _registry(url: str) -> Collector:
    return SchemaRegistryCollector(url=url, token=TOKEN, clock=Clock(), patience=QUICK)


def _add_subject(registry: schema_registry.SchemaRegistry, number: int) -> str:
    registry.add(f"orders-{number}/value")
    return f"orders-{number}/value"


SCHEMAS = rest(
    schema_registry.SchemaRegistry, _registry, _add_subject, lambda registry: registry.subjects.clear()
)


def _marquez(url: str) -> Collector:
    return MarquezCollector(url=url, token=TOKEN, clock=Clock(), patience=QUICK)


def _add_event(service: marquez.Marquez, number: int) -> str:
    service.events.append(marquez.event(number))
    return str(service.events[-1]["run"]["runId"])


MARQUEZ = rest(marquez.Marquez, _marquez, _add_event, lambda service: service.events.clear())


def _oci(url: str) -> Collector:
    return OciCollector(url=url, token=TOKEN, repositories=(oci.NAME,), clock=Clock(), patience=QUICK)


def _add_image(registry: oci.OciRegistry, number: int) -> str:
    registry.tags[f"v{number:03}"] = oci.manifest(f"r{number}")
    return f"{oci.NAME}@{oci.digest(registry.tags[f'v{number:03}'])}"


OCI = rest(oci.OciRegistry, _oci, _add_image, lambda registry: registry.tags.clear())
