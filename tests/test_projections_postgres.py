"""Projections in PostgreSQL: the same rows as in files, made anew beside the served ones, and refusals in a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import UniqueConstraint

from compliance.errors import StoreUnavailable
from compliance.generations import GenerationSchemas
from compliance.postgres import Postgres
from compliance.projections import Projections
from compliance.tables import PROJECTIONS
from tests.test_projections import (
    ANN,
    BOB,
    Bench,
    Pulled,
    Pushed,
    test_a_destroyed_data_key_is_told_of_its_source,
    test_a_difference_to_what_cannot_be_read_excludes_nobody,
    test_a_manifest_kept_as_a_difference_holds_what_its_base_holds,
    test_a_server_follows_a_rebuild_of_another_process,
    test_an_unreadable_entry_keeps_nothing_else_from_being_read,
    test_hostile_text_is_stored_and_told_apart,
    test_threads_read_while_another_process_rebuilds_again_and_again,
)

__all__ = [
    "test_a_destroyed_data_key_is_told_of_its_source",
    "test_a_difference_to_what_cannot_be_read_excludes_nobody",
    "test_a_manifest_kept_as_a_difference_holds_what_its_base_holds",
    "test_a_server_follows_a_rebuild_of_another_process",
    "test_an_unreadable_entry_keeps_nothing_else_from_being_read",
    "test_hostile_text_is_stored_and_told_apart",
    "test_threads_read_while_another_process_rebuilds_again_and_again",
]


class ServedBench(Bench):
    """A log whose projections lie in PostgreSQL."""

    def __init__(self, home: Path, url: str) -> None:
        self.url = url
        super().__init__(home)

    def others(self, program: str = "test/1") -> Projections:
        """What another process has of the same store."""
        return Projections(
            self.home, self.log, [Pulled(), Pushed()], program=program,
            generations=GenerationSchemas(Postgres.parse(self.url)),
        )  # fmt: skip

    def schemas(self) -> list[str]:
        """The schemas of generations that are there."""
        with psycopg.connect(self.url) as connection:
            found = connection.execute(
                "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'muniment%' ORDER BY 1"
            )
            return [name for (name,) in found]


@pytest.fixture
def bench(tmp_path: Path, postgres_url: str) -> Iterator[ServedBench]:
    """An empty store."""
    made = ServedBench(tmp_path / "store", postgres_url)
    yield made
    made.projections.close()
    made.log.close()


def fill(bench: Bench) -> None:
    """Something for every table."""
    bench.put("aws-kms/1", [["b", bench.hour(1)], ["A", bench.hour(1)], ["ä", bench.hour(2)]])
    bench.put("aws-kms/1", b"nonsense")
    bench.run(3, ["0/0-2"], expected=3)
    base = bench.put("members/1", {"name": "d1", "members": [BOB, ANN]}, "people")
    bench.put("members/1", {"name": "d2", "members": [], "base": str(base), "removed": [ANN]}, "people")
    bench.put("consents/1", [{"purpose": "a"}, {"purpose": "B"}], "people", sealed=True)


def rows_of(bench: Bench) -> dict[str, list[tuple[object, ...]]]:
    """Every row but the numbers that an engine gives."""
    return {
        name: sorted(bench.rows(name), key=repr)
        for name, table in PROJECTIONS.tables.items()
        if "id" not in table.columns and name != "progress"
    }


def test_both_engines_hold_the_same_rows(bench: ServedBench) -> None:
    """The same log gives the same rows in files and in PostgreSQL."""
    fill(bench)
    beside = Bench.__new__(Bench)
    beside.home, beside.now, beside.log = bench.home, bench.now, bench.log
    beside.projections = Bench.others(beside)
    assert rows_of(bench) == rows_of(beside)
    here, there = bench.facts(), beside.facts()
    assert here.received("consent") == there.received("consent")
    assert here.received("manifest") == there.received("manifest")
    assert list(here.facts("kms_key")) == list(there.facts("kms_key"))
    assert here.sources() == there.sources()
    beside.projections.close()


def test_a_rebuild_fills_a_schema_aside_and_swaps(bench: ServedBench) -> None:
    """The generation before stays for who still reads it; the one before that goes."""
    fill(bench)
    before = rows_of(bench)
    assert (bench.projections.rebuild(), bench.projections.generation) == (6, "g2")
    assert bench.schemas() == ["muniment_g1", "muniment_g2"]
    bench.projections.rebuild()
    assert (bench.schemas(), bench.projections.generation) == (["muniment_g2", "muniment_g3"], "g3")
    assert rows_of(bench) == before


def test_a_rebuild_goes_on_where_a_crash_left_it(bench: ServedBench) -> None:
    """What the same program left in the next generation is kept; what another left is made again."""
    fill(bench)
    bench.projections.catch_up()
    with psycopg.connect(bench.url) as connection:
        generations = GenerationSchemas(Postgres.parse(bench.url))
        generations.open("g2").dispose()
        connection.execute(
            "INSERT INTO muniment_g2.progress SELECT * FROM muniment_g1.progress;"
            "INSERT INTO muniment_g2.entry SELECT * FROM muniment_g1.entry WHERE log_index = 1"
        )
    bench.projections.rebuild()
    assert [row[0] for row in bench.rows("entry")] == [1], "it went on behind the last entry"
    with psycopg.connect(bench.url) as connection:
        generations.open("g3").dispose()
        connection.execute(
            "INSERT INTO muniment_g3.progress SELECT id, log_size, 'test/0', last_leaf FROM muniment_g1.progress"
        )
    bench.projections.rebuild()
    assert len(bench.rows("entry")) == 6
    generations.close()


def test_tables_of_another_form_are_made_again_in_postgresql(bench: ServedBench) -> None:
    """Tables that an earlier program made are replaced, not stumbled over."""
    fill(bench)
    bench.projections.catch_up()
    bench.projections.close()
    with psycopg.connect(bench.url) as connection:
        connection.execute("ALTER TABLE muniment_g1.entry RENAME COLUMN sealed TO closed")
        connection.execute("UPDATE projection_generation SET form = 1")
    assert len(bench.rows("entry")) == 6
    assert bench.projections.generation == "g2"


def test_two_processes_share_one_generation(bench: ServedBench) -> None:
    """Whoever reads an entry first reads it for all."""
    another = bench.others()
    for number in range(4):
        bench.put("aws-kms/1", [[f"k{number}", bench.hour(1)]])
        assert {bench.projections.catch_up(), another.catch_up()} == {number + 1}
    assert [len(bench.rows(name)) for name in ("entry", "fragment")] == [4, 4]
    another.close()


def test_a_server_that_is_gone_is_told_without_its_password(bench: ServedBench) -> None:
    """A refusal names host and database, and neither user nor password."""
    bench.projections.catch_up()
    away = bench.url.replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(StoreUnavailable) as raised:
        GenerationSchemas(Postgres.parse(away)).named()
    assert "127.0.0.2" in raised.value.message
    assert str(Postgres.parse(bench.url).url.password) not in raised.value.message


def test_the_membership_table_can_be_distributed_by_the_pseudonym() -> None:
    """What Citus asks of a distributed table: each unique key holds the distribution key, and no other table refers to it."""
    member = PROJECTIONS.tables["member"]
    assert "pseudonym" in member.primary_key.columns
    assert [one for one in member.constraints if isinstance(one, UniqueConstraint)] == []
    assert [key for table in PROJECTIONS.tables.values() for key in table.foreign_keys] == []
