"""What every source over HTTP must do, whatever it is. ``tests/kit_subjects.py`` lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from compliance.collecting import CollectionOutcome, collect_once, former_items
from compliance.evidence import Coverage
from compliance.facts import Received
from compliance.log import EvidenceLog
from tests.collecting import Clock, Ran, facts_of, read, run
from tests.fault_proxy import Asked, FaultProxy, Forward, Reply, StandIn, served
from tests.kit import HUGE, Subject, World
from tests.kit_subjects import SUBJECTS

pytest_plugins = ["tests.aws_fixtures"]
BROKEN = (b"", b"{", b"<html/>")


LATER_PAGE = re.compile(r"[?&](page=|last=|startIndex=(?!1\b)|offset=(?!0\b))")
"""What only the requests for later pages have in their paths."""
LONG = frozenset({"aws-cloudtrail", "aws-kms"})
"""Left to the long runs: moto is slow, and these go the ways of the other two sources of AWS."""
PARAMS = [
    pytest.param(one, id=one.name, marks=[pytest.mark.soak] if one.name in LONG else []) for one in SUBJECTS
]


@pytest.fixture(params=PARAMS)
def subject(request: pytest.FixtureRequest) -> Subject:
    """Each source in turn."""
    found: Subject = request.param
    return found


@pytest.fixture
def world(subject: Subject, request: pytest.FixtureRequest) -> Iterator[World]:
    """A source with a few resources in it."""
    with subject.open(request) as opened:
        yield opened


@pytest.fixture
def elsewhere() -> Iterator[FaultProxy]:
    """Another host, which nobody may be sent to."""
    with served(StandIn(lambda _: Reply(200, b"{}"))) as made:
        yield made


def listed(subject: Subject, ran: Ran) -> set[str]:
    """The resources that a run shows."""
    readings = read(subject.reader, subject.reader.kinds[0], ran.responses)
    records = {r.value["run"]["runId"] for r in readings if isinstance(r, Received) and r.kind == "lineage"}
    return records or set(facts_of(readings, subject.fact))


def population(subject: Subject, ran: Ran) -> Coverage:
    """The account of the scope whose population is disturbed."""
    return next(one for one in ran.coverages if subject.fact in one.facts)


def test_it_shows_everything_that_is_there(subject: Subject, world: World) -> None:
    """Happy path: the scope is seen whole, and its population is what is there."""
    ran = run(world.collector())
    coverage = population(subject, ran)
    assert (coverage.complete, coverage.detail) == (True, "")
    assert listed(subject, ran) == world.expected()
    assert coverage.got == len(world.expected())


def test_it_goes_on_to_the_last_page(subject: Subject, world: World) -> None:
    """A listing in pages is seen to its end."""
    if not subject.paged:
        pytest.skip("its listing has no pages")
    if world.pages:
        world.proxy.when(subject.listing, world.pages)
    ran = run(world.collector())
    assert population(subject, ran).complete
    assert listed(subject, ran) == world.expected()
    assert sum(one.endswith(subject.listing) for one in world.proxy.operations()) > 2  # before and after


def test_a_next_link_to_another_host_is_not_followed(
    subject: Subject, world: World, elsewhere: FaultProxy
) -> None:
    """The run ends incomplete, and the other host is never asked, so gets no token."""
    link = {"Link": f'<{elsewhere.url}/next>; rel="next"'}

    def linked(asked: Asked, forward: Forward) -> Reply:
        came = forward(asked)
        return Reply(came.status, came.body, {**came.headers, **link})

    world.proxy.when(subject.listing, linked)
    coverage = population(subject, run(world.collector()))
    assert coverage.complete is not subject.links
    assert elsewhere.asked == []


def test_a_redirect_is_not_followed(subject: Subject, world: World, elsewhere: FaultProxy) -> None:
    """The run ends incomplete, and nothing is sent to where it points."""
    world.proxy.when(subject.listing, Reply(302, b"", {"Location": f"{elsewhere.url}/"}))
    coverage = population(subject, run(world.collector()))
    assert not coverage.complete
    assert elsewhere.asked == []


def test_denied_is_never_empty(subject: Subject, world: World) -> None:
    """A refused listing is evidence, is named, and leaves the scope not seen whole."""
    world.proxy.when(subject.listing, Reply(403, b'{"message": "no"}'))
    ran = run(world.collector())
    coverage = population(subject, ran)
    assert not coverage.complete
    assert any("denied (403)" in one for one in coverage.denied)
    assert any(response.status == 403 for response in ran.responses)


def test_throttled_then_fine_is_fine(subject: Subject, world: World) -> None:
    """One answer that asks for patience is tried again."""
    world.proxy.when(subject.listing, Reply(503, b"{}"), times=1)
    ran = run(world.collector())
    assert population(subject, ran).complete
    assert listed(subject, ran) == world.expected()


def test_throttled_for_good_is_said(subject: Subject, world: World) -> None:
    """A source that never lets go leaves the scope not seen whole."""
    world.proxy.when(subject.listing, Reply(429, b"{}"))
    coverage = population(subject, run(world.collector()))
    assert not coverage.complete
    assert coverage.throttled


def test_no_answer_is_said(subject: Subject, world: World) -> None:
    """A time-out is an answer that never came, not an empty one."""
    world.proxy.when(subject.listing, Reply(0))
    coverage = population(subject, run(world.collector()))
    assert not coverage.complete
    assert "gave no answer" in coverage.detail


@pytest.mark.parametrize("body", BROKEN, ids=repr)
def test_a_malformed_answer_is_not_an_empty_one(subject: Subject, world: World, body: bytes) -> None:
    """What cannot be read as the listing makes the run incomplete, and ends nothing else."""
    world.proxy.when(subject.listing, Reply(200, body))
    assert not population(subject, run(world.collector())).complete


def test_nothing_there_is_known_to_be_nothing(subject: Subject, world: World) -> None:
    """An empty source is seen whole: that is another thing than one that failed."""
    world.clear()
    ran = run(world.collector())
    coverage = population(subject, ran)
    assert (coverage.complete, coverage.got) == (True, 0)
    assert listed(subject, ran) == set()


def test_a_huge_answer_ends_nothing_but_itself(subject: Subject, world: World) -> None:
    """An answer beyond all measure is not kept as if it were one."""
    world.proxy.when(subject.listing, Reply(200, b" " * HUGE))
    assert not population(subject, run(world.collector())).complete


def test_what_moves_meanwhile_is_listed_again(subject: Subject, world: World) -> None:
    """A population that moves during the run is listed again, and then seen whole."""
    moved: list[bool] = []

    def moving(asked: Asked, forward: Forward) -> Reply:
        came = forward(asked)
        if not moved and came.status == 200:
            moved.append(True)
            world.add()
        return came

    world.proxy.when(subject.listing, moving)
    ran = run(world.collector())
    assert population(subject, ran).complete
    assert listed(subject, ran) == world.expected()


def test_what_never_stands_still_is_incomplete(subject: Subject, world: World) -> None:
    """After three attempts the run says that the population does not reconcile, and names the numbers."""

    def moving(asked: Asked, forward: Forward) -> Reply:
        if not LATER_PAGE.search(asked.path):
            world.add()
        return forward(asked)

    world.proxy.when(subject.listing, moving)
    coverage = population(subject, run(world.collector()))
    assert not coverage.complete
    assert "were listed and" in coverage.detail


def test_the_secret_is_sent_and_never_kept(subject: Subject, world: World) -> None:
    """What authenticates the collector stands in no answer, request, account or phrase."""
    ran = run(world.collector())
    if subject.secret:
        assert subject.secret not in repr(ran)
        assert subject.secret not in repr(world.collector().check())


def test_a_second_run_stores_nothing_new(world: World, tmp_path: Path) -> None:
    """What came back unchanged is named, not stored again."""
    with ExitStack() as stack:
        log = stack.enter_context(EvidenceLog.create(tmp_path, origin="example.org/log", clock=Clock()))
        first, second = _collected(world, log), _collected(world, log)
    assert first.complete
    assert first.new > 0
    assert (second.new, second.unchanged) == (0, first.new)


def _collected(world: World, log: EvidenceLog) -> CollectionOutcome:
    return collect_once(
        world.collector(),
        source="src",
        log=log,
        clock=Clock(),
        former=lambda source: former_items(log, source),
    )


def test_each_right_is_tried(subject: Subject, world: World) -> None:
    """A check permits everything where everything is permitted, and names what is unknown where it is not."""
    assert all(access.permitted for access in world.collector().check())
    world.proxy.when(subject.listing, Reply(403, b'{"message": "no"}'))
    refused = [access for access in world.collector().check() if not access.permitted]
    assert refused
    assert all(access.facts for access in refused)
