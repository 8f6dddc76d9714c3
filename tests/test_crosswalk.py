"""NIST's own crosswalk held against ours: what it relates meets in one control, or at least in one family."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.shipped import shipped

FILE = Path(__file__).parent / "crosswalks" / "nist-800-53-to-iso-27001.txt"


def related() -> Iterator[tuple[str, str]]:
    """Each pair of requirements that the crosswalk relates."""
    for line in FILE.read_text().splitlines():
        if not line.startswith("#"):
            source, _, targets = line.partition(": ")
            for target in targets.split():
                yield f"fedramp-moderate:{source}", f"iso27001-2022:{target}"


def meets(one: str, other: str) -> str | None:
    """Where two requirements meet: control, family or apart; None where one of them is unanswered."""
    left, right = shipped().controls_of(one), shipped().controls_of(other)
    if not left or not right:
        return None
    if {control.id for control in left} & {control.id for control in right}:
        return "control"
    shared = {control.family for control in left} & {control.family for control in right}
    return "family" if shared else "apart"


def test_the_crosswalk_speaks_of_requirements_that_exist() -> None:
    """Every id of the crosswalk is an assessable requirement of our lists."""
    known = shipped().requirements
    assert all(known[name].assessable for pair in related() for name in pair)
    assert sum(1 for _ in related()) > 400


def test_what_nist_relates_meets_in_a_control_or_a_family() -> None:
    """Of the pairs that are answered on both sides at least four of five meet, half of them in one control."""
    found = [place for pair in related() if (place := meets(*pair)) is not None]
    assert sum(place != "apart" for place in found) >= 0.8 * len(found)
    assert sum(place == "control" for place in found) >= 0.5 * len(found)


def test_meeting_is_not_bought_by_collapsing_controls() -> None:
    """No control answers more than two fifths of a framework."""
    library = shipped()
    for framework in library.frameworks.values():
        ids = {one.id for one in framework.assessable}
        for control in library.controls:
            assert len(ids & {*control.requirements}) <= max(12, 2 * len(ids) / 5), (control.id, framework.id)
