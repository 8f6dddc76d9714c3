"""Denying a source access turns exactly the checks over its facts to unknown, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from collectors.registry import READERS
from compliance.answers import Answers
from compliance.collecting import collect_once
from compliance.facts import FactSchema
from compliance.settings import Settings, SourceKind, SourceSettings
from compliance.store import Store
from tests.collecting import Clock
from tests.fault_proxy import Reply
from tests.kit import Subject, World
from tests.kit_files import FILE_SUBJECTS
from tests.kit_subjects import SUBJECTS

pytest_plugins = ["tests.aws_fixtures"]
FACTS = tuple(
    one for one in SUBJECTS if one.fact != "lineage" and one.name not in ("aws-cloudtrail", "aws-kms")
)
"""Sources whose population is of facts. What Marquez brings is judged by the findings about lineage."""
OTHER = next(one for one in FILE_SUBJECTS if one.name == "sarif")


SEEN = {"string": ('!= "never"', "x", "never"), "int": (">= 0", 1, -1)}
"""For each type of field: what any value of a source meets, an example that does, and one that does not."""


def library(folder: Path) -> Path:
    """A library with one check over each fact of the sources here, which every resource that is seen meets."""
    schemas: dict[str, FactSchema] = {
        schema.name: schema for reader in (*(one.reader for one in FACTS), OTHER.reader) for schema in reader.schemas
    }  # fmt: skip
    checks = []
    for number, schema in enumerate(schemas.values()):
        field = next(f for f in schema.fields if not f.optional and f.type in SEEN)
        expected, good, bad = SEEN[field.type]
        checks.append(f"""\
      - id: seen-{number}
        title: It is seen
        over: {schema.name}
        expect: fact.{field.name} {expected}
        severity: low
        why_it_fails: "never"
        fix: "nothing"
        examples:
          pass: [ {{{field.name}: {good}}} ]
          fail: [ {{{field.name}: {bad}}} ]
          unknown: [ {{{field.name}: {{unseen: incomplete}}}} ]
""")
    folder.mkdir()
    (folder / "seen.yaml").write_text(
        "family: seen\ntitle: Seen\ncontrols:\n  - id: SEE-01\n    title: Everything is seen\n    statement: It is.\n"
        "    rationale: Because.\n    owner: nobody\n    evidence_max_age: 24h\n    retention: 6y\n    checks:\n"
        + "".join(checks)
    )
    return folder


@pytest.fixture(params=FACTS, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each source in turn."""
    found: Subject = request.param
    return found


@pytest.fixture
def world(subject: Subject, request: pytest.FixtureRequest) -> Iterator[World]:
    """A source with a few resources in it."""
    with subject.open(request) as opened:
        yield opened


def unknown(store: Store) -> dict[str, set[str]]:
    """The checks with an unknown finding, and the reasons."""
    store.projections.catch_up()
    answers = Answers(store)
    found: dict[str, set[str]] = {}
    for one in answers.findings(answers.basis()):
        if one["outcome"] == "unknown":
            found.setdefault(one["check"], set()).add(f"{one['cause']}: {one['reason']}")
    return found


def over(store: Store, facts: set[str]) -> set[str]:
    """The checks over these facts."""
    answers = Answers(store)
    return {name for name, check in answers.library(answers.basis()).checks.items() if check.over in facts}


def test_denied_makes_unknown_what_depends_on_it(subject: Subject, world: World, tmp_path: Path) -> None:
    """Exactly the checks over what is denied turn unknown, cause incomplete, naming what was denied."""
    (tmp_path / "scans").mkdir()
    other, clock = OTHER.open(tmp_path / "scans"), Clock()
    settings = Settings(
        home=tmp_path / "store", controls=library(tmp_path / "controls"),
        sources=(
            SourceSettings(name="tested", kind=cast("SourceKind", subject.name), schedule="1d"),
            SourceSettings(name="other", kind="sarif", schedule="1d", path=other.path),
        ),
    )  # fmt: skip
    store = Store.create(settings, readers=READERS, derivations={}, clock=clock)
    try:
        for name, collector in (("other", other.collector()), ("tested", world.collector())):
            assert collect_once(
                collector, source=name, log=store.log, former=store.former_items, clock=clock
            ).complete
        before = unknown(store)
        world.proxy.when(subject.listing, Reply(403, b'{"message": "no"}'))
        denied = collect_once(
            world.collector(), source="tested", log=store.log, former=store.former_items, clock=clock
        )
        after = unknown(store)
        hidden = {fact for scope in denied.scopes if not scope.complete for fact in scope.facts}
        assert subject.fact in hidden
        assert set(after) - set(before) == over(store, hidden)
        for check in over(store, hidden):
            assert any(why.startswith("incomplete: ") and "denied (403)" in why for why in after[check])
    finally:
        store.close()
