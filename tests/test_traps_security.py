"""The traps of law on the side of security: what is often mapped wrongly is not mapped so here."""

from __future__ import annotations

import re

import pytest

from compliance.library import Answering, Control
from tests.shipped import shipped

SECURITY = frozenset({
    "identity", "secrets", "network", "storage", "keys", "serving", "llm", "tokenisation", "logging", "change",
    "vulnerabilities", "incidents", "resilience", "observability",
})  # fmt: skip
LIBRARY = shipped()


def claims(*requirements: str) -> list[tuple[Control, Answering]]:
    """Every mapping to one of these requirements, or to one that begins like them."""
    return [
        (control, mapping)
        for control in LIBRARY.controls
        for mapping in control.mappings
        if mapping.requirement.startswith(requirements)
    ]


def answering(requirement: str) -> set[str]:
    """The controls that answer one requirement."""
    return {control.id for control in LIBRARY.controls_of(requirement)}


# --- HIPAA ---------------------------------------------------------------------------------------


def test_there_are_exactly_22_addressable_specifications() -> None:
    """Both on encryption are among them; audit controls and authentication are standards and are not."""
    spec = {name: one.spec for name, one in LIBRARY.requirements.items() if name.startswith("hipaa:")}
    assert sum(value == "addressable" for value in spec.values()) == 22
    assert spec["hipaa:164.312(a)(2)(iv)"] == spec["hipaa:164.312(e)(2)(ii)"] == "addressable"
    assert spec["hipaa:164.312(b)"] is spec["hipaa:164.312(d)"] is None


def test_addressable_encryption_is_put_in_place_and_checked() -> None:
    """Addressable is not a choice to leave out: both encryption specifications have a check, and a reason that says so."""
    for name in ("hipaa:164.312(a)(2)(iv)", "hipaa:164.312(e)(2)(ii)"):
        assert any(control.checks for control in LIBRARY.controls_of(name)), name
        assert all("ddressable" in mapping.reason for _, mapping in claims(name))


def test_nothing_is_measured_against_rules_that_are_only_proposed() -> None:
    """The proposal of January 2025 (72 hours to restore, no addressable ones) is no requirement: no text cites it."""
    texts = [
        f"{c.statement} {c.rationale} {' '.join(m.reason for m in c.mappings)}" for c in LIBRARY.controls
    ]
    assert not any(re.search(r"NPRM|proposed rule|Jan(uary)? 2025", text) for text in texts)


def test_minimum_necessary_is_not_access_authorisation() -> None:
    """Limiting what a use needs (164.502(b)) is answered where fields are served, not by controls on roles in the cloud."""
    assert "SRV-02" in answering("hipaa:164.502(b)(1)")
    assert not answering("hipaa:164.502(b)(1)") & {"IDN-02", "IDN-03", "IDN-08", "IDN-10"}


def test_a_trail_of_access_is_no_accounting_of_disclosures() -> None:
    """164.528 is not answered by any log of access or decisions."""
    assert not {control.family for control, _ in claims("hipaa:164.528")} & SECURITY


def test_six_years_are_for_documents_and_not_for_raw_logs() -> None:
    """Logs are kept twelve months; the six-year duty on documentation is not answered by them."""
    assert "LOG-03" not in answering("hipaa:164.316(b)(2)(i)")
    assert ">= 365" in LIBRARY.checks["logs-locked-and-kept"].expect


def test_codes_for_reidentification_need_a_key() -> None:
    """An unkeyed hash derives from the person (164.514(c)): the check demands a key of one domain."""
    assert "keyed" in LIBRARY.checks["pseudonyms-are-keyed"].reads
    assert "PET-02" in answering("hipaa:164.514(c)")


def test_breach_clocks_of_health_data_differ_by_size() -> None:
    """Individuals within 60 days; the health authority at the same time only for 500 or more."""
    assert "1440h" in LIBRARY.checks["people-told-in-60-days"].expect
    large = LIBRARY.checks["large-health-breach-reported"]
    assert large.where is not None
    assert "people >= 500" in large.where


# --- GDPR, UK, AI Act ----------------------------------------------------------------------------


def test_the_authority_is_told_within_72_hours() -> None:
    """The proposal for 96 hours is not law."""
    check = LIBRARY.checks["authority-told-in-72-hours"]
    assert '"72h"' in check.expect
    assert "96" not in check.expect


def test_telling_the_authority_telling_people_and_the_register_are_three_duties() -> None:
    """Art. 33(1), 34(1) and 33(5) are judged by different checks; the register holds every breach, notified or not."""
    assert answering("gdpr:Art.33(5)") == {"INC-02"}
    assert "INC-03" in answering("gdpr:Art.33(1)") & answering("gdpr:Art.34(1)")
    register = LIBRARY.checks["breach-is-registered"]
    assert register.where is not None
    assert "regimes" not in register.where


@pytest.mark.parametrize("family", ["keys", "storage", "secrets"])
def test_encryption_is_security_and_not_design(family: str) -> None:
    """Encrypting evidences 32(1)(a); Art. 25 is answered by measures for all principles."""
    mapped = [(control, one) for control, one in claims("gdpr:Art.25") if control.family == family]
    assert {control.id for control, _ in mapped} <= {"STO-04"}


def test_continuous_monitoring_and_tests_by_attack_are_evaluation_of_measures() -> None:
    """Art. 32(1)(d) is about testing: scans, attacks and monitoring answer it, encryption does not."""
    families = {control.family for control in LIBRARY.controls_of("gdpr:Art.32(1)(d)")}
    assert "vulnerabilities" in families
    assert not families & {"keys", "storage", "network"}


def test_robustness_of_ai_is_not_security_of_processing_here() -> None:
    """Art. 15 of the AI Act and Art. 32 GDPR never share a control."""
    for control in LIBRARY.controls:
        ai = any(name.startswith("eu-ai-act:Art.15") for name in control.requirements)
        assert not (ai and any(name.startswith("gdpr:Art.32") for name in control.requirements)), control.id


def test_incident_clocks_of_the_ai_act_are_fifteen_ten_and_two_days() -> None:
    """Art. 73(2) to (4): 15 days, 10 where a person may have died, 2 where widespread or critical."""
    text = LIBRARY.checks["serious-ai-incident-reported"].expect
    assert re.search(r'widespread \? duration\("48h"\)', text)
    assert re.search(r'death \? duration\("240h"\) : duration\("360h"\)', text)


def test_marking_is_a_providers_duty_and_deep_fakes_a_deployers() -> None:
    """Art. 50(1) and (2) bind providers, 50(4) deployers; the list says so."""
    actors = {name: LIBRARY.requirements[f"eu-ai-act:Art.50({name})"].actor for name in "124"}
    assert actors == {"1": "provider", "2": "provider", "4": "deployer"}


def test_uk_article_22_is_gone() -> None:
    """No control maps to a UK Art. 22, which Articles 22A to 22D have replaced."""
    assert "uk-gdpr:Art.22" not in LIBRARY.requirements
    assert not [
        mapping for _, mapping in claims("uk-gdpr:Art.22") if not mapping.requirement[14:15].isalpha()
    ]


# --- GLBA ----------------------------------------------------------------------------------------


def test_glba_encryption_and_second_factor_are_mandatory_and_checked() -> None:
    """314.4(c)(3) and (c)(5) leave no choice: each is answered by checks at rest, in transit and at sign-in."""
    assert {"KMS-01", "KMS-02"} <= answering("glba:314.4(c)(3)")
    assert "IDN-02" in answering("glba:314.4(c)(5)")
    assert all("mandatory" in m.reason for c, m in claims("glba:314.4(c)(3)", "glba:314.4(c)(5)")
               if c.id in {"KMS-01", "KMS-02", "IDN-02"})  # fmt: skip


def test_yearly_test_and_half_yearly_scan_are_the_fallback_and_done_anyway() -> None:
    """314.4(d)(2): a test each year, a scan each six months; ours are at most a year and a quarter apart."""
    assert "8784h" in LIBRARY.checks["system-tested-by-attack"].expect
    assert "2208h" in LIBRARY.checks["system-scanned-with-login"].expect


def test_the_ftc_is_told_within_30_days_of_500_consumers() -> None:
    """314.4(j) has a size and a clock of its own."""
    check = LIBRARY.checks["financial-authority-told-in-30-days"]
    assert '"720h"' in check.expect
    assert check.where is not None
    assert "people >= 500" in check.where


# --- PCI DSS -------------------------------------------------------------------------------------


def test_superseded_items_of_pci_are_no_targets() -> None:
    """6.4.1, 8.3.10 and 10.7.1 point to what replaced them."""
    replaced = {"6.4.1": "6.4.2", "8.3.10": "8.3.10.1", "10.7.1": "10.7.2"}
    for old, new in replaced.items():
        assert LIBRARY.requirements[f"pci-dss-4.0.1:{old}"].superseded_by == new
        assert not answering(f"pci-dss-4.0.1:{old}")


def test_one_month_is_for_critical_vulnerabilities_and_ours_is_not_laxer() -> None:
    """6.3.3: critical ones within a month."""
    check = LIBRARY.checks["serious-vulnerability-mended"]
    assert '"720h"' in check.expect
    assert check.where is not None
    assert '"critical"' in check.where


def test_disk_encryption_alone_does_not_make_card_numbers_unreadable() -> None:
    """3.5.1.2: the value or the service protects; no claim rests on volumes alone."""
    assert {"PET-01", "KMS-02"} <= answering("pci-dss-4.0.1:3.5.1.2")
    assert not any("volume" in mapping.reason.lower() for _, mapping in claims("pci-dss-4.0.1:3.5.1.2"))


def test_hashes_of_card_numbers_are_keyed() -> None:
    """3.5.1.1 is answered by keyed pseudonyms."""
    assert answering("pci-dss-4.0.1:3.5.1.1") == {"PET-02"}


def test_authentication_data_are_never_answered_by_encryption_or_tokens() -> None:
    """3.3.1: not kept at all after authorisation, encrypted or not."""
    families = {control.family for control, _ in claims("pci-dss-4.0.1:3.3.1")}
    assert not families & {"keys", "storage", "tokenisation"}


def test_the_token_vault_never_leaves_scope() -> None:
    """Tokens may leave scope, the vault does not: the rationale says so, and reversals are judged."""
    assert "the vault never does" in LIBRARY.control_of("PET-01").rationale
    assert "reversals_without_purpose" in LIBRARY.checks["reversals-state-a-purpose"].reads


def test_logs_are_kept_twelve_months_with_three_at_hand() -> None:
    """10.5.1."""
    text = LIBRARY.checks["logs-locked-and-kept"].expect
    assert "retention_days >= 365" in text
    assert "hot_days >= 90" in text


def test_service_provider_items_are_marked_as_conditional() -> None:
    """Items for service providers only bear the mark, so that scope can leave them out."""
    assert LIBRARY.requirements["pci-dss-4.0.1:11.4.6"].service_provider_only
    assert LIBRARY.requirements["pci-dss-4.0.1:3.6.1.1"].service_provider_only


# --- SOX, SOC 2, ISO, FedRAMP, CSF ---------------------------------------------------------------


def test_sox_has_no_technical_section() -> None:
    """Security controls answer the conventional general controls and record-keeping, never 302 or 404 themselves."""
    mapped = [(c, m) for c, m in claims("sox:302", "sox:404", "sox:906") if c.family in SECURITY]
    assert mapped == []


def test_criteria_of_monitoring_evaluation_and_response_are_told_apart() -> None:
    """CC7.1 configuration and vulnerabilities, CC7.2 anomalies, CC7.3 evaluation, CC7.4 response."""
    assert {"CHG-03", "VUL-01"} <= answering("soc2:CC7.1")
    assert not answering("soc2:CC7.1") & {"LOG-04", "LOG-05", "INC-01"}
    assert "LOG-04" in answering("soc2:CC7.2")
    assert {"INC-02", "LOG-05"} <= answering("soc2:CC7.3")
    assert answering("soc2:CC7.4") & {"INC-01", "INC-02"}
    assert not answering("soc2:CC7.4") & {"LOG-04", "VUL-01"}


def test_logical_access_is_more_than_encryption() -> None:
    """CC6.1 is answered by identity, network and serving as well as by keys."""
    families = {control.family for control in LIBRARY.controls_of("soc2:CC6.1")}
    assert {"identity", "network", "serving", "keys"} <= families


def test_numbering_of_iso_is_that_of_2022() -> None:
    """93 controls in A.5 to A.8; nothing of A.9 to A.18."""
    annex = [r for r in LIBRARY.frameworks["iso27001-2022"].assessable if r.citation.startswith("A.")]
    assert len(annex) == 93
    assert all(re.fullmatch(r"A\.[5-8]\.\d+", one.citation) for one in annex)


def test_new_controls_of_iso_2022_are_answered() -> None:
    """Threat intelligence, cloud, deletion, masking, leakage and monitoring are new in 2022."""
    for number in ("A.5.7", "A.5.23", "A.8.10", "A.8.11", "A.8.12", "A.8.16"):
        assert answering(f"iso27001-2022:{number}"), number


def test_fedramp_has_323_controls_in_one_notation() -> None:
    """Enhancements are written AC-2(1), never AC-02(01), and the moderate baseline of revision 5 is whole."""
    ids = [one.citation for one in LIBRARY.frameworks["fedramp-moderate"].assessable]
    assert len(ids) == 323
    assert all(re.fullmatch(r"[A-Z]{2}-[1-9]\d*(\([1-9]\d*\))?", one) for one in ids)


def test_ids_of_csf_1_1_are_not_used() -> None:
    """106 subcategories of 2.0; PR.AC-1 and PR.DS-5 are gone."""
    ids = [one.citation for one in LIBRARY.frameworks["nist-csf-2.0"].assessable]
    assert len(ids) == 106
    assert all(re.fullmatch(r"[A-Z]{2}\.[A-Z]{2}-\d{2}", one) for one in ids)
    assert "ID.AM-06" not in ids


def test_reasons_are_written_for_their_pair() -> None:
    """No two mappings of the library share a reason."""
    reasons = [mapping.reason for control in LIBRARY.controls for mapping in control.mappings]
    assert len(set(reasons)) == len(reasons)
