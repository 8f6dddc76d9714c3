"""The control library: every fault is named at once with its line; crosswalk, lint, coverage, examples."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from compliance.errors import Fault, LibraryInvalid, NotFound
from compliance.facts import FactSchema, Field
from compliance.library import Library, coverage, lint, load_library, run_examples, schema_text
from compliance.library.texts import filled, plain, span

CONTROLS = Path(__file__).resolve().parents[1] / "controls"
BUCKET = FactSchema(
    "bucket", "A bucket.",
    (
        Field("locked", "bool", "Whether it is locked."),
        Field("days", "int", "For how long.", optional=True),
        Field("made", "time", "When it was made."),
        Field("rules", "records", "Its rules.", fields=(Field("open", "bool", "Whether to all."),)),
    ),
)  # fmt: skip
SCHEMAS = {"bucket": BUCKET}
FRAMEWORK = """\
framework: rules
title: Rules
version: "1"
source: ours
assessability: all that is marked
requirements:
  - {id: "1", parent: null, title: Group, assessable: false}
  - {id: "1.1", parent: "1", title: Lock, assessable: true, nature: technical, alias: ["1.1a"]}
  - {id: "1.2", parent: "1", title: Sign, assessable: true, nature: organisational}
  - {id: "1.3", parent: "1", title: Old, assessable: true, nature: technical, superseded_by: "1.1"}
  - {id: "1.1(a)", parent: "1.1", assessable: false, element_of: "1.1"}
"""
ENFORCEMENT = "points:\n  - {id: store.lock, component: Store, setting: Lock, what: Keeps objects}\n"
FAMILY = """\
family: stores
title: Stores
controls:
  - id: STO-01
    title: Buckets are locked
    statement: Every bucket is locked.
    rationale: Evidence must not change.
    owner: platform
    enforcement_points: [store.lock]
    evidence_max_age: 24h
    retention: 6y
    mappings:
      - {requirement: "rules:1.1", relationship: superset-of, strength: 8, reason: It is the same.}
    checks:
      - id: bucket-locked
        title: Buckets are locked
        over: bucket
        as: store
        where: store.made < now
        left_out: Not made yet.
        expect: store.locked && (!has(store.days) || store.days >= 30)
        severity: high
        why_it_fails: "{resource} has locked = {locked} for {days} days"
        fix: "Bucket {resource}, setting lock: turn it on."
        examples:
          pass: [{locked: true, made: -1d}, {locked: true, days: 30, made: "2020-01-01T00:00:00Z"}]
          fail: [{locked: false, made: -1d}, {locked: true, days: 29, made: -1d}]
          unknown: [{locked: {unseen: incomplete}, made: -1d}]
          not_applicable: [{locked: true, made: +1h}]
  - id: STO-02
    title: Somebody looks
    statement: The owner reviews it.
    rationale: Machines err.
    owner: platform
    evidence_max_age: 7d
    retention: 400d
    mappings:
      - {requirement: "rules:1.2", relationship: intersects-with, strength: 3, reason: In part.}
    attestations:
      - {id: review-done, title: Reviewed, statement: I reviewed it., owner: platform, valid_for: 365d, severity: low}
"""


def files(**changed: str) -> dict[str, str]:
    """The small library of these tests, with some of its files changed."""
    found = {"frameworks/rules.yaml": FRAMEWORK, "enforcement.yaml": ENFORCEMENT, "stores.yaml": FAMILY}
    return {**found, **{name.replace("__", "/") + ".yaml": text for name, text in changed.items()}}


def loaded(family: str = FAMILY, **changed: str) -> Library:
    return load_library(files(stores=family, **changed), SCHEMAS)


def faults_of(family: str = FAMILY, **changed: str) -> tuple[Fault, ...]:
    with pytest.raises(LibraryInvalid) as refusal:
        loaded(family, **changed)
    return refusal.value.faults


def line_of(text: str, part: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), start=1) if part in line)


def test_a_library_is_read_into_controls_checks_and_requirements() -> None:
    """Every part of the files is found again, ids resolved and durations counted."""
    library = loaded()
    assert [control.id for control in library.controls] == ["STO-01", "STO-02"]
    control = library.control_of("STO-01")
    check = control.checks[0]
    assert (control.evidence_max_age, control.retention) == (timedelta(hours=24), timedelta(days=6 * 366))
    assert (check.over, check.fresh_within, check.reads) == (
        "bucket",
        timedelta(days=1),
        ("days", "locked", "made"),
    )
    assert library.attestations["review-done"].valid_for == timedelta(days=365)
    assert library.enforcement_points["store.lock"].setting == "Lock"
    assert library.families == {"stores": "Stores"}


def test_the_crosswalk_is_read_both_ways() -> None:
    """A requirement names its controls, and a control its requirements; an alias is the requirement it stands for."""
    library = loaded(FAMILY.replace('"rules:1.1"', '"rules:1.1a"'))
    assert [control.id for control in library.controls_of("rules:1.1")] == ["STO-01"]
    assert [requirement.id for requirement in library.requirements_of("STO-01")] == ["rules:1.1"]
    assert library.controls_of("rules:1.3") == ()
    assert library.ancestors("rules:1.1(a)") == ("rules:1.1", "rules:1")
    with pytest.raises(NotFound):
        library.control_of("STO-99")


def test_a_control_is_listed_as_the_contract_says() -> None:
    """``controls list --json`` names id, title, family, requirements, enforcement points and checks."""
    row = loaded().control_of("STO-01").as_json()
    assert row["requirements"] == ["rules:1.1"]
    assert row["enforcement_points"] == ["store.lock"]
    assert row["checks"] == ["bucket-locked"]
    assert (row["id"], row["title"], row["family"]) == ("STO-01", "Buckets are locked", "stores")


def test_the_digest_names_the_files_and_nothing_else() -> None:
    """Equal files have an equal digest in any order; one changed character gives another."""
    turned = dict(reversed(files().items()))
    assert load_library(turned, SCHEMAS).digest == loaded().digest
    assert loaded(FAMILY + "# a comment\n").digest != loaded().digest


@pytest.mark.parametrize(
    ("old", "new", "found", "expected"),
    [
        ('"rules:1.1"', '"rules:1.11"', "the requirement rules:1.11", "rules:1.1"),
        ("[store.lock]", "[store.lok]", "the enforcement point store.lok", "store.lock"),
        ("over: bucket", "over: buckets", "the fact type buckets", "one of: bucket"),
        ("expect: store.locked", "expect: store.loked", "undefined field 'loked'", "locked, days, made, rules"),
        ("!has(store.days) || store.days", "store.days", "days may be absent", "a bool expression"),
        ("where: store.made < now", "where: store.made < 3", "no matching overload", "a bool expression"),
        ("as: store", "as: now", "the name now", "means nothing else"),
        ("locked = {locked}", "locked = {lokced}", "{lokced}", "{resource}, {locked}"),
        ("setting lock", "setting {0.__class__}", "{0.__class__}", "one of"),
        ("turn it on", "turn it {on", "{{}", "one of"),
        ("severity: high", "severity: hihg", "severity: 'hihg'", "'low', 'medium', 'high' or 'critical'"),
        ("strength: 8", "strength: 11", "strength: 11", "less than or equal to 10"),
        ("strength: 8", 'strength: "8"', "strength: '8'", "a valid integer"),
        ("relationship: superset-of, strength: 8", "relationship: intersects-with", "without strength", "1 to 10"),
        ("evidence_max_age: 24h", "evidence_max_age: 24 hours", "evidence_max_age: '24 hours'", "[mhdw]"),
        ("evidence_max_age: 24h", "evidence_max_age: 24", "evidence_max_age: 24", "a valid string"),
        ("retention: 6y", "retention: 6h", "retention: '6h'", "[dwy]"),
        ("id: STO-01", "id: sto-1", "id: 'sto-1'", "[A-Z]"),
        ("    owner: platform\n    enf", "    enf", "no owner", "the key owner"),
        ("rationale: Evidence", "rational: Evidence", "the key rational", "rationale"),
        ("severity: high", "severity: high\n        sevrity: low", "the key sevrity", "severity"),
        ("          unknown: [{locked: {unseen: incomplete}, made: -1d}]\n", "", "no unknown", "the key unknown"),
        ("fail: [{locked: false, made: -1d}, {locked: true, days: 29, made: -1d}]", "fail: []", "fail", "at least 1 item"),
        ("pass: [{locked: true,", "pass: [{locked: false,", "a pass example of bucket-locked that comes out fail", "pass"),
        ("pass: [{locked: true,", "pass: [{locked: 1,", "that comes out not judged: locked is int", "pass"),
        ("pass: [{locked: true, made: -1d}", "pass: [{locked: true}", "comes out not judged: made", "pass"),
        ("fail: [{locked: false,", "fail: [{lokced: false,", "the field lokced", "one of: locked"),
        ("{unseen: incomplete}", "{unseen: denied}", "locked unseen: denied", "missing, stale, incomplete"),
        ("{unseen: incomplete}", "true", "an unknown example that hides nothing", "{unseen: CAUSE}"),
        ("id: review-done", "id: bucket-locked", "the id bucket-locked twice", "stores.yaml:"),
        ("id: STO-02", "id: STO-01", "the id STO-01 twice", "stores.yaml:4"),
        ("family: stores", "family: shops", "the family shops", "stores, as the file is named"),
        ("expect: store.locked && (!has(store.days) || store.days >= 30)", "expect: 1 < 2", "reads no field", "bucket"),
    ],
)  # fmt: skip
def test_a_fault_names_its_line_what_was_found_and_what_is_allowed(
    old: str, new: str, found: str, expected: str
) -> None:
    """Each kind of fault keeps a library from loading and is told at its line, with what would be right."""
    assert old in FAMILY
    family = FAMILY.replace(old, new)
    faults = faults_of(family)
    told = [fault for fault in faults if found in fault.found]
    assert told, faults
    assert expected in told[0].expected
    assert told[0].file == "stores.yaml"
    assert told[0].line >= 1


def test_a_fault_stands_at_the_line_of_the_word_that_is_wrong() -> None:
    """The line is that of the key or list item, not that of the file's beginning."""
    family = FAMILY.replace("severity: high", "severity: hihg").replace("over: bucket", "over: buckets")
    lines = {fault.line for fault in faults_of(family)}
    assert line_of(family, "severity: hihg") in lines
    family = FAMILY.replace("fail: [{locked: false", "fail: [{locked: true")
    assert [fault.line for fault in faults_of(family)] == [line_of(family, "fail: [")]


def test_every_fault_is_told_at_once() -> None:
    """An author mends a library in one pass: faults of several files and kinds come together, in order."""
    family = FAMILY.replace('"rules:1.1"', '"rules:9"').replace("locked = {locked}", "{nothing}")
    family = family.replace("store.days >= 30", "store.dys >= 30")
    faults = faults_of(
        family, enforcement="points: [{id: A, component: x}]", frameworks__rules=FRAMEWORK + "  - 7\n"
    )
    assert {fault.file for fault in faults} == {"stores.yaml", "enforcement.yaml", "frameworks/rules.yaml"}
    assert len(faults) >= 6
    assert list(faults) == sorted(faults)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("family: &a stores\n", "an anchor or alias"),
        ("family: *a\n", "alias"),
        ("family: !!python/object:os.system x\n", "the tag"),
        ("family: !x y\n", "the tag"),
        ("family: stores\nfamily: stores\n", "the key 'family' twice"),
        ("<<: {a: b}\n", "the merge key <<"),
        ("? [a]\n: b\n", "a list or mapping as a key"),
        ("a: 1\n---\nb: 2\n", "a second document"),
        ("family: [\n", "did not find"),
        ("family: \t- x: :\n\t", ""),
        ("[" * 30 + "]" * 30, "more than 20 levels"),
        ("a: \x00", ""),
        ("\ud800", "well-formed"),
        ("", "nothing"),
        ("- 1\n", "a list"),
        ("just text", "'just text'"),
    ],
)
def test_hostile_yaml_is_a_fault(text: str, found: str) -> None:
    """Anchors, tags, merge keys, duplicate keys, deep nesting and broken text are refused with their line."""
    told = faults_of(text)
    assert any(found in fault.found for fault in told)


def test_words_that_yaml_takes_for_booleans_are_words() -> None:
    """Only true and false are booleans; on, yes and no are texts, and quoted numbers are texts."""
    library = loaded(FAMILY.replace("setting lock", "setting yes").replace("title: Stores", "title: on"))
    assert library.families == {"stores": "on"}


@pytest.mark.parametrize("path", ["../x.yaml", "a/b.yaml", "frameworks/a/b.yaml", "stores.json"])
def test_a_file_that_is_no_part_of_a_library_is_a_fault(path: str) -> None:
    """Only families, the enforcement points and framework lists belong to a library."""
    with pytest.raises(LibraryInvalid) as refusal:
        load_library({**files(), path: FAMILY}, SCHEMAS)
    assert f"the file {path}" in str(refusal.value)


def test_a_framework_list_is_checked_in_itself() -> None:
    """A parent that does not exist, a requirement listed twice, one without nature: faults at their lines."""
    extra = '  - {id: "1.1", parent: "7", title: Again, assessable: true}\n'
    told = " ".join(fault.found for fault in faults_of(frameworks__rules=FRAMEWORK + extra))
    assert all(
        part in told for part in ("1.1 naming 7", "the requirement 1.1 twice", "without title or nature")
    )


@given(st.text(max_size=200))
def test_no_text_makes_loading_fail_otherwise(text: str) -> None:
    """Whatever a file holds that is no library, it is refused with faults; nothing else escapes."""
    with pytest.raises(LibraryInvalid) as refusal:
        load_library({"stores.yaml": text}, SCHEMAS)
    assert refusal.value.faults


def test_examples_come_out_as_stated_in_a_library_that_loads() -> None:
    """``run_examples`` judges every example of every check again."""
    results = run_examples(loaded())
    assert [result.kind for result in results] == [
        "pass",
        "pass",
        "fail",
        "fail",
        "unknown",
        "not_applicable",
    ]
    assert all(result.as_stated for result in results)


def test_coverage_counts_assessable_requirements_only() -> None:
    """Automated has a check, attested has only statements, unanswered has neither; the contract's form."""
    found = coverage(loaded())["rules"]
    assert {key: found[key] for key in ("assessable", "technical", "automated", "attested", "unanswered")} == {
        "assessable": 3, "technical": 2, "automated": 1, "attested": 1, "unanswered": ["rules:1.3"],
    }  # fmt: skip


def test_each_number_of_coverage_is_explained_by_a_list() -> None:
    """Every count is the length of the list of that name, and the share is that of the technical ones."""
    found = coverage(loaded())["rules"]
    for name, ids in found["lists"].items():
        assert found.get(name, len(ids)) == len(ids), name
    assert found["lists"]["technical_automated"] == ["rules:1.1"]
    assert found["lists"]["technical_unanswered"] == ["rules:1.3"]
    assert found["technical_automated_percent"] == 50.0


def test_coverage_lists_what_was_moved_and_what_is_left_open() -> None:
    """A requirement moved in or out of what is technical, and one that nothing answers, stand there with the reason."""
    framework = FRAMEWORK.replace(
        "nature: organisational}", "nature: organisational, moved: {from: technical, reason: By hand.}}"
    ).replace(
        "requirements:\n", 'unanswered:\n  - {requirement: "1.3", reason: Replaced.}\nrequirements:\n', 1
    )
    found = coverage(loaded(frameworks__rules=framework))["rules"]
    assert found["moved"] == [
        {"requirement": "rules:1.2", "from": "technical", "to": "organisational", "reason": "By hand."}
    ]
    assert found["left_open"] == [{"requirement": "rules:1.3", "reason": "Replaced."}]


def test_a_requirement_with_a_check_and_a_statement_counts_as_automated() -> None:
    """No requirement is counted twice."""
    both = coverage(loaded(FAMILY.replace('"rules:1.2"', '"rules:1.1"')))["rules"]
    assert (both["automated"], both["attested"], both["unanswered"]) == (1, 0, ["rules:1.2", "rules:1.3"])


def test_a_sound_library_has_no_weak_spot() -> None:
    """Lint says nothing where nothing is doubtful."""
    assert lint(loaded()) == []


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"rules:1.1"', '"rules:1"', "unassessable-target"),
        ('"rules:1.1"', '"rules:1.1(a)"', "unassessable-target"),
        ('"rules:1.1"', '"rules:1.3"', "superseded-target"),
        ("superset-of, strength: 8, reason: It is the same.", "equal", "equal-without-reason"),
        (", reason: In part.", "", "mapping-without-reason"),
        (
            "    checks:\n",
            '      - {requirement: "rules:1.1", relationship: equal, reason: x}\n    checks:\n',
            "duplicate-row",
        ),
        ("    enforcement_points: [store.lock]\n", "", "idle-enforcement-point"),
    ],
)
def test_lint_names_what_an_auditor_would_question(old: str, new: str, code: str) -> None:
    """Each doubtful claim is a weak spot at its line, with what to do."""
    assert old in FAMILY
    spots = lint(loaded(FAMILY.replace(old, new)))
    assert code in {spot.code for spot in spots}
    assert all(str(spot).startswith(f"{spot.file}:{spot.line}: ") for spot in spots)


def test_lint_names_two_controls_that_claim_to_equal_one_requirement() -> None:
    """What equals one thing twice is seldom so."""
    family = FAMILY.replace("superset-of", "equal").replace(
        '"rules:1.2", relationship: intersects-with', '"rules:1.1", relationship: equal'
    )
    codes = [spot.code for spot in lint(loaded(family)) if spot.code != "unanswered-requirement"]
    assert codes == ["equal-twice", "equal-twice"]


def test_texts_show_values_plainly_and_do_nothing_else() -> None:
    """A field's value stands in the text in words; what was not seen says so; braces in values stay."""
    value: dict[str, Any] = {
        "on": False,
        "off": None,
        "names": list("abcdefg"),
        "rule": [{"open": True}],
        "x": "{on}\x1b[2J\n",
    }
    assert filled("{resource}: {on} {off} {names} {rule.open} {gone}", "r", value) == (
        "r: false absent a, b, c, d, e and 2 more true not seen"
    )
    assert filled("{x}", "r", value) == "{on}�[2J�"
    assert len(plain("x" * 5000)) < 250
    assert span(timedelta(hours=50)) == "2 days 2 hours"


# --- the shipped library -------------------------------------------------------------------------


def test_the_json_schema_in_the_repository_is_current() -> None:
    """``controls/controls.schema.json`` is what ``compliance.library.schema_text()`` gives."""
    assert (CONTROLS / "controls.schema.json").read_text() == schema_text()


def test_the_json_schema_takes_the_small_library_and_refuses_a_slip() -> None:
    """An editor that reads the schema marks what loading would refuse."""
    schema = json.loads(schema_text())
    for text in files().values():
        jsonschema.validate(yaml.safe_load(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(FAMILY.replace("severity: high", "severity: hihg")), schema)


@pytest.mark.parametrize("path", sorted(CONTROLS.glob("frameworks/*.yaml")), ids=lambda path: path.stem)
def test_every_framework_list_that_ships_loads(path: Path) -> None:
    """Each list of requirements is without a fault by itself, and holds something that can be assessed."""
    listed = {f"frameworks/{path.name}": path.read_text(encoding="utf-8")}
    library = load_library({**files(), **listed}, SCHEMAS)
    assert library.frameworks[path.stem].assessable
