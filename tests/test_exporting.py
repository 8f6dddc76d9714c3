"""What goes into a bundle, by command: everything, a selection, what findings cite, or a whole report."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compliance.errors import InputRefused, MunimentError, NotFound
from compliance.exporting import Wanted, export, select
from tests.small_store import END, Organisation, small_organisation
from tests.test_cli import CommandLine


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organisation]:
    with small_organisation(tmp_path_factory.mktemp("small")) as made:
        yield made


def kinds(organisation: Organisation, wanted: Wanted) -> set[str]:
    answers = organisation.answers
    return {organisation.store.log.entry(index).kind for index in select(answers, answers.basis(), wanted)}


def test_kind_source_and_period_narrow(organisation: Organisation) -> None:
    """Each option leaves entries out; together they leave out more; without any it is the whole log."""
    answers = organisation.answers
    basis = answers.basis()
    assert select(answers, basis, Wanted()) == list(range(basis.log_size))
    assert kinds(organisation, Wanted(kind="lineage/1")) == {"lineage/1"}
    late = select(answers, basis, Wanted(start=END))
    early = select(answers, basis, Wanted(end=END))
    assert sorted(early + late) == list(range(basis.log_size))
    assert early
    assert late
    both = select(answers, basis, Wanted(kind="lineage/1", end=END))
    assert set(both) == set(early) & set(select(answers, basis, Wanted(kind="lineage/1")))
    assert select(answers, basis, Wanted(source="nobody")) == []


def test_what_findings_cite_is_taken(organisation: Organisation) -> None:
    """By finding, by control and by framework: the entries cited, and for a framework what was judged by."""
    answers = organisation.answers
    basis = answers.basis()
    finding = next(found for found in answers.findings(basis) if found["evidence"])
    cited = sorted({int(id_.split("/")[0]) for id_ in finding["evidence"]})
    pair = (finding["check"], finding["resource_id"])
    one = select(answers, basis, Wanted(findings=(pair,)))
    assert set(cited) <= set(one)
    assert set(one) <= set(select(answers, basis, Wanted(control=finding["control"])))
    framework = finding["requirements"][0].split(":")[0]
    behind = select(answers, basis, Wanted(framework=framework))
    assert set(one) <= set(behind)
    assert {"library/1", "config/1"} <= kinds(organisation, Wanted(framework=framework))
    assert select(answers, basis, Wanted(ids=("3", "1/0"), findings=(pair,))) == sorted({1, 3, *one})


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (Wanted(ids=("99999",)), NotFound), (Wanted(ids=("x",)), InputRefused), (Wanted(findings=(("a", "b"),)), NotFound),
        (Wanted(control="NONE-1"), NotFound), (Wanted(framework="none"), NotFound), (Wanted(report=0), InputRefused),
        (Wanted(report=99999), NotFound),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(
    organisation: Organisation, wanted: Wanted, error: type[MunimentError]
) -> None:
    """An id, finding, control, framework or report that is not there is an error that names it."""
    with pytest.raises(error):
        select(organisation.answers, organisation.answers.basis(), wanted)


def test_a_selection_is_verified_by_its_script(organisation: Organisation, tmp_path: Path) -> None:
    """A bundle of a selection states what was asked for, and verifies."""
    answers = organisation.answers
    made = export(answers, answers.basis(), Wanted(kind="consents/1"), tmp_path / "out")
    assert made.entries == len(list((tmp_path / "out" / "entries").iterdir())) > 0
    said = json.loads((tmp_path / "out" / "selection.json").read_text())
    assert (said["wanted"], said["log_size"]) == ({"kind": "consents/1"}, made.size)
    done = subprocess.run(
        ["sh", "verify.sh"], cwd=tmp_path / "out", check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_commands_export_report_and_verify(organisation: Organisation, tmp_path: Path) -> None:
    """``evidence export`` and ``report --format bundle`` write what ``verify`` and ``verify.sh`` accept."""
    shutil.copytree(organisation.store.settings.home, tmp_path / "var")
    line = CommandLine(tmp_path)
    line.environment = {**line.environment, "MUNIMENT_HOME": str(tmp_path / "var")}
    line.ok("evidence", "export", "0", "1", "--out", "two.zip")
    assert json.loads(line.ok("verify", "two.zip", "--json"))["entries"] == 2
    first = json.loads(
        line.ok("evidence", "export", "--kind", "lineage/1", "--to", "2026-11-20", "--out", "a.zip", "--json")
    )
    again = json.loads(
        line.ok("evidence", "export", "--kind", "lineage/1", "--to", "2026-11-20", "--out", "b.zip", "--json")
    )
    assert first | {"path": "b.zip"} == again
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    line.ok(
        "report", "gdpr", "--from", "2026-11-14", "--to", "2026-11-23", "--format", "bundle", "--out", "report"
    )  # fmt: skip
    assert "this machine's key only" in line.ok("verify", "report")
    assert {path.name for path in (tmp_path / "report" / "report").iterdir()} == {
        "report.html",
        "status.json",
        "findings.json",
    }
    vkey = (tmp_path / "var" / "log" / "vkey").read_text().strip()
    (tmp_path / "kept").write_text((tmp_path / "report" / "checkpoint").read_text())
    line.ok("evidence", "export", "0", "--since", "kept", "--out", "since.zip")
    assert "The bundle verifies" in line.ok("verify", "since.zip", "--since", "kept", "--vkey", vkey)
    assert "The store verifies" in line.ok("verify", "--since", "kept")
    (tmp_path / "kept").write_text("nothing")
    assert line.run("verify", "--since", "kept").returncode == 1
    assert line.run("verify", "--since", "nowhere").returncode == 2
    done = subprocess.run(
        ["sh", "verify.sh", vkey], cwd=tmp_path / "report", check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    findings = json.loads((tmp_path / "report" / "report" / "findings.json").read_text())
    cited = {id_.split("/")[0] for finding in findings for id_ in finding["evidence"]}
    assert cited <= {path.stem for path in (tmp_path / "report" / "entries").iterdir()}


def test_what_does_not_verify_ends_with_1_and_what_is_wrong_with_2(
    organisation: Organisation, tmp_path: Path
) -> None:
    """The exit codes of the contract: 1 where a bundle does not verify, 2 where the call is wrong."""
    answers = organisation.answers
    export(answers, answers.basis(), Wanted(ids=("0",)), tmp_path / "out")
    (tmp_path / "out" / "report").mkdir()
    (tmp_path / "out" / "report" / "report.html").write_text("another")
    line = CommandLine(tmp_path)
    line.environment = {**line.environment, "MUNIMENT_HOME": str(organisation.store.settings.home)}
    done = line.run("verify", "out")
    assert (done.returncode, "does not verify" in done.stdout) == (1, True)
    assert "no report" in done.stderr or "not a report" in done.stderr
    assert line.run("verify", "nothing.zip").returncode == 2
    assert line.run("evidence", "export", "--out", "out").returncode == 2
    assert line.run("evidence", "export", "--finding", "a", "b", "--out", "x.zip").returncode == 2
