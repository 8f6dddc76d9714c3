"""What every source of files must do, whatever it is. ``tests/kit_files.py`` lists them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compliance.collecting import collect_once, former_items
from compliance.evidence import Coverage
from compliance.facts import Received
from compliance.log import EvidenceLog
from tests.collecting import Clock, Ran, facts_of, read, run
from tests.kit import HUGE, FileSubject, Folder
from tests.kit_files import FILE_SUBJECTS


@pytest.fixture(params=FILE_SUBJECTS, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> FileSubject:
    """Each source in turn."""
    found: FileSubject = request.param
    return found


@pytest.fixture
def there(subject: FileSubject, tmp_path: Path) -> Folder:
    """A folder with a few resources in it."""
    (tmp_path / "folder").mkdir()
    return subject.open(tmp_path / "folder")


def listed(subject: FileSubject, ran: Ran) -> set[str]:
    """The resources that a run shows."""
    readings = read(subject.reader, subject.reader.kinds[0], ran.responses)
    consents = {r.value["pseudonym"] for r in readings if isinstance(r, Received) and r.kind == "consent"}
    return consents or set(facts_of(readings, subject.fact))


def population(subject: FileSubject, ran: Ran) -> Coverage:
    """The account of the scope that shows the fact."""
    return next(one for one in ran.coverages if subject.fact in one.facts)


def test_it_shows_everything_that_is_there(subject: FileSubject, there: Folder) -> None:
    """Happy path: the folder is seen whole, and its population is what is there."""
    ran = run(there.collector())
    coverage = population(subject, ran)
    assert (coverage.complete, coverage.detail) == (True, "")
    assert listed(subject, ran) == there.expected()


def test_a_folder_that_cannot_be_read_is_not_empty(subject: FileSubject, there: Folder) -> None:
    """A folder that is gone leaves its population not seen whole, and the check says so."""
    shutil.rmtree(there.path)
    coverage = population(subject, run(there.collector()))
    assert not coverage.complete
    assert "file:list absent" in coverage.detail
    (access,) = there.collector().check()
    assert not access.permitted
    assert access.facts


def test_an_empty_folder(subject: FileSubject, there: Folder) -> None:
    """A folder of exports may be empty; a register that must be kept may not be left out."""
    (there.path / there.broken).unlink()
    coverage = population(subject, run(there.collector()))
    assert coverage.complete is subject.empty_is_complete
    assert coverage.got == 0


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe\x00", b'"text"', b"[[1]]", b"- &a [*a]"], ids=repr)
def test_a_malformed_file_is_named(subject: FileSubject, there: Folder, body: bytes) -> None:
    """What cannot be read leaves the population not seen whole, and says which file it was."""
    (there.path / there.broken).write_bytes(body)
    coverage = population(subject, run(there.collector()))
    assert not coverage.complete
    assert there.broken in coverage.detail


def test_a_huge_file_is_named(subject: FileSubject, there: Folder) -> None:
    """A file beyond all measure is not read, and said to be too large."""
    (there.path / there.broken).write_bytes(b" " * (8 * HUGE))
    coverage = population(subject, run(there.collector()))
    assert not coverage.complete
    assert "larger than" in coverage.detail


def test_a_link_out_of_the_folder_is_not_followed(
    subject: FileSubject, there: Folder, tmp_path: Path
) -> None:
    """What lies elsewhere is not read, whatever the folder points at."""
    shutil.move(there.path / there.broken, tmp_path / "elsewhere")
    (there.path / there.broken).symlink_to(tmp_path / "elsewhere")
    ran = run(there.collector())
    assert not population(subject, ran).complete
    assert listed(subject, ran) == set()


def test_a_second_run_stores_nothing_new(there: Folder, tmp_path: Path) -> None:
    """What came back unchanged is named, not stored again."""
    with EvidenceLog.create(tmp_path / "store", origin="example.org/log", clock=Clock()) as log:
        outcomes = [
            collect_once(
                there.collector(), source="src", log=log, clock=Clock(),
                former=lambda source: former_items(log, source),
            )
            for _ in range(2)
        ]  # fmt: skip
    assert outcomes[0].new > 0
    assert (outcomes[1].new, outcomes[1].unchanged) == (0, outcomes[0].new)


def test_what_must_not_be_kept_is_not_kept(there: Folder) -> None:
    """An identity that an export names is in no answer, request or phrase."""
    if there.planted:
        assert there.planted.decode() not in repr(run(there.collector()))
