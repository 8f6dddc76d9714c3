"""Trails kept in files: they change no answer, and are not believed where the log or the rows are others."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.answers import Answers
from compliance.assessment import Look, Trail
from compliance.assessment.trails import Walk
from compliance.trailfile import Kept, TrailFiles
from tests.tiny import BEGIN, DAY, TinyStore, tiny_store

INSTANTS = st.integers(0, 10**9).map(lambda number: BEGIN + timedelta(microseconds=number))
LOOKS = st.builds(
    Look, INSTANTS, st.tuples(st.sampled_from(["pass", "fail"]), st.sampled_from([None, "stale"])), st.none() | INSTANTS
)  # fmt: skip
TRAILS = st.builds(
    Trail, st.lists(LOOKS, max_size=4).map(tuple), st.sampled_from([None, timedelta(minutes=1), timedelta(days=7)])
)  # fmt: skip


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[TinyStore]:
    """Some days with a fault in them."""
    with tiny_store(tmp_path) as made:
        made.contract_of("other")
        for day in range(1, 9):
            made.now = BEGIN + day * DAY
            made.run_of(f"people{day % 3}", day)
            if day % 3 == 0:
                made.contract_of(f"people{day % 2}")
        yield made


def looks_at(tiny: TinyStore) -> tuple[object, int]:
    """The time lines as a process worked them out that knows nothing yet, and at how many instants it had to look."""
    fresh = Answers(tiny.store)
    with (
        mock.patch("compliance.answers.FEW", 0),
        mock.patch.object(Walk, "look", autospec=True, side_effect=Walk.look) as look,
    ):
        return fresh.timelines(fresh.basis(at=tiny.now)), look.call_count


@given(st.dictionaries(st.text("ab", min_size=1, max_size=3), TRAILS, max_size=3))
def test_trails_are_read_as_they_were_written(trails: dict[str, Trail]) -> None:
    """Every look, to the microsecond, and the width."""
    with mock.patch.object(Path, "mkdir"), mock.patch.object(TrailFiles, "_sweep"):
        held: dict[str, bytes] = {}
        with (
            mock.patch.object(Path, "write_bytes", autospec=True, side_effect=lambda _, body: held.update(x=body)),
            mock.patch.object(Path, "replace"),
            mock.patch.object(Path, "read_bytes", side_effect=lambda: held["x"]),
        ):  # fmt: skip
            files = TrailFiles(Path("nowhere"))
            files.write(["key"], Kept(7, "ab", trails))
            assert files.read(["key"]) == Kept(7, "ab", trails)


def test_a_later_process_goes_on_where_another_ended(tiny: TinyStore) -> None:
    """The second one answers the same and looks at next to nothing again."""
    first, many = looks_at(tiny)
    second, few = looks_at(tiny)
    assert first == second
    assert many > few + 5
    assert few <= 2


def test_what_came_since_is_worked_out(tiny: TinyStore) -> None:
    """A longer log is answered as by who worked it all out anew."""
    looks_at(tiny)
    tiny.now += DAY
    tiny.run_of("late", 99)
    found, _ = looks_at(tiny)
    for path in (tiny.store.settings.home / "projections").glob("trails-*"):
        path.unlink()
    assert found == looks_at(tiny)[0]


@pytest.mark.parametrize("body", [b"", b"{}", b"\x1f\x8b\x08\x00nonsense"])
def test_a_file_that_cannot_be_read_is_as_none(tiny: TinyStore, body: bytes) -> None:
    """Cut short, of another form, or no file of ours: all is worked out again."""
    first, many = looks_at(tiny)
    [path] = (tiny.store.settings.home / "projections").glob("trails-*")
    path.write_bytes(body)
    assert looks_at(tiny) == (first, many)


def test_trails_of_another_log_are_not_believed(tiny: TinyStore) -> None:
    """A file that was worked out at a root which the log does not have is as none."""
    first, many = looks_at(tiny)
    with mock.patch.object(
        TrailFiles, "read", return_value=Kept(1, "00" * 32, {"dataset-has-contract": Trail()})
    ):
        assert looks_at(tiny) == (first, many)
