"""Each AI system joined with how it is operated, its technical files, risks, models and their evaluations.

Pure. The inventory says what the system is; five other registers and the model registry say what was
done about it. The resource is the system's id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.registers import (
    absent_unless,
    by,
    hidden,
    names,
    seen_is,
    unlisted,
    unplaced,
    when,
)
from compliance.derived.sight import unless
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

ANNEX_IV = (
    "description",
    "development",
    "monitoring",
    "metrics",
    "risk-management",
    "changes",
    "post-market",
)
"""Parts of the technical file that a machine can tell to be there (points 1 to 6 and 9 of Annex IV)."""
INSTRUCTIONS = (
    "purpose", "accuracy", "risks", "explainability", "groups", "input-data", "output", "changes", "oversight", "logs",
)  # fmt: skip
"""Parts of the instructions for use (Art. 13(3)(b) to (d) and (f))."""
FRIA = ("processes", "duration", "people", "harms", "oversight", "response")
"""Parts of a fundamental-rights impact assessment (Art. 27(1)(a) to (f))."""
_SYSTEM = (
    "role", "risk_class", "owner", "prohibited_practices_reviewed", "classification_reason", "in_service_since",
    "conformity_assessed", "registered", "declaration_signed", "log_retention_days", "oversight_tested",
    "post_market_plan", "post_market_reviewed", "quality_management",
)  # fmt: skip
_OPERATION = (
    "profiling", "annex_use", "released", "modified", "role_reviewed", "instructions_received",
    "settings_follow_instructions", "input_checked", "interacts_with_people", "generates_content",
    "decides_about_people", "disclosures_tested", "overseers", "overseers_trained", "override_tested",
    "explained_on_request", "deployers_trained", "people_told", "opt_out", "human_path",
    "weighs_sensitive_data", "sensitive_condition",
)  # fmt: skip
_LISTS = ("screened_for", "disclosures", "content_safeguards", "log_events", "oversight")

AI_SYSTEM_RECORD = FactSchema(
    "ai_system_record",
    "An AI system with its operation, technical files, risks, models, evaluations and suppliers.",
    (
        Field("role", "string", "provider, deployer, importer or distributor"),
        Field("risk_class", "string", "prohibited, high, limited, minimal or gpai"),
        Field("in_service", "bool", "Whether it is in service."),
        Field("owner", "string", "Who answers for it.", optional=True),
        Field("prohibited_practices_reviewed", "time", "When it was held against them.", optional=True),
        Field("classification_reason", "string", "Why it has that class.", optional=True),
        Field("in_service_since", "time", "Since when.", optional=True),
        Field("conformity_assessed", "time", "When conformity was assessed.", optional=True),
        Field("registered", "time", "When it was registered in the EU database.", optional=True),
        Field("declaration_signed", "time", "When the declaration of conformity was signed.", optional=True),
        Field("log_retention_days", "int", "Days for which its logs are kept.", optional=True),
        Field("oversight_tested", "time", "When stopping it was last tried.", optional=True),
        Field("post_market_plan", "time", "Date of the plan for monitoring it in service.", optional=True),
        Field("post_market_reviewed", "time", "Last review under that plan.", optional=True),
        Field("quality_management", "bool", "Whether a quality management system covers it.", optional=True),
        Field("operated", "bool", "Whether the register of operation has it."),
        Field("profiling", "bool", "Whether it profiles people.", optional=True),
        Field("annex_use", "string", "Listed high-risk use or product law.", optional=True),
        Field("released", "time", "The last release.", optional=True),
        Field("modified", "time", "The last substantial modification or change of purpose.", optional=True),
        Field("role_reviewed", "time", "When its role was last reviewed.", optional=True),
        Field("instructions_received", "time", "When the provider's instructions were received.", optional=True),
        Field("settings_follow_instructions", "bool", "Whether its settings agree with them.", optional=True),
        Field("input_checked", "time", "When its input data were last checked.", optional=True),
        Field("interacts_with_people", "bool", "Whether people talk or write to it.", optional=True),
        Field("generates_content", "bool", "Whether it makes content for others.", optional=True),
        Field("decides_about_people", "bool", "Whether decisions about people rest on it.", optional=True),
        Field("disclosures_tested", "time", "When its disclosures were last tested.", optional=True),
        Field("overseers", "int", "People assigned to oversee it.", optional=True),
        Field("overseers_trained", "int", "Of them, those with current training.", optional=True),
        Field("override_tested", "time", "The last test of overriding it.", optional=True),
        Field("explained_on_request", "bool", "Whether a decision is explained on request.", optional=True),
        Field("deployers_trained", "bool", "Whether those who use it are informed and trained.", optional=True),
        Field("people_told", "bool", "Whether people are told that it takes part in decisions.", optional=True),
        Field("opt_out", "bool", "Whether people can refuse to be decided about by it.", optional=True),
        Field("human_path", "bool", "Whether a person reviews contested outcomes.", optional=True),
        Field("weighs_sensitive_data", "bool", "Whether it decides on special categories.", optional=True),
        Field("sensitive_condition", "string", "The condition under which it may.", optional=True),
        Field("screened_for", "strings", "Prohibited practices that the screening went through."),
        Field("disclosures", "strings", "What it discloses about itself and its output."),
        Field("content_safeguards", "strings", "Forbidden content that its filters stop."),
        Field("log_events", "strings", "Events that it logs by itself."),
        Field("oversight", "strings", "Means of oversight that it has."),
        Field("unregistered_models", "strings", "Models that it runs and the model registry does not have."),
        Field("passed", "strings", "Kinds of evaluation that every model of it has passed since its creation."),
        Field("file_missing", "strings", "Parts of the technical file that are not there."),
        Field("file_updated", "time", "Last change of the technical file.", optional=True),
        Field("instructions_missing", "strings", "Parts of the instructions for use that are not there."),
        Field("files", "strings", "Kinds of file on record."),
        Field("kept_short", "strings", "Kinds kept for less than ten years from being put into service."),
        Field("quality_sections", "strings", "Parts of the quality system that are documented."),
        Field("risks", "int", "Risks on record."),
        Field("risk_topics", "strings", "What those risks consider."),
        Field("risks_stale", "strings", "Risks not assessed since the last release, or never."),
        Field("risks_open", "strings", "Risks without a measure carried out, tested or accepted."),
        Field("risk_treatments", "strings", "Ways of treatment that were carried out."),
        Field("fria_missing", "strings", "Parts of the approved fundamental-rights assessment that are not there."),
        Field("unbound_suppliers", "strings", "Suppliers of its parts without terms on supply of AI."),
    ),
    inputs=("ai_system",),
    adds=("ai_operation", "technical_file", "ai_risk", "model_version", "model_evaluation", "dpia", "vendor"),
)  # fmt: skip
_TEN_YEARS_DAYS = 3650


def _key(field: str | None) -> Callable[[Fact], list[str]]:
    """What rows are looked up by: a field of names, or the resource itself."""
    return lambda row: [row.resource] if field is None else names(row, field)


@dataclass(frozen=True)
class _Registers:
    """The registers by system or model, and whether the absence of a row means anything."""

    rows: Mapping[str, Mapping[str, list[Fact]]]
    whole: Mapping[str, Unseen | None]

    @classmethod
    def of(cls, base: FactBase) -> _Registers:
        keys = {
            "ai_operation": None, "technical_file": "subject", "ai_risk": "system", "model_version": "name",
            "model_evaluation": "model", "dpia": "systems", "vendor": None,
        }  # fmt: skip
        rows = {type_: by(base.facts(type_), _key(field)) for type_, field in keys.items()}
        whole = {
            type_: unlisted(base, type_) if field is None else unplaced(base, type_, field)
            for type_, field in keys.items()
        }
        return cls(rows, whole)

    def of_system(self, type_: str, system: Fact) -> list[Fact]:
        """The rows about a system."""
        return self.rows[type_].get(system.resource, [])


def ai_system_records(base: FactBase) -> Iterator[Fact]:
    """Every AI system of the inventory."""
    registers = _Registers.of(base)
    for system in base.facts("ai_system"):
        operation = next(iter(registers.of_system("ai_operation", system)), None)
        looked: dict[str, Looked] = {name: look(system, name) for name in _SYSTEM}
        status = look(system, "status")
        looked["in_service"] = status if isinstance(status, Unseen) else status == "in-service"
        looked |= _operated(operation, registers) | _modelled(system, registers)
        looked |= (
            _filed(system, registers) | _risked(system, operation, registers) | _assessed(system, registers)
        )
        looked["unbound_suppliers"] = _unbound(operation, registers)
        about = [row for type_ in registers.rows for row in registers.of_system(type_, system)]
        yield derived(AI_SYSTEM_RECORD, system.resource, looked, of_facts(system, *about))


def _operated(operation: Fact | None, registers: _Registers) -> dict[str, Looked]:
    bare = registers.whole["ai_operation"]
    looked = absent_unless(operation, (*_OPERATION, *_LISTS), bare)
    for name in _LISTS:
        looked[name] = [] if looked[name] is None else looked[name]
    looked["operated"] = unless(bare, operation is not None, told_by_absence=operation is None)
    return looked


def _modelled(system: Fact, registers: _Registers) -> dict[str, Looked]:
    """Which kinds every registered model of the system has passed since it was made."""
    models, versions = names(system, "models"), registers.rows["model_version"]
    running = [version for name in models for version in _versions(name, versions)]
    strange = [name for name in models if not _versions(name, versions)]
    kinds = [_passed(version, registers) for version in running]
    every = sorted(set.intersection(*kinds)) if kinds else []
    return {
        "unregistered_models": hidden([system], "models") or unless(
            registers.whole["model_version"], strange, told_by_absence=bool(strange)),
        "passed": hidden([system], "models") or unless(
            registers.whole["model_evaluation"], every, told_by_absence=True),
    }  # fmt: skip


def _versions(name: str, versions: Mapping[str, list[Fact]]) -> list[Fact]:
    """The newest version of a model named NAME, or the one named NAME/VERSION."""
    if name in versions:
        return [max(versions[name], key=lambda row: (when(row, "created") or row.observed_at, row.resource))]
    return [row for row in versions.get(name.rpartition("/")[0], []) if row.resource == name]


def _passed(version: Fact, registers: _Registers) -> set[str]:
    made = when(version, "created") or version.observed_at
    rows = [
        r
        for r in registers.rows["model_evaluation"].get(version.resource, [])
        if (when(r, "performed") or made) >= made
    ]
    met = {kind for row in rows if seen_is(row, "passed", True) for kind in names(row, "kind")}  # noqa: FBT003 - a value
    return met - {kind for row in rows if seen_is(row, "passed", False) for kind in names(row, "kind")}  # noqa: FBT003 - a value


def _filed(system: Fact, registers: _Registers) -> dict[str, Looked]:
    rows, bare = registers.of_system("technical_file", system), registers.whole["technical_file"]

    def of(kind: str) -> list[Fact]:
        return [row for row in rows if kind in names(row, "kind")]

    def missing(kind: str, parts: Sequence[str]) -> Looked:
        have = {part for row in of(kind) for part in names(row, "sections")}
        return hidden(rows, "kind", "sections") or unless(
            bare, [part for part in parts if part not in have], told_by_absence=not have
        )

    changed = [at for row in of("annex-iv") if (at := when(row, "updated_at"))]
    short = sorted({kind for row in rows if not _long(row, system) for kind in names(row, "kind")})
    return {
        "file_missing": missing("annex-iv", ANNEX_IV), "instructions_missing": missing("instructions", INSTRUCTIONS),
        "file_updated": hidden(rows, "kind", "updated_at") or unless(bare, max(changed, default=None), told_by_absence=not changed),
        "files": hidden(rows, "kind") or unless(bare, sorted({k for row in rows for k in names(row, "kind")}), told_by_absence=not rows),
        "kept_short": hidden(rows, "kept_until", "kind") or unless(bare, short, told_by_absence=not rows),
        "quality_sections": hidden(rows, "kind", "sections") or unless(
            bare, sorted({s for row in of("quality-system") for s in names(row, "sections")}), told_by_absence=not rows),
    }  # fmt: skip


def _long(row: Fact, system: Fact) -> bool:
    until, since = when(row, "kept_until"), when(system, "in_service_since")
    return until is not None and (since is None or (until - since).days >= _TEN_YEARS_DAYS)


def _risked(system: Fact, operation: Fact | None, registers: _Registers) -> dict[str, Looked]:
    rows, bare = registers.of_system("ai_risk", system), registers.whole["ai_risk"]
    released = None if operation is None else when(operation, "released")
    done = [row for row in rows if when(row, "treated") is not None]
    return {
        "risks": unless(bare, len(rows), told_by_absence=not rows),
        "risk_topics": hidden(rows, "topics") or unless(
            bare, sorted({topic for row in rows for topic in names(row, "topics")}), told_by_absence=not rows),
        "risks_stale": hidden(rows, "assessed") or unless(
            bare, sorted(row.resource for row in rows if _stale(row, released)), told_by_absence=not rows),
        "risks_open": hidden(rows, "treated", "tested", "residual_accepted_by") or unless(
            bare, sorted(row.resource for row in rows if not _closed(row)), told_by_absence=not rows),
        "risk_treatments": hidden(rows, "treatment", "treated") or unless(
            bare, sorted({way for row in done for way in names(row, "treatment")}), told_by_absence=not rows),
    }  # fmt: skip


def _stale(row: Fact, released: datetime | None) -> bool:
    assessed = when(row, "assessed")
    return assessed is None or (released is not None and assessed < released)


def _closed(row: Fact) -> bool:
    """Treated by a measure that was tested, and what remains accepted by somebody."""
    accepted = look(row, "residual_accepted_by") is not None
    return accepted and (
        seen_is(row, "treatment", "accept")
        or (when(row, "treated") is not None and when(row, "tested") is not None)
    )


def _assessed(system: Fact, registers: _Registers) -> dict[str, Looked]:
    rows = registers.of_system("dpia", system)
    approved = [row for row in rows if seen_is(row, "kind", "fria") and seen_is(row, "status", "approved")]
    have = {part for row in approved for part in names(row, "sections")}
    missing = [part for part in FRIA if part not in have]
    return {"fria_missing": hidden(rows, "kind", "status", "sections") or unless(
        registers.whole["dpia"], missing, told_by_absence=not approved)}  # fmt: skip


def _unbound(operation: Fact | None, registers: _Registers) -> Looked:
    if operation is None:
        return registers.whole["ai_operation"] or []
    vendors = registers.rows["vendor"]
    suppliers = names(operation, "suppliers")
    bound = [
        v for v in suppliers if any("ai-supply" in names(row, "contracts") for row in vendors.get(v, []))
    ]
    rows = [row for supplier in suppliers for row in vendors.get(supplier, [])]
    return hidden([operation], "suppliers") or hidden(rows, "contracts") or unless(
        registers.whole["vendor"], sorted(set(suppliers) - set(bound)), told_by_absence=set(bound) != set(suppliers))  # fmt: skip
