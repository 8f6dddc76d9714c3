"""Each system with each recurring control activity: when it was last performed, by whom, with what result.

Pure. Reviews of access and exercises have registers of their own; all else is in the register of control
activities. Every system stands there for every activity, so that one left out shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from compliance.derived.joining import Looked, derived, first_unseen, look, of_facts
from compliance.derived.listed import ABOUT_SYSTEM, about, hidden_among, latest, systems
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

ACTIVITIES = (
    "access-review", "answer-sample", "baseline-check", "capacity-test", "copy-scan", "criticality-review",
    "data-verification", "egress-review", "external-scan", "failover", "incident-exercise", "input-validation-test",
    "integrity-check", "log-review", "malware-scan", "network-rule-review", "penetration-test", "red-team",
    "replay-test", "response-sample", "run-repetition", "segmentation-test", "support-review", "threat-model",
    "utility-review", "vulnerability-scan",
)  # fmt: skip
"""What has to be done again and again."""
SYSTEM_ACTIVITY = FactSchema(
    "system_activity",
    "A system and a recurring control activity, with its last performance.",
    (
        *ABOUT_SYSTEM,
        Field("activity", "string", "The activity, such as access-review, log-review or penetration-test."),
        Field("performed", "time", "When it was last completed; absent if never.", optional=True),
        Field("passed", "bool", "Whether it met its aim; absent where it has none.", optional=True),
        Field("open_items", "int", "What it found and that is not put right yet.", optional=True),
        Field(
            "independent", "bool", "Whether somebody else looked over it or carried it out.", optional=True
        ),
    ),
    inputs=("asset", "control_activity"),
    adds=("access_review", "exercise"),
)
_REGISTERS = ("control_activity", "access_review", "exercise")
_KIND_OF = {"incident-tabletop": "incident-exercise"}
_REGISTER = {
    "access-review": "access_review", "failover": "exercise", "incident-exercise": "exercise",
    "penetration-test": "exercise", "red-team": "exercise",
}  # fmt: skip
_WHEN = {"access_review": "completed", "exercise": "performed", "control_activity": "performed_at"}
_TOLD = ("performed", "passed", "open_items", "independent")
_Key = tuple[str, str]


@dataclass(frozen=True)
class _Records:
    """Performances by system and activity, and why an absence says nothing, by register."""

    found: Mapping[_Key, Sequence[Fact]]
    hidden: Mapping[str, Unseen | None]


def system_activities(base: FactBase) -> Iterator[Fact]:
    """Every system that is not disposed of with every activity."""
    records = _records(base)
    for asset in systems(base):
        known = about(asset)
        for activity in ACTIVITIES:
            register = _REGISTER.get(activity, "control_activity")
            done = [one for one in records.found.get((asset.resource, activity), ()) if one.type == register]
            looked = known | {"activity": activity} | _last(done, register, records.hidden[register])
            yield derived(SYSTEM_ACTIVITY, f"{asset.resource}/{activity}", looked, of_facts(asset, *done))


def _records(base: FactBase) -> _Records:
    found: dict[_Key, list[Fact]] = {}
    lost: dict[str, list[Fact]] = {}
    for register in _REGISTERS:
        for record in base.facts(register):
            keys = _keys(record)
            if isinstance(keys, Unseen):
                lost.setdefault(register, []).append(record)
                continue
            for key in keys:
                found.setdefault(key, []).append(record)
    hidden = {name: hidden_among(base, name, {"": lost.get(name, [])}) for name in _REGISTERS}
    return _Records(found, hidden)


def _keys(record: Fact) -> list[_Key] | Unseen:
    if record.type == "exercise":
        kind, where = look(record, "kind"), look(record, "systems")
        if isinstance(kind, Unseen) or isinstance(where, Unseen):
            return first_unseen(kind, where) or []
        return [(str(one), _KIND_OF.get(str(kind), str(kind))) for one in where or ()]
    system = look(record, "system")
    activity = "access-review" if record.type == "access_review" else look(record, "activity")
    return first_unseen(system, activity) or [(str(system), str(activity))]


def _last(done: Sequence[Fact], register: str, hidden: Unseen | None) -> dict[str, Looked]:
    last = hidden or latest(done, _WHEN[register])
    if isinstance(last, Unseen):
        return dict.fromkeys(_TOLD, last)
    if last is None:
        return dict.fromkeys(_TOLD)
    told = {"performed": look(last, _WHEN[register])}
    if register == "access_review":
        told |= {
            "passed": None,
            "open_items": look(last, "revoked_open"),
            "independent": _other(last, "reviewer"),
        }
    elif register == "exercise":
        told |= {"passed": look(last, "passed"), "open_items": look(last, "findings_open")}
        told["independent"] = look(last, "independent")
    else:
        outcome = look(last, "outcome")
        told["passed"] = outcome if isinstance(outcome, Unseen) else outcome == "passed"
        told |= {"open_items": look(last, "open_items"), "independent": _other(last, "performed_by")}
    return told


def _other(record: Fact, doer: str) -> Looked:
    """Whether somebody other than who did it approved the result; nobody is not somebody else."""
    did, approved = look(record, doer), look(record, "approved_by")
    return first_unseen(did, approved) or (approved is not None and approved != did)
