"""What a statement names, and by which words it shows that a check reads it.

Pure. A list of the things that statements about a data pipeline name most, each with the words that name it in
prose and those that show it among the facts. It is made for finding claims that outrun their checks; it proves
nothing where it finds none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from compliance.library.model import Check, Control


@dataclass(frozen=True)
class Thing:
    """Something that a statement may name."""

    name: str
    said: re.Pattern[str]
    """How prose names it."""
    read: re.Pattern[str]
    """What a check that reads it has in its fact type, its fields and what they mean."""


def _thing(name: str, said: str, read: str = "") -> Thing:
    # What names it in prose counts among the facts too, except the ending that makes it a noun.
    return Thing(
        name, re.compile(rf"\b(?:{said})", re.IGNORECASE), re.compile(f"{said}|{read or said}", re.IGNORECASE)
    )


THINGS: tuple[Thing, ...] = (
    _thing("accuracy", "accuracy|precision metric"),
    _thing("approval", "approv", "sign|review|decid"),
    _thing("backup", "backup|back-up|restor", "recover|replica"),
    _thing("classification", "classif|sensitivity label", "sensitiv|class|personal"),
    _thing("consent", "consent", "withdr"),
    _thing("data contract", "data contract", "contract"),
    _thing("deletion", "delet|erasur|erased|tombston", "purg|vacuum|forg[eo]t"),
    _thing("drift", "drift"),
    _thing("encryption", "encrypt", "kms|cipher|tls|key"),
    _thing("exfiltration", "exfiltrat|data loss", "egress|anomal|export"),
    _thing("fairness", "fairness|bias|disparit", "parity|group"),
    _thing("firewall", "firewall|subnet|network segment", "network|egress|ingress|public|security_group"),
    _thing("incident", "incident"),
    _thing("key rotation", "rotat"),
    _thing("lineage", "lineage", "input|output|run"),
    _thing("logging", r"logged\b|log entr|audit log|audit trail", "log|trail|decision|event"),
    _thing("malware", "malware|malicious code", "scan|sarif"),
    _thing("multi-factor authentication", "multi-factor|second factor|mfa", "factor"),
    _thing("object lock", "object lock|write-once|immutab|worm", "lock|retention|mode"),
    _thing("output filter", "output filter|guardrail|prompt injection", "filter|prompt|blocked"),
    _thing("password", "password"),
    _thing("patching", "patch", "vulnerab|cve|fixed|version|scan|finding"),
    _thing("pseudonymisation", "pseudonym|tokenis|masked|masking", "token|mask|hash|vault"),
    _thing("public access", "public access|publicly", "public|anyone|open"),
    _thing("quality", "data quality|quality check|quality test", "quality|assertion|valid|expectation|passed"),
    _thing("quota", "rate limit|quota|throttl", "limit|rate"),
    _thing("region", r"region\b|regions\b|residenc", "location|country"),
    _thing("retention period", "retention period|retention limit|retained|kept no longer", "retention|age|expire|days"),
    _thing("retrieval index", "vector|embedding|retrieval index", "index"),
    _thing("robustness", "robustness|adversarial|poison", "attack|perturb"),
    _thing("rollback", "rollback|roll back|rolled back", "previous|prior|stage|alias"),
    _thing("schema registry", "schema registry|compatib", "schema"),
    _thing("secret", r"secret\b|secrets\b|credential", "token|key|password"),
    _thing("separation of duties", "separation of duties|four eyes|not the one who", "author|approve|request|same|self"),
    _thing("signature", "signature|signed image|signed artefact", "sign|attest|provenance|digest"),
    _thing("subprocessor", "subprocessor|sub-processor", "processor|vendor"),
    _thing("supplier", "supplier|vendor|processor agreement", "processor|dpa|register"),
    _thing("transfer", "transfer outside|third countr|standard contractual", "transfer|region|country|residen"),
    _thing("transport encryption", r"in transit|\btls\b", "transit|tls|https|secure_transport"),
    _thing("vulnerability", "vulnerab", "cve|scan|sarif|finding|patch"),
)  # fmt: skip


def unread_things(control: Control) -> list[str]:
    """What the statement of a control names and neither a check reads, a signed statement says nor it owns up to."""
    shown = " ".join(
        (*map(_read, control.checks), *(f"{one.title} {one.statement}" for one in control.attestations))
    )
    return [
        thing.name
        for thing in THINGS
        if thing.said.search(control.statement)
        and not thing.read.search(shown)
        and thing.name not in control.untested
    ]


def named(statement: str) -> list[str]:
    """The things that a statement names."""
    return [thing.name for thing in THINGS if thing.said.search(statement)]


def _read(check: Check) -> str:
    """Everything that says what a check reads: fact type, fields, what they mean, what they are compared with."""
    top = {path.partition(".")[0] for path in check.reads}
    meant = (part.doc for part in check.schema.fields if part.name in top)
    return " ".join((check.over, check.schema.doc, *check.reads, *meant, check.where or "", check.expect))
