"""What tests of AWS sources need running: moto, and a proxy before it. Named in their pytest_plugins."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fault_proxy import FaultProxy, fault_proxy
from tests.moto_server import moto_server, reset, use_credentials


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A running moto; what is in it is whatever the last test left."""
    with moto_server() as url:
        yield url


@pytest.fixture
def moto(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A moto in which there is nothing, and credentials for it."""
    use_credentials(monkeypatch)
    reset(moto_url)
    return moto_url


@pytest.fixture
def moto_proxy(moto: str) -> Iterator[FaultProxy]:
    """A proxy before that moto."""
    with fault_proxy(moto) as made:
        yield made
