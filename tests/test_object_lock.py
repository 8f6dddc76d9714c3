"""The rules of S3 Object Lock, on our folder store and on two stand-ins; where those lie is stated, not skipped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from compliance.objects import PayloadFolder
from tests.localstack_server import PROGRAM, WHY_ABSENT, localstack_server
from tests.moto_server import client, moto_server
from tests.worm import RULES, BucketWorm, FolderWorm, Worm, allowed

DEVIATES = {
    ("moto", "bytes must be those of their digest"): "it does not compute the digest",
    ("moto", "a date is not moved earlier"): "it takes any date",
    ("moto", "a date is not taken away"): "it takes an empty retention",
    ("moto", "a mode is not weakened"): "it takes any mode",
    ("moto", "a date in the past is refused"): "it takes any date",
    ("moto", "a mode needs a date"): "it takes a mode alone",
    ("moto", "what is written in parts is locked alike"): "it forgets the lock of what is written in parts",
    ("moto", "versioning cannot be stopped"): "it suspends versioning whatever rests on it",
    ("localstack", "a mode is not weakened"): "it takes the weaker mode if the date is later",
    ("localstack", "a date in the past is refused"): "it takes any date",
    ("localstack", "a mode needs a date"): "it takes a mode alone",
    ("localstack", "a lock needs a bucket with Object Lock"): "it takes the lock and forgets it",
}
"""Where a stand-in is not like S3. What is here must be so: a stand-in that learnt is taken off the list."""


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The URL of each stand-in that can be started."""
    with moto_server() as moto:
        if not PROGRAM.exists():
            yield {"moto": moto}
            return
        with localstack_server(tmp_path_factory.mktemp("localstack")) as localstack:
            yield {"moto": moto, "localstack": localstack}


@pytest.fixture(params=["folder", "moto", "localstack"])
def worm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """A store of that kind that keeps one payload, and its name."""
    name = str(request.param)
    if name == "folder":
        yield name, FolderWorm(PayloadFolder(tmp_path / "payloads"))
        return
    urls = request.getfixturevalue("endpoints")
    if name not in urls:
        pytest.skip(WHY_ABSENT)
    with client("s3", urls[name]) as s3:
        yield name, BucketWorm(s3, f"b{uuid4().hex[:12]}")


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_of_object_lock(worm: tuple[str, Any], rule: str) -> None:
    """Each attempt is refused or allowed as S3 does it, but where the table says otherwise; what was kept is there."""
    name, store = worm
    right, attempt = RULES[rule]
    if rule in store.NOT_THERE:
        with pytest.raises(NotImplementedError):
            attempt(store)
        return
    assert allowed(store, attempt) is (right if (name, rule) not in DEVIATES else not right)
    assert store.there()


def test_no_rule_is_forgotten() -> None:
    """Whatever can be tried on a store is tried by a rule, and every deviation is from a rule."""
    assert {rule for _, rule in DEVIATES} <= set(RULES)
    assert set(RULES) >= FolderWorm.NOT_THERE
    tried = {name for name in vars(Worm) if not name.startswith("_")} - {"there"}
    named = {name for _, attempt in RULES.values() for name in attempt.__code__.co_names}
    assert tried <= named | {"hold"}
