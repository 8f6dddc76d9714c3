"""Membership coded as intervals: exactly what a list of members for each manifest would say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection

from compliance.membership import Stated, add, forget, manifests_of, manifests_of_each, members_of
from compliance.tables import PROJECTIONS

PEOPLE = [bytes([number]) * 16 for number in range(6)]
EVERYTHING = 1 << 40


@contextmanager
def tables() -> Iterator[Connection]:
    """Empty projections in memory."""
    engine = create_engine("sqlite://")
    PROJECTIONS.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def stated(index: int, base: int | None, then: frozenset[bytes], now: frozenset[bytes]) -> Stated:
    """A manifest as the difference to another."""
    return Stated(index, base, sorted(now - then), sorted(then - now))


Step = tuple[str, int, frozenset[bytes]]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("newest", "newest", "newest", "older", "whole", "forget")), st.integers(0, 30),
        st.frozensets(st.sampled_from(PEOPLE)),
    ),
    max_size=14,
)  # fmt: skip


@settings(deadline=None)
@given(STEPS)
def test_as_lists_would_say(steps: list[Step]) -> None:
    """Whole manifests, differences to the newest or to an older one, people who come back, and what is forgotten."""
    held: dict[int, frozenset[bytes]] = {}
    based: dict[int, int | None] = {}
    with tables() as connection:
        for position, (kind, choice, members) in enumerate(steps):
            index = 10 * position
            if kind == "forget" and held:
                gone = with_dependents(sorted(held)[choice % len(held)], based)
                forget(connection, gone)
                for one in gone:
                    held.pop(one, None)
                continue
            base = None if kind in ("whole", "forget") or not held else base_of(kind, choice, held)
            assert add(
                connection,
                stated(
                    index,
                    base,
                    held.get(base or 0, frozenset()) if base is not None else frozenset(),
                    members,
                ),
            )
            held[index], based[index] = members, base
        check(connection, held)


def base_of(kind: str, choice: int, held: dict[int, frozenset[bytes]]) -> int:
    """The manifest that another is kept as the difference to."""
    ordered = sorted(held)
    return ordered[-1] if kind == "newest" else ordered[choice % len(ordered)]


def with_dependents(index: int, based: dict[int, int | None]) -> list[int]:
    """A manifest and all that are differences to it."""
    gone = [index]
    for one, base in sorted(based.items()):
        if base in gone:
            gone.append(one)
    return gone


def check(connection: Connection, held: dict[int, frozenset[bytes]]) -> None:
    """Every question gets the answer that plain lists give."""
    for index, members in held.items():
        assert members_of(connection, index) == sorted(members)
    for person in PEOPLE:
        expected = sorted(index for index, members in held.items() if person in members)
        assert manifests_of(connection, person, EVERYTHING) == expected
        for size in (0, 15, 40):
            assert manifests_of(connection, person, size) == [index for index in expected if index < size]
    each = manifests_of_each(connection, PEOPLE, EVERYTHING)
    assert each == {p: found for p in PEOPLE if (found := manifests_of(connection, p, EVERYTHING))}


def test_who_stays_costs_one_row() -> None:
    """A hundred manifests that hold the same people are one row a person, whatever comes and goes beside them."""
    with tables() as connection:
        then = frozenset(PEOPLE[:4])
        assert add(connection, stated(0, None, frozenset(), then))
        for day in range(1, 100):
            now = frozenset(PEOPLE[:4]) | ({PEOPLE[5]} if day % 2 else frozenset())
            assert add(connection, stated(day, day - 1, then, now))
            then = now
        counted = connection.execute(text("SELECT pseudonym, count(*) FROM member GROUP BY pseudonym"))
        rows = {bytes(person): count for person, count in counted}
        assert {rows[person] for person in PEOPLE[:4]} == {1}
        assert rows[PEOPLE[5]] == 50
        assert len(manifests_of(connection, PEOPLE[0], EVERYTHING)) == 100


def test_a_base_that_is_not_held() -> None:
    """A difference to what is not held says nothing of who is in it: nothing is taken in."""
    with tables() as connection:
        assert not add(connection, Stated(7, 3, [PEOPLE[0]]))
        assert members_of(connection, 7) == []
        assert manifests_of(connection, PEOPLE[0], EVERYTHING) == []


@pytest.mark.parametrize("people", [0, 1, 1201])
def test_many_at_once(people: int) -> None:
    """Any number of people are asked for at once."""
    asked = [number.to_bytes(16, "big") for number in range(people)]
    with tables() as connection:
        assert add(connection, Stated(1, None, asked))
        assert manifests_of_each(connection, asked, EVERYTHING) == {one: [1] for one in asked}
