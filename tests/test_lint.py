"""Lint of the control library: what an auditor would question, and what nothing answers; the commands that tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compliance.cli import run
from compliance.errors import LibraryInvalid
from compliance.library import lint, load_library
from tests.test_library import ENFORCEMENT, FAMILY, FRAMEWORK, SCHEMAS, faults_of, files, line_of, loaded

UNANSWERED = FRAMEWORK + '  - {id: "1.4", parent: "1", title: Lost, assessable: true, nature: technical}\n'
OTHER = """\
framework: others
title: Others
version: "1"
source: ours
assessability: all
requirements:
  - {id: "A", parent: null, title: Lock too, assessable: true, nature: technical, related: ["rules:1.1"]}
"""


def written(folder: Path, **changed: str) -> Path:
    """The small library as files."""
    for name, text in files(**changed).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_requirement_that_no_control_answers_is_found_at_its_line() -> None:
    """Whatever can be assessed and has neither a control nor a reason for having none is a weak spot."""
    [spot] = lint(loaded(frameworks__rules=UNANSWERED))
    assert (spot.code, spot.control) == ("unanswered-requirement", "rules:1.4")
    assert (spot.file, spot.line) == ("frameworks/rules.yaml", line_of(UNANSWERED, '"1.4"'))


@pytest.mark.parametrize(
    "row",
    ['requirement: "1.4"', 'below: "1"', "nature: technical", 'below: "1", nature: technical'],
)
def test_a_requirement_that_is_left_open_on_purpose_says_why(row: str) -> None:
    """One requirement, all below a group or all of a nature are left open by one row with its reason."""
    row_text = f"unanswered:\n  - {{{row}, reason: Nobody here does that.}}\nrequirements:"
    framework = UNANSWERED.replace("requirements:", row_text, 1)
    library = loaded(frameworks__rules=framework)
    assert library.requirements["rules:1.4"].left_open == "Nobody here does that."
    assert lint(library) == []


def test_rows_of_what_is_left_open_name_what_is_there() -> None:
    """A row that names an unknown requirement, or nothing, is a fault."""
    rows = 'unanswered:\n  - {requirement: "9", reason: x}\n  - {reason: y}\nrequirements:'
    faults = faults_of(frameworks__rules=FRAMEWORK.replace("requirements:", rows, 1))
    assert [(fault.line, fault.found) for fault in faults] == [
        (7, "the requirement 9"), (8, "a row that names nothing"),
    ]  # fmt: skip


def test_a_crosswalk_that_is_answered_on_one_side_only_is_a_one_way_gap() -> None:
    """Requirements that an official crosswalk relates meet in one control, or at least in one family."""
    assert "one-way-gap" in {spot.code for spot in lint(loaded(frameworks__others=OTHER))}
    mapped = '      - {requirement: "others:A", relationship: subset-of, reason: Part.}\n    checks:\n'
    assert lint(loaded(FAMILY.replace("    checks:\n", mapped, 1), frameworks__others=OTHER)) == []
    elsewhere = (
        "family: apart\ntitle: Apart\ncontrols:\n  - {id: APA-01, title: x, statement: y, rationale: z, owner: o,"
        " evidence_max_age: 1d, retention: 1y, mappings: [{requirement: 'others:A', relationship: subset-of,"
        " reason: Part.}], attestations: [{id: apart-signed, title: a, statement: b, owner: o, valid_for: 1d,"
        " severity: low}]}\n"
    )
    spots = lint(loaded(frameworks__others=OTHER, apart=elsewhere))
    assert [spot.code for spot in spots] == ["related-apart"]


def test_a_statement_that_names_what_no_check_reads_is_found() -> None:
    """A control is automated only if a check judges what its statement says, not an easier neighbour."""
    broader = FAMILY.replace(
        "Every bucket is locked.", "Every bucket is locked and its backups are restored."
    )
    [spot] = lint(loaded(broader))
    assert (spot.code, spot.control, "backup" in spot.says) == ("statement-beyond-checks", "STO-01", True)
    said = "    untested: [{thing: backup, reason: Nothing that we collect shows it.}]\n    checks:\n"
    assert lint(loaded(broader.replace("    checks:\n", said, 1))) == []
    assert [spot.code for spot in lint(loaded(FAMILY.replace("    checks:\n", said, 1)))] == ["idle-untested"]


def test_a_derived_claim_is_marked_and_never_equal() -> None:
    """A claim drawn through a crosswalk names what it is drawn through; equal is refused, in full it never is."""
    derived = FAMILY.replace(
        "relationship: superset-of, strength: 8", 'relationship: superset-of, via: ["rules:1.2"]'
    )
    [claim] = loaded(derived).control_of("STO-01").mappings
    assert (claim.derived, claim.in_full) == (True, False)
    [fault] = faults_of(derived.replace("superset-of", "equal"))
    assert (fault.found, fault.line) == ("equal on a derived claim", line_of(FAMILY, '"rules:1.1"'))
    [fault] = faults_of(derived.replace('via: ["rules:1.2"]', 'via: ["rules:7"]'))
    assert fault.found == "the requirement rules:7"


def test_a_move_to_where_it_was_is_a_fault() -> None:
    """Moving a requirement in or out of what is technical changes its nature."""
    moved = FRAMEWORK.replace("title: Lock, assessable: true, nature: technical",
                              "title: Lock, assessable: true, nature: technical, moved: {from: technical, reason: x}")  # fmt: skip
    assert [fault.found for fault in faults_of(frameworks__rules=moved)] == [
        "1.1 moved from technical to itself"
    ]


# --- the commands --------------------------------------------------------------------------------

TINY = {
    "enforcement.yaml": ENFORCEMENT.replace("store.lock", "key.rotation"),
    "frameworks/rules.yaml": FRAMEWORK,
    "keys.yaml": """\
family: keys
title: Keys
controls:
  - id: KEY-01
    title: Keys rotate
    statement: Keys rotate.
    rationale: So that one stolen key opens little.
    owner: platform
    enforcement_points: [key.rotation]
    evidence_max_age: 24h
    retention: 6y
    mappings:
      - {requirement: "rules:1.1", relationship: superset-of, strength: 8, reason: It is the same.}
      - {requirement: "rules:1.2", relationship: subset-of, reason: It is a part.}
    checks:
      - id: keys-rotate
        title: Keys rotate
        over: kms_key
        as: key
        expect: has(key.rotation_enabled) && key.rotation_enabled
        severity: high
        why_it_fails: "{resource}"
        fix: "Key {resource}, rotation: turn it on."
        examples:
          pass: [{rotation_enabled: true}]
          fail: [{rotation_enabled: false}]
          unknown: [{rotation_enabled: {unseen: incomplete}}]
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound library over the product's own facts."""
    for name, text in TINY.items():
        path = tmp_path / "lib" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "lib"


def test_lint_of_a_sound_folder_ends_with_zero(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`controls lint FOLDER` needs no store, and says that it found nothing."""
    assert run(["controls", "lint", str(folder)]) == 0
    assert "no weak spot" in capsys.readouterr().out


def test_lint_tells_dangling_ids_with_file_and_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A requirement or an enforcement point that is not there is told at its line; the command ends with 1."""
    broken = (
        TINY["keys.yaml"].replace("[key.rotation]", "[key.rotatoin]").replace('"rules:1.1"', '"rules:1.7"')
    )
    (folder / "keys.yaml").write_text(broken)
    assert run(["controls", "lint", str(folder)]) == 1
    said = capsys.readouterr().out
    assert f"keys.yaml:{line_of(broken, 'rotatoin')}: found the enforcement point key.rotatoin" in said
    assert f"keys.yaml:{line_of(broken, 'rules:1.7')}: found the requirement rules:1.7" in said
    assert run(["controls", "lint", str(folder), "--json"]) == 1
    assert {row["code"] for row in json.loads(capsys.readouterr().out)} == {"fault"}


def test_lint_ends_with_one_where_something_is_doubtful(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weak spots are listed, also as JSON; `--code` narrows them."""
    (folder / "keys.yaml").write_text(TINY["keys.yaml"].replace(", reason: It is a part.", ""))
    assert run(["controls", "lint", str(folder), "--json"]) == 1
    assert [row["code"] for row in json.loads(capsys.readouterr().out)] == ["mapping-without-reason"]
    assert run(["controls", "lint", str(folder), "--code", "duplicate-row"]) == 0


def test_coverage_of_a_folder_lists_what_is_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--framework` lists what has no check; `--at-least` ends with 1 where the share is smaller."""
    assert run(["controls", "coverage", "--folder", str(folder), "--framework", "rules"]) == 0
    assert "rules:1.3  Old" in capsys.readouterr().out
    assert run(["controls", "coverage", "--folder", str(folder), "--at-least", "50", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rules"]["technical_automated_percent"] == 50.0
    assert run(["controls", "coverage", "--folder", str(folder), "--at-least", "51"]) == 1


def test_coverage_of_an_unknown_framework_names_those_there_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A call that names no framework of the library ends with 2."""
    assert run(["controls", "coverage", "--folder", str(folder), "--framework", "rulez"]) == 2
    assert "in the library are: rules" in capsys.readouterr().err


def test_faults_are_told_all_at_once() -> None:
    """A library with several faults is refused with each of them."""
    with pytest.raises(LibraryInvalid) as refusal:
        load_library(
            files(stores=FAMILY.replace("owner: platform", "owner: [x]"), enforcement="points: 3\n"), SCHEMAS
        )
    assert len(refusal.value.faults) >= 3
