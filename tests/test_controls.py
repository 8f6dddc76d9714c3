"""The shipped controls as an auditor reads them: examples, mappings, texts, and the traps of law."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from compliance.derived import DERIVATIONS
from compliance.facts import Unseen
from compliance.library import Answering, Control, lint, run_examples
from compliance.library.examples import EXAMPLE_NOW
from compliance.library.texts import places_in
from compliance.predicate import Unjudged
from tests.shipped import CONTROLS, shipped

OURS = ("gdpr", "hipaa", "pci-dss-4.0.1", "soc2", "eu-ai-act")
"""The frameworks that the controls answer."""
CHECKS = sorted(shipped().checks)


def mapped() -> Iterator[tuple[Control, Answering]]:
    """Every mapping of every control."""
    for control in shipped().controls:
        for mapping in control.mappings:
            yield control, mapping


def targets(control_id: str) -> set[str]:
    """The requirements that a control answers."""
    return {mapping.requirement for control, mapping in mapped() if control.id == control_id}


# --- checks --------------------------------------------------------------------------------------


def test_every_example_comes_out_as_it_says() -> None:
    """Each check ships examples that pass, fail and are unknown, and each is judged."""
    results = run_examples(shipped())
    assert len(results) > 3 * len(CHECKS)
    assert [result for result in results if not result.as_stated] == []


@pytest.mark.parametrize("name", CHECKS)
def test_hiding_a_field_of_an_example_never_makes_it_pass(name: str) -> None:
    """A check's own examples with any field that it reads hidden: unknown, or left out by what is seen."""
    check = shipped().checks[name]
    for example in check.examples:
        for path in (path for path in check.reads if "." not in path):
            shown = {key: value for key, value in example.value.items() if key != path}
            unseen = {**example.unseen, path: Unseen("incomplete", "denied")}
            verdict = check.judge(shown, unseen, EXAMPLE_NOW)
            assert isinstance(verdict, Unjudged) or verdict == "not_applicable", (example, path)
            if check.applies is not None and path in check.applies.reads:
                assert isinstance(verdict, Unjudged) or example.kind == "not_applicable"


@pytest.mark.parametrize("name", CHECKS)
def test_a_failure_names_the_value_that_decided_it(name: str) -> None:
    """The sentence of a failure shows a field that the predicate reads; the fix names a component or a setting."""
    check = shipped().checks[name]
    shown = {place.split(".")[0] for place in places_in(check.why_it_fails)}
    assert shown & {path.split(".")[0] for path in check.holds.reads}
    assert len(check.fix) > 20
    assert check.applies is None or check.left_out, "why those not meeting `where` are left out is not said"


def test_checks_over_joined_facts() -> None:
    """At least ten checks judge facts that are joined from two kinds of evidence or more."""
    schemas = {name: derivation.schema for name, derivation in DERIVATIONS.items()}
    joined = [
        check.id for check in shipped().checks.values()
        if check.over in schemas and len(schemas[check.over].inputs + schemas[check.over].adds) > 1
    ]  # fmt: skip
    assert len(joined) >= 10
    assert schemas.keys() == {c.over for c in shipped().checks.values()} & schemas.keys(), (
        "a derivation nobody judges"
    )


def test_there_are_ratios_and_statements_that_lapse() -> None:
    """Some checks are shares with a threshold, and what only people can say is signed and lapses within a year."""
    assert sum(check.at_least is not None for check in shipped().checks.values()) >= 5
    signed = [one for control in shipped().controls for one in control.attestations]
    assert len(signed) >= 5
    assert all(one.valid_for.days <= 366 for one in signed)


# --- controls ------------------------------------------------------------------------------------


def test_there_are_at_least_twenty_controls_without_a_weak_spot() -> None:
    """The library is as large as an audit of the five frameworks' technical core needs, and lint finds nothing."""
    assert len(shipped().controls) >= 20
    assert [str(spot) for spot in lint(shipped())] == []


@pytest.mark.parametrize("control", shipped().controls, ids=lambda control: control.id)
def test_a_control_says_all_that_an_auditor_needs(control: Control) -> None:
    """Each control has a rationale, an owner, enforcement points, questions and mappings with a reason each."""
    assert control.enforcement_points
    assert len(control.auditor_asks) >= 2
    assert len(control.rationale) > 100
    assert all(question.endswith(("?", ".")) for question in control.auditor_asks)
    assert all(len(mapping.reason) > 30 and mapping.reason.endswith(".") for mapping in control.mappings)
    assert control.statement.endswith(".")


@pytest.mark.parametrize("framework", OURS)
def test_every_framework_is_answered_by_several_controls(framework: str) -> None:
    """No framework is served by a token mapping."""
    serving = {control.id for control, mapping in mapped() if mapping.requirement.startswith(f"{framework}:")}
    assert len(serving) >= 9


def test_every_mapped_requirement_exists_and_can_be_tested() -> None:
    """Mappings lead to assessable requirements that still stand."""
    requirements = shipped().requirements
    for control, mapping in mapped():
        requirement = requirements[mapping.requirement]
        assert requirement.assessable, (control.id, mapping.requirement)
        assert requirement.superseded_by is None, (control.id, mapping.requirement)
        assert requirement.status != "deleted", (control.id, mapping.requirement)


def test_no_control_claims_to_do_all_that_a_requirement_asks() -> None:
    """Technical checks on a few systems never equal a requirement: they intersect with it or are part of it."""
    assert {mapping.relationship for _, mapping in mapped()} <= {"intersects-with", "subset-of"}


def test_no_mapping_claims_more_than_it_argues() -> None:
    """A strength above eight would claim nearly all of a requirement; none does, and each is stated."""
    assert all(mapping.strength is not None and 1 <= mapping.strength <= 8 for _, mapping in mapped())


def test_attested_controls_claim_no_more_than_checked_ones() -> None:
    """A statement that somebody signed is weaker evidence than a check: at most seven."""
    for control, mapping in mapped():
        if not control.checks:
            assert (mapping.strength or 0) <= 7, (control.id, mapping.requirement)


# --- traps of law --------------------------------------------------------------------------------

LOGS_BY_DESIGN = re.compile(r"eu-ai-act:Art\.12\b")
LOGS_KEPT = re.compile(r"eu-ai-act:Art\.(19|26\(6\)|16\(e\))")
DOCUMENTS_KEPT = re.compile(r"eu-ai-act:Art\.(18|16\(d\)|11)\b")


@pytest.mark.parametrize("control", shipped().controls, ids=lambda control: control.id)
def test_ai_act_logs_and_documents_are_three_duties(control: Control) -> None:
    """The ability to log (Art. 12), keeping logs (Arts 19, 26(6)) and keeping documents (Art. 18) never share a control."""
    duties = (LOGS_BY_DESIGN, LOGS_KEPT, DOCUMENTS_KEPT)
    named = [duty for duty in duties if any(duty.match(target) for target in control.requirements)]
    assert len(named) <= 1


def test_each_of_the_three_duties_is_answered() -> None:
    """All three have a control of their own."""
    for duty in (LOGS_BY_DESIGN, LOGS_KEPT, DOCUMENTS_KEPT):
        assert any(duty.match(mapping.requirement) for _, mapping in mapped())


def test_a_deleted_paragraph_is_no_target() -> None:
    """Art. 10(5) of the AI Act moved to Art. 4a; nothing maps to it."""
    assert not any(mapping.requirement.startswith("eu-ai-act:Art.10(5)") for _, mapping in mapped())


def test_robustness_of_ai_is_not_security_of_processing() -> None:
    """Art. 15 of the AI Act and Art. 32 GDPR are never answered by the same control."""
    for control in shipped().controls:
        ai = any(target.startswith("eu-ai-act:Art.15") for target in control.requirements)
        assert not (ai and any(target.startswith("gdpr:Art.32") for target in control.requirements)), (
            control.id
        )


def test_an_approval_is_neither_oversight_nor_human_intervention() -> None:
    """Approval before use is not human oversight in operation (Art. 14) nor a person's right to intervention (Art. 22 GDPR)."""
    designed, asked = ("eu-ai-act:Art.14",), ("gdpr:Art.22",)
    assert not any(target.startswith(designed + asked) for target in targets("MLG-07"))
    for control in shipped().controls:
        both = [any(target.startswith(duty) for target in control.requirements) for duty in (designed, asked)]
        assert not all(both), control.id


def test_an_impact_assessment_under_gdpr_is_no_rights_assessment() -> None:
    """A data protection impact assessment does not answer Art. 27 of the AI Act."""
    assert not any(target.startswith("eu-ai-act:Art.27") for target in targets("PRV-08"))


def test_encryption_alone_does_not_answer_data_protection_by_design() -> None:
    """Controls on keys answer Art. 32(1)(a) GDPR and never Art. 25."""
    keys = [control for control in shipped().controls if control.family == "keys"]
    assert any("gdpr:Art.32(1)(a)" in control.requirements for control in keys)
    assert not any(target.startswith("gdpr:Art.25") for control in keys for target in control.requirements)


def test_encryption_does_not_excuse_authentication_data() -> None:
    """Sensitive authentication data may not be kept at all (3.3.1): scans that find them answer it, keys and tokens never."""
    answering = {
        control.id for control, mapping in mapped() if mapping.requirement.startswith("pci-dss-4.0.1:3.3.")
    }
    assert answering == {"ING-04"}


def test_addressable_is_not_optional() -> None:
    """Each mapping to an addressable specification says so, and that it is put in place; none calls it optional."""
    for control, mapping in mapped():
        spec = shipped().requirements[mapping.requirement].spec
        if spec == "addressable":
            assert "ddressable" in mapping.reason, (control.id, mapping.requirement)
            assert "optional" not in mapping.reason.lower()
        assert "optional" not in mapping.reason.lower()


def test_audit_controls_are_a_standard_and_not_addressable() -> None:
    """164.312(b) and (d) are standards without specifications, hence mandatory."""
    for citation in ("hipaa:164.312(b)", "hipaa:164.312(d)"):
        assert shipped().requirements[citation].spec is None
        assert any(mapping.requirement == citation for _, mapping in mapped())


def test_hipaa_confusions_are_avoided() -> None:
    """The decision log is no accounting of disclosures; six years are for documentation, not for raw logs; a consent is no authorisation."""
    accounting = ("hipaa:164.528",)
    assert not any(target.startswith(accounting) for target in targets("SRV-04"))
    assert "hipaa:164.316(b)(2)(i)" not in targets("LOG-03")
    assert not any(
        target.startswith("hipaa:164.508") for one in ("PRV-02", "PRV-03") for target in targets(one)
    )
    least = targets("IDN-08")
    assert not any(target.startswith(("hipaa:164.502(b)", "hipaa:164.514(d)")) for target in least)


def test_breach_duties_are_not_mixed_up_with_prevention() -> None:
    """Duties to notify are answered by controls on incidents and notices, and by who can tell whom a breach affects."""
    duties = re.compile(r"(gdpr:Art\.3[34]|hipaa:164\.4(0|1)|eu-ai-act:Art\.73)")
    answering = {control.id for control, mapping in mapped() if duties.match(mapping.requirement)}
    assert {name.partition("-")[0] for name in answering - {"LIN-03"}} <= {"INC", "MLG", "VND"}, answering


CRITERION = re.compile(r"soc2:(CC\d\.\d+|A1\.\d|PI1\.\d|C1\.\d|P\d\.\d)")


def test_only_criteria_of_soc_2_are_targets() -> None:
    """Points of focus are no requirements: every target is one of the 61 criteria."""
    aimed = {mapping.requirement for _, mapping in mapped() if mapping.requirement.startswith("soc2:")}
    assert all(CRITERION.fullmatch(target) for target in aimed)
    assert len(shipped().frameworks["soc2"].assessable) == 61


def test_access_measures_are_more_than_encryption() -> None:
    """CC6.1 is answered by identity controls too, not by keys alone."""
    families = {control.family for control, mapping in mapped() if mapping.requirement == "soc2:CC6.1"}
    assert {"identity", "keys"} <= families


ITEM = re.compile(r"pci-dss-4\.0\.1:(\d+\.\d+\.\d+|A\d\.\d\.\d)[\d.]*")


def test_headings_of_pci_are_no_targets() -> None:
    """Group headings (x.y) are not testable; neither are superseded items."""
    aimed = {mapping.requirement for _, mapping in mapped() if mapping.requirement.startswith("pci-dss")}
    assert all(ITEM.fullmatch(target) for target in aimed)
    assert not aimed & {f"pci-dss-4.0.1:{old}" for old in ("6.4.1", "8.3.10", "10.7.1")}


def test_manual_clear_key_work_is_not_answered_by_a_key_service() -> None:
    """Split knowledge (3.7.6) is about clear-text keys handled by people, which a key service does not do."""
    assert not any(mapping.requirement == "pci-dss-4.0.1:3.7.6" for _, mapping in mapped())


def test_retention_of_evidence_covers_the_longest_duty() -> None:
    """Evidence for HIPAA is kept six years at least, evidence on technical documentation ten."""
    for control in shipped().controls:
        if any(target.startswith("hipaa:") for target in control.requirements):
            assert control.retention.days >= 6 * 365, control.id
        if any(DOCUMENTS_KEPT.match(target) for target in control.requirements):
            assert control.retention.days >= 10 * 365, control.id


def test_lapsed_dates_of_the_ai_act_are_not_repeated() -> None:
    """No text of a control states a date of application: those stand in the framework's list alone."""
    for path in sorted(CONTROLS.glob("*.yaml")):
        assert not re.search(r"August 202[67]|2 Aug|202[678]-0[28]", path.read_text()), path.name
