"""Suppliers: who processes what under which contract, and where it goes."""

from __future__ import annotations

from collectors.register.columns import register
from compliance.facts import Field

VENDOR = register(
    "vendor",
    "A supplier or processor. The resource is its id.",
    ("name", "string", "Name"),
    ("category", "string?", "What it supplies, such as cloud, labelling or model API"),
    ("criticality", "string?", "critical, high, medium or low"),
    ("processes_personal_data", "bool", "Whether it processes personal data"),
    ("data_classes", "strings", "Classes of data that it gets"),
    ("datasets", "strings", "Datasets that it gets, NAMESPACE/NAME"),
    ("country", "string?", "Country in which it processes"),
    ("dpa_signed", "time?", "When the data processing agreement was signed"),
    ("dpa_expires", "time?", "When that agreement ends"),
    ("baa_signed", "time?", "When the business associate agreement was signed (HIPAA)"),
    (
        "transfer_mechanism", "string?",
        "Ground of a transfer abroad: sccs, adequacy, bcr, derogation or none",
    ),
    ("sccs_signed", "time?", "When the standard contractual clauses were signed"),
    ("transfer_assessed", "time?", "When the transfer impact was assessed"),
    ("security_terms", "bool?", "Whether the contract states security requirements"),
    ("incident_notice_hours", "int?", "Hours within which it must report an incident"),
    ("audit_right", "bool?", "Whether the contract gives a right to audit"),
    Field(
        "certificates", "records", "Certificates and attestations held on file",
        fields=(Field("name", "string", "Name, such as iso27001, soc2 or pci-aoc"), Field("valid_until", "time", "Until when it holds")),
    ),
    ("subprocessors", "strings", "Its subprocessors"),
    ("subprocessors_reviewed", "time?", "When the list of subprocessors was last looked at"),
    ("last_assessed", "time?", "Last assessment of the supplier"),
    ("next_assessment", "time?", "When the next is due"),
    ("risk", "string?", "Result of the assessment: critical, high, medium or low"),
    ("exit_plan", "bool?", "Whether there is a plan to leave"),
    ("contract_ends", "time?", "When the contract ends"),
    ("active", "bool", "Whether it is in use"),
    ("owner", "string?", "Who answers for it"),
    (
        "roles", "strings",
        ("processor, business-associate, service-provider, third-party, financial-service, card- "
        "service, model-provider or group-company"),
    ),
    (
        "contracts", "strings",
        ("Kinds of agreement in force: dpa, baa, cpra, clauses, uk-addendum, safeguards, pci or ai-"
        "supply"),
    ),
    ("clauses", "strings", "Terms that they have"),
    ("approved", "time?", "When it was approved after due diligence"),
    ("live_since", "time?", "Since when data go there"),
    ("monitored", "time?", "When its posture was last looked at"),
    ("adverse_change", "time?", "Last adverse change that this showed"),
    ("adverse_change_reviewed", "time?", "When that was reviewed"),
    ("subprocessors_authorised", "strings", "Subprocessors that were authorised"),
    ("subprocessors_bound", "strings", "Subprocessors bound by the same terms"),
    ("responsibilities_agreed", "time?", "When the matrix of responsibilities was last agreed"),
    ("customer_keys", "bool?", "Whether the keys are held by us"),
    ("customer_keys_offered", "bool?", "Whether it offers that"),
    ("masked_before_sending", "bool?", "Whether identifiers are masked before data go there"),
    ("data_returned", "time?", "When data were confirmed returned or destroyed"),
)  # fmt: skip
TRANSFER = register(
    "transfer",
    "A transfer of personal data to another country. The resource is its id.",
    ("recipient", "string", "Who gets the data"),
    ("country", "string", "Country in which they get it"),
    ("mechanism", "string", "Ground: sccs, adequacy, bcr, derogation or none"),
    ("signed", "time?", "When the instrument was signed"),
    ("expires", "time?", "When it ends"),
    ("impact_assessed", "time?", "When the transfer impact was assessed"),
    ("reviewed", "time?", "Last review"),
    ("datasets", "strings", "Datasets that are transferred, NAMESPACE/NAME"),
    ("supplementary_measures", "strings", "Measures beside the instrument"),
    ("owner", "string?", "Who answers for it"),
    ("law", "string?", "Law that it rests on"),
    ("assessment_finds", "string?", "sufficient, or what is missing"),
    ("ground", "string?", "For a derogation, which and why"),
    ("purposes", "strings", "Purposes for which data go"),
    ("ended", "time?", "When it ended"),
)  # fmt: skip
