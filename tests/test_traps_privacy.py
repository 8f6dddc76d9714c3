"""The traps of law on the side of privacy and AI: paragraphs that are often confused, dates, roles and clocks."""

from __future__ import annotations

import re

import pytest

from tests.shipped import shipped

TARGETS: dict[str, set[str]] = {
    control.id: {mapping.requirement for mapping in control.mappings} for control in shipped().controls
}


def answering(pattern: str) -> set[str]:
    """The controls that answer a requirement of this form."""
    wanted = re.compile(pattern)
    return {name for name, targets in TARGETS.items() if any(wanted.match(target) for target in targets)}


# --- AI Act ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("citation", "day"),
    [
        ("Art.9(1)", "2027-12-02"), ("Art.26(1)", "2027-12-02"), ("Art.27(1)(a)", "2027-12-02"),
        ("Art.50(1)", "2026-08-02"), ("Art.53(1)(a)", "2025-08-02"), ("Art.4(1)", "2025-02-02"),
        ("Art.4a(1)(a)", "2026-07-27"), ("Art.5(1)(ba)", "2026-12-02"), ("Art.111(4)", "2026-12-02"),
    ],
)  # fmt: skip
def test_dates_of_the_ai_act_are_those_of_the_amendment(citation: str, day: str) -> None:
    """High-risk duties begin in December 2027, the new bans and marking of older systems in December 2026."""
    assert str(shipped().requirements[f"eu-ai-act:{citation}"].applies_from) == day


def test_the_deleted_paragraph_on_bias_is_answered_in_its_new_place() -> None:
    """Art. 10(5) moved to Art. 4a, which has a control of its own."""
    assert answering(r"eu-ai-act:Art\.10\(5\)") == set()
    assert "MLG-19" in answering(r"eu-ai-act:Art\.4a")


@pytest.mark.parametrize("name", ["MLG-02", "MLG-13", "MLG-15", "MLG-22"])
def test_duties_of_providers_are_asked_of_providers(name: str) -> None:
    """Controls on the duties of providers judge systems that the organisation provides."""
    control = next(one for one in shipped().controls if one.id == name)
    over = [check for check in control.checks if check.over == "ai_system_record"]
    assert any('system.role == "provider"' in (check.where or "") for check in over)


@pytest.mark.parametrize("name", ["MLG-20", "PRV-16"])
def test_duties_of_deployers_are_asked_of_deployers(name: str) -> None:
    """Art. 26 and 27 bind deployers; no provider's system is judged by them."""
    control = next(one for one in shipped().controls if one.id == name)
    over = [check for check in control.checks if check.over == "ai_system_record"]
    assert over
    assert all('system.role == "deployer"' in (check.where or "") for check in over)


def test_designed_oversight_is_not_a_persons_right() -> None:
    """Art. 14 of the AI Act and Art. 22 GDPR are never answered by one control, nor by an approval."""
    oversight, right = answering(r"eu-ai-act:Art\.14"), answering(r"gdpr:Art\.22")
    assert oversight
    assert right
    assert not oversight & right
    assert "MLG-07" not in oversight | right


def test_a_rights_assessment_is_no_data_protection_assessment() -> None:
    """Art. 27 of the AI Act and Art. 35 GDPR have controls of their own."""
    assert not answering(r"eu-ai-act:Art\.27\(1\)") & answering(r"gdpr:Art\.35\(7\)")


def test_making_keeping_and_documenting_are_three_controls() -> None:
    """Logging by design, keeping logs for half a year and keeping documents for ten years never meet."""
    made = answering(r"eu-ai-act:Art\.12\(")
    logs, papers = answering(r"eu-ai-act:Art\.(19|26\(6\))"), answering(r"eu-ai-act:Art\.18")
    assert {"MLG-17"} <= made
    assert {"MLG-21"} <= logs
    assert {"MLG-08"} <= papers
    assert not made & logs
    assert not logs & papers
    assert not made & papers


def test_clocks_of_ai_incidents_are_fifteen_ten_and_two_days() -> None:
    """Art. 73: 15 days, 10 in case of death, 2 where it is widespread; not the 72 hours of a breach."""
    expect = str(shipped().checks["serious-ai-incident-reported-in-time"].expect)
    assert all(hours in expect for hours in ('"360h"', '"240h"', '"48h"'))
    assert '"72h"' not in expect


# --- data protection, United Kingdom, California ------------------------------------------------------


def test_decisions_are_three_regimes() -> None:
    """The Union's Art. 22, the United Kingdom's Art. 22A to 22C and California's rules are judged apart."""
    union, kingdom = answering(r"gdpr:Art\.22\(1\)"), answering(r"uk-gdpr:Art\.22C")
    california = answering(r"cpra:7221\(a\)")
    assert "PRV-07" in union
    assert "PRV-17" in kingdom
    assert "PRV-18" in california
    assert not union & kingdom
    assert not kingdom & california
    assert not union & california


def test_consent_authorisation_and_opt_out_are_different_objects() -> None:
    """GDPR consent, authorisation under health law and opt-out of sale never share a control."""
    consent, paper = answering(r"gdpr:Art\.7\("), answering(r"hipaa:164\.508")
    choice = answering(r"cpra:1798\.120\(d\)")
    assert consent
    assert paper
    assert choice
    assert not consent & paper
    assert not paper & choice
    assert not consent & choice


def test_an_accounting_of_disclosures_is_no_access_log() -> None:
    """164.528 is answered from the ledger of disclosures and not from logs of access or decisions."""
    assert answering(r"hipaa:164\.528") == {"PRV-11"}


def test_an_unkeyed_hash_is_no_re_identification_code() -> None:
    """164.514(c): a code derived from the person fails."""
    check = shipped().checks["release-has-no-identifiers"]
    assert any(one.kind == "fail" and one.value.get("codes") == "derived" for one in check.examples)


def test_minimum_necessary_is_the_privacy_rule() -> None:
    """164.502(b) and 164.514(d) are not answered by the controls on access authorisation."""
    assert (
        not answering(r"hipaa:164\.(502\(b\)|514\(d\))") & answering(r"hipaa:164\.308\(a\)\(4\)") & {"IDN-08"}
    )


def test_clauses_of_the_union_do_not_serve_the_united_kingdom() -> None:
    """A transfer under UK law on standard clauses alone fails."""
    check = shipped().checks["united-kingdom-transfer-has-its-own-instrument"]
    assert any(one.kind == "fail" and one.value["mechanism"] == "sccs" for one in check.examples)


def test_officers_certify_and_machines_do_not() -> None:
    """Certificates of section 302 rest on a signed statement, since the act knows no technical control."""
    control = next(one for one in shipped().controls if one.id == "GOV-09")
    assert "sox:302(a)(1)" in TARGETS["GOV-09"]
    assert [one.id for one in control.attestations] == ["officers-certified"]


def test_encryption_alone_is_no_design() -> None:
    """Art. 25 GDPR is answered by several families, none of them keys."""
    by_design = {control.family for control in shipped().controls if "gdpr:Art.25(1)" in TARGETS[control.id]}
    assert len(by_design) >= 3
    assert "keys" not in by_design
