"""The answer of a lookup as a page shows it: what broke a rule, what is not known, and then the rest. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.canonical import Json, parse_time
from reports.usage import usage_headline
from web.pages.drawing import Drawing
from web.pages.frame import Frame
from web.pages.lanes import Lanes, lanes_of
from web.pages.way import STATES, Way, state_of

USES_SHOWN = 250
VERSIONS_SHOWN = 250
STATE_WORDS = {"violation": "Violation", "unclear": "Unclear", "in-order": "In order"}
STATUS_CLASSES = {"violation": "deficient", "unclear": "unknown", "in-order": "effective"}
CODES = {
    "purpose-undeclared": "No purpose was declared",
    "purpose-not-permitted": "The contract does not permit the purpose",
    "consent-missing": "No consent was given",
    "consent-withdrawn": "Consent had been withdrawn",
    "used-after-erasure": "Used after its erasure",
    "reappeared-after-erasure": "Back after its erasure",
    "purpose-conflict": "Purposes contradict each other",
    "time-travel-use": "An old version was read",
    "withdrawn-during-use": "Consent was withdrawn meanwhile",
    "late-notice": "Its erasure was overdue",
    "model-trained-on-erased": "A model was trained on what is erased",
    "residency-breach": "Outside the permitted region",
    "retention-exceeded": "Kept too long",
    "erasure-incomplete": "An old version can still be read",
    "derived-not-propagated": "Not erased from what was derived",
}


@dataclass(frozen=True)
class Broken:
    """One rule that was broken, once or several times for the same reason."""

    title: str
    code: str
    who: tuple[str, ...]
    because: str
    first: datetime | None
    last: datetime | None
    times: int
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Hop:
    """One step of the way to a use, and what proves it."""

    label: str
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class UseRow:
    """One use."""

    state: str
    """``violation``, ``unclear`` or ``in-order``."""
    word: str
    css: str
    used_by: tuple[tuple[str, str], ...]
    """``(kind, NAME@VERSION)``, the features of one dataset version together."""
    job: str
    run: str
    purpose: str
    lawful_basis: str
    started_at: datetime
    ended_at: datetime | None
    certainty: str
    influence: str
    because: tuple[str, ...]
    hops: tuple[Hop, ...]
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class VersionRow:
    """One dataset version that contains the record."""

    dataset: str
    version: str
    css: str
    word: str
    certainty: str
    influence: str
    columns: tuple[tuple[str, bool], ...]
    """``(name, masked)``."""
    written_at: datetime | None
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class UsagePage:
    """Everything that the page of an answer shows."""

    frame: Frame
    answer_name: str
    """By which the answer is found again, for an hour, by the person who asked."""
    key_space: str
    pseudonym: str
    reason: str
    headline: str
    complete: bool
    broken: tuple[Broken, ...]
    gaps: tuple[tuple[str, str], ...]
    """``(dataset version or source, why)``."""
    undescribed: int
    lanes: Lanes | None
    drawing: Drawing | None
    way: Way
    uses: tuple[UseRow, ...]
    uses_in_all: int
    versions: tuple[VersionRow, ...]
    versions_in_all: int
    relied_on: tuple[str, ...]
    checkpoint: str


def usage_page(
    frame: Frame, answer: Mapping[str, Json], *, name: str, reason: str, way: Way, drawing: Drawing | None
) -> UsagePage:
    """The page of an answer of CONTRACT section 4."""
    proofs = {
        f"{d['namespace']}/{d['name']}@{d['version']}": tuple(d["evidence"]) for d in answer["datasets"]
    }
    uses = sorted((_use(use, proofs) for use in answer["uses"]), key=_gravest_then_latest)
    versions = sorted((_version(one) for one in answer["datasets"]), key=_by_dataset_then_latest)
    return UsagePage(
        frame=frame, answer_name=name, key_space=answer["key_space"], pseudonym=answer["pseudonym"], reason=reason,
        headline=usage_headline(answer), complete=answer["complete"], broken=broken_of(answer),
        gaps=tuple((_gap_name(gap), gap["why"]) for gap in answer["gaps"]), undescribed=answer["undescribed"],
        lanes=lanes_of(answer["uses"], parse_time(answer["as_of"])), drawing=drawing, way=way,
        uses=tuple(uses[:USES_SHOWN]), uses_in_all=len(uses), versions=tuple(versions[:VERSIONS_SHOWN]),
        versions_in_all=len(versions), relied_on=tuple(answer["relied_on"]), checkpoint=answer["checkpoint"],
    )  # fmt: skip


def _gravest_then_latest(row: UseRow) -> tuple[int, float]:
    return STATES.index(row.state), -row.started_at.timestamp()


def _by_dataset_then_latest(row: VersionRow) -> tuple[bool, str, float]:
    return row.css != "deficient", row.dataset, -(row.written_at.timestamp() if row.written_at else 0.0)


def _gap_name(gap: Mapping[str, Json]) -> str:
    name = f"{gap['namespace']}/{gap['name']}" if gap["namespace"] else f"source {gap['name']}"
    return f"{name}@{gap['version']}" if gap["version"] else name


# --- what broke a rule -----------------------------------------------------------------------------


def broken_of(answer: Mapping[str, Json]) -> tuple[Broken, ...]:
    """The violations, those of one code and reason together, the latest first."""
    found: dict[tuple[str, str], list[tuple[str, datetime | None, Sequence[str]]]] = {}
    for who, when, violation in _violations(answer):
        found.setdefault((violation["code"], violation["because"]), []).append(
            (who, when, violation["evidence"])
        )
    broken = [_broken(code, because, told) for (code, because), told in found.items()]
    return tuple(
        sorted(broken, key=lambda one: (-(one.last.timestamp() if one.last else 0.0), one.code, one.because))
    )


def _violations(answer: Mapping[str, Json]) -> Iterable[tuple[str, datetime | None, Mapping[str, Json]]]:
    for use in answer["uses"]:
        who = ", ".join(name for _, name in told_together(use)) or use["run_id"]
        yield from ((who, parse_time(use["started_at"]), violation) for violation in use["violations"])
    for one in answer["datasets"]:
        written = None if one["written_at"] is None else parse_time(one["written_at"])
        named = f"{one['namespace']}/{one['name']}@{one['version']}"
        yield from ((named, written, violation) for violation in one["violations"])


def _broken(code: str, because: str, told: Sequence[tuple[str, datetime | None, Sequence[str]]]) -> Broken:
    times = sorted(when for _, when, _ in told if when is not None)
    evidence = dict.fromkeys(name for _, _, cited in told for name in cited)
    return Broken(
        CODES.get(code, code.replace("-", " ").capitalize()), code, tuple(dict.fromkeys(who for who, _, _ in told)),
        because, times[0] if times else None, times[-1] if times else None, len(told), tuple(evidence),
    )  # fmt: skip


# --- rows ------------------------------------------------------------------------------------------


def used_by(use: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """``(kind, NAME@VERSION)`` of each consumer of a use."""
    return tuple(
        (one["kind"], f"{one['name']}@{one['version']}" if one["version"] else one["name"])
        for one in use["consumers"]
    )


def told_together(use: Mapping[str, Json]) -> tuple[tuple[str, str], ...]:
    """``used_by`` with the features of one dataset version told as one: ``DATASET@VERSION: a, b``."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in use["consumers"]:
        name, version = one["name"], f"@{one['version']}" if one["version"] else ""
        if one["kind"] == "feature":
            dataset, _, column = name.rpartition(":")
            found.setdefault(("features", f"{dataset}{version}"), []).append(column)
        else:
            found.setdefault((one["kind"], f"{name}{version}"), [])
    return tuple(
        (kind, f"{name}: {', '.join(columns)}" if columns else name)
        for (kind, name), columns in found.items()
    )


def _use(use: Mapping[str, Json], proofs: Mapping[str, tuple[str, ...]]) -> UseRow:
    state, own = state_of(use), set(use["evidence"])
    for step in use["path"]:
        own.difference_update(proofs.get(step, ()))
    rest = tuple(name for name in use["evidence"] if name in own) or tuple(use["evidence"])
    hops = [Hop(_step(step, use), proofs.get(step, ())) for step in use["path"][:-1]]
    return UseRow(
        state=state, word=STATE_WORDS[state], css=STATUS_CLASSES[state], used_by=told_together(use),
        job=use["job"]["name"] if use["job"] else "", run=use["run_id"], purpose=use["purpose"],
        lawful_basis=use["lawful_basis"] or "no basis is registered", started_at=parse_time(use["started_at"]),
        ended_at=None if use["ended_at"] is None else parse_time(use["ended_at"]), certainty=use["certainty"],
        influence=use["influence"], because=tuple(violation["because"] for violation in use["violations"]),
        hops=(*hops, *(Hop(_step(step, use), rest) for step in use["path"][-1:])), evidence=tuple(use["evidence"]),
    )  # fmt: skip


def _step(step: str, use: Mapping[str, Json]) -> str:
    if step == f"run:{use['run_id']}" and use["job"]:
        return f"{use['job']['name']}, run {use['run_id']}"
    return step.replace("run:", "run ", 1) if step.startswith("run:") else step


def _version(one: Mapping[str, Json]) -> VersionRow:
    state = state_of(one)
    masked = set(one["masked_columns"])
    return VersionRow(
        dataset=f"{one['namespace']}/{one['name']}", version=one["version"], css=STATUS_CLASSES[state],
        word="Back after erasure" if one["violations"] else one["certainty"].capitalize(),
        certainty=one["certainty"], influence=one["influence"],
        columns=tuple((column, column in masked) for column in one["columns"]),
        written_at=None if one["written_at"] is None else parse_time(one["written_at"]),
        evidence=tuple(one["evidence"]),
    )  # fmt: skip
