"""The record-usage statement of one record: a frozen view and its pure builder.

It is what a data protection officer hands to a person or an authority. The raw key is never in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, parse_time
from reports.audit import Provenance
from reports.wording import counted


@dataclass(frozen=True)
class UseRow:
    """One use, as the statement's table shows it."""

    used_by: tuple[tuple[str, str], ...]
    """``(kind, NAME@VERSION)`` of each consumer."""
    purpose: str
    lawful_basis: str
    started_at: datetime
    ended_at: datetime | None
    certainty: str
    influence: str
    path: tuple[str, ...]
    violations: tuple[tuple[str, str, tuple[str, ...]], ...]
    """``(code, because, evidence)``."""
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class HolderRow:
    """One dataset version that contains the record."""

    name: str
    version: str
    certainty: str
    influence: str
    columns: tuple[str, ...]
    masked_columns: tuple[str, ...]
    written_at: datetime | None
    violations: tuple[tuple[str, str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class UsageStatement:
    """Everything that the document says."""

    key_space: str
    pseudonym: str
    provenance: Provenance
    headline: str
    complete: bool
    undescribed: int
    uses: tuple[UseRow, ...]
    holders: tuple[HolderRow, ...]
    gaps: tuple[tuple[str, str], ...]
    """``(dataset@version, why)``."""
    relied_on: tuple[str, ...]

    @property
    def broken(self) -> tuple[UseRow | HolderRow, ...]:
        """The uses and versions that break a rule."""
        return (
            *(use for use in self.uses if use.violations),
            *(one for one in self.holders if one.violations),
        )


def build_usage_statement(answer: Mapping[str, Json], provenance: Provenance) -> UsageStatement:
    """The statement of an answer of CONTRACT section 4."""
    uses = tuple(_use(use) for use in answer["uses"])
    holders = tuple(_holder(dataset) for dataset in answer["datasets"])
    return UsageStatement(
        key_space=answer["key_space"], pseudonym=answer["pseudonym"], provenance=provenance,
        headline=usage_headline(answer), complete=answer["complete"], undescribed=answer["undescribed"],
        uses=uses, holders=holders, relied_on=tuple(answer["relied_on"]),
        gaps=tuple((f"{g['namespace']}/{g['name']}" + (f"@{g['version']}" if g["version"] else ""), g["why"])
                   for g in answer["gaps"]),
    )  # fmt: skip


def usage_headline(answer: Mapping[str, Json]) -> str:
    """The answer in one or two sentences; silence is never told as "not used"."""
    uses, datasets = answer["uses"], answer["datasets"]
    kinds: dict[str, set[str]] = {"model": set(), "feature": set(), "job": set(), "decision": set()}
    for use in uses:
        for consumer in use["consumers"]:
            kinds[consumer["kind"]].add(consumer_name(consumer))
    by = [counted(len(kinds[kind]), kind) for kind in ("model", "feature", "job", "decision") if kinds[kind]]
    if uses:
        purposes = {use["purpose"] for use in uses}
        said = f"This record was used by {_listed(by)} in {counted(len(uses), 'use')}, for {counted(len(purposes), 'purpose')}."
    elif datasets:
        said = f"No use of this record is known; {counted(len(datasets), 'dataset version')} {'holds' if len(datasets) == 1 else 'hold'} it."
    else:
        said = "Nothing that was reported holds or used this record."
    broken = sum(bool(item["violations"]) for item in (*uses, *datasets))
    if broken:
        said += f" {broken} of these {'breaks' if broken == 1 else 'break'} a rule."
    if not answer["complete"]:
        said += f" The answer is not complete: {counted(len(answer['gaps']), 'gap')} {'is' if len(answer['gaps']) == 1 else 'are'} listed."
    elif not uses and not datasets:
        said += " That is as far as described datasets go."
    return said


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def consumer_name(consumer: Mapping[str, Json]) -> str:
    """``NAME@VERSION`` of a consumer, or its name alone."""
    return f"{consumer['name']}@{consumer['version']}" if consumer["version"] else str(consumer["name"])


def _violations(item: Mapping[str, Json]) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    return tuple((v["code"], v["because"], tuple(v["evidence"])) for v in item["violations"])


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _use(use: Mapping[str, Json]) -> UseRow:
    return UseRow(
        used_by=tuple((consumer["kind"], consumer_name(consumer)) for consumer in use["consumers"]),
        purpose=use["purpose"], lawful_basis=use["lawful_basis"] or "–", started_at=parse_time(use["started_at"]),
        ended_at=_time(use["ended_at"]), certainty=use["certainty"], influence=use["influence"],
        path=tuple(use["path"]), violations=_violations(use), evidence=tuple(use["evidence"]),
    )  # fmt: skip


def _holder(dataset: Mapping[str, Json]) -> HolderRow:
    return HolderRow(
        name=f"{dataset['namespace']}/{dataset['name']}", version=dataset["version"],
        certainty=dataset["certainty"], influence=dataset["influence"], columns=tuple(dataset["columns"]),
        masked_columns=tuple(dataset["masked_columns"]), written_at=_time(dataset["written_at"]),
        violations=_violations(dataset),
    )  # fmt: skip
