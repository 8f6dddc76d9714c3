"""Reads entries of OCSF files: findings, and the run that each file tells of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from collectors.fields import UNREADABLE, Fields, fragment, members, text, text_or_none, time
from collectors.items import SeenItem, items_of
from collectors.scans.schemas import FINDING, RUN
from collectors.scans.severity import SEVERITIES, worst
from compliance.canonical import Json, format_time, instant_of, parse_time, strict_json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Opened, Reading, Unseen

MILLISECONDS_FROM = 100_000_000_000
"""OCSF states milliseconds since 1970; Prowler writes seconds, which are below this until the year 5138."""
STATUS_CODES = {"pass": "pass", "fail": "fail", "manual": "manual", "warning": "fail"}
STATES = {"suppressed": "suppressed", "resolved": "resolved", "archived": "resolved", "deleted": "resolved"}
VULNERABILITY, COMPLIANCE, DETECTION = 2002, 2003, 2004
Said = Mapping[str, Json]


class OcsfReader:
    """Reads ``ocsf/1``."""

    kinds: tuple[str, ...] = ("ocsf/1",)
    schemas: tuple[FactSchema, ...] = (FINDING, RUN)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each finding, passes included, and one for each file."""
        files: dict[str, list[SeenItem]] = {}
        for seen in items_of(opened):
            files.setdefault(str(seen.item.request["file"]), []).append(seen)
        for name, pieces in files.items():
            try:
                yield from _file(opened, name, pieces)
            except UNREADABLE as error:
                yield Defect(pieces[0].evidence, f"unreadable: {name}: {error}")


READER = OcsfReader()


def _file(opened: Opened, name: str, pieces: Sequence[SeenItem]) -> Iterator[Reading]:
    found: list[Said] = []
    for seen in pieces:
        for one in strict_json(seen.body, what="findings"):
            found.append(one)
            yield from _finding(opened, seen, one)
    if found:
        yield _run(opened, name, pieces, found)


def _finding(opened: Opened, seen: SeenItem, one: Said) -> Iterator[Reading]:
    try:
        uid = text(_info(one).get("uid") or (one.get("metadata") or {}).get("uid"))
        when = _time(one)
    except UNREADABLE as error:
        yield Defect(seen.evidence, f"unreadable: a finding has no uid or no time: {error}")
        return
    resource = next(iter(members(one.get("resources"))), {})
    cloud = one.get("cloud") or {}
    vulnerability = next(iter(members(one.get("vulnerabilities"))), {})
    fields: Fields = {
        "tool": lambda: _tool(one),
        "rule": lambda: text((one.get("metadata") or {}).get("event_code") or _info(one).get("title")),
        "title": lambda: text(_info(one).get("title")),
        "severity": lambda: _severity(one),
        "status": lambda: _status(one),
        "category": lambda: _category(one),
        "cve": lambda: text_or_none((vulnerability.get("cve") or {}).get("uid")),
        "fix_available": lambda: vulnerability.get("is_fix_available"),
        "last_seen": lambda: when,
        "first_seen": lambda: _stated(_info(one), "first_seen_time"),
        "resolved_at": lambda: _stated(one, "end_time") if _status(one) == "resolved" else None,
        "target": lambda: text(
            resource.get("uid") or resource.get("name") or (cloud.get("account") or {}).get("uid")
        ),
        "target_type": lambda: text_or_none(resource.get("type")),
        "account": lambda: text_or_none((cloud.get("account") or {}).get("uid")),
        "region": lambda: text_or_none(resource.get("region") or cloud.get("region")),
        "line": lambda: None,
        "requirements": lambda: _requirements(one),
    }
    instant = instant_of(parse_time(when), opened.entry.received_at)
    yield replace(fragment(seen, "scan_finding", uid, "finding", fields, dated=True), instant=instant)


def _run(opened: Opened, name: str, pieces: Sequence[SeenItem], found: Sequence[Said]) -> Reading:
    stated = pieces[0].item.request.get("pieces", 1)
    whole = len(pieces) == stated
    apart = Unseen("incomplete", f"the pieces of {name} lie in several entries of evidence")
    failed = [one for one in found if _failed(one)]
    times = [when for one in found if (when := _time_or_none(one)) is not None]
    fields: Fields = {
        "file": lambda: name,
        "tool": lambda: _tool(found[0]),
        "tool_version": lambda: text_or_none(
            ((found[0].get("metadata") or {}).get("product") or {}).get("version")
        ),
        "finished": lambda: max(times, default=None) if whole else apart,
        "successful": lambda: True,
        "findings": lambda: len(found) if whole else apart,
        "failed": lambda: len(failed) if whole else apart,
        "worst": lambda: worst([_severity(one) for one in failed]) if whole else apart,
        "repository": lambda: None,
        "revision": lambda: None,
    }
    made = fragment(pieces[0], "scan_run", name, "run", fields, dated=bool(times))
    return (
        replace(made, instant=instant_of(parse_time(max(times)), opened.entry.received_at)) if times else made
    )


def _failed(one: Said) -> bool:
    try:
        return _status(one) in ("fail", "open")
    except UNREADABLE:
        return True


def _info(one: Said) -> Said:
    found = one.get("finding_info") or one.get("finding") or {}
    if not isinstance(found, dict):
        raise InputRefused("finding_info is no object")
    return found


def _tool(one: Said) -> str:
    return text(((one.get("metadata") or {}).get("product") or {}).get("name"))


def _time(one: Said) -> str:
    stated = _stated(one, "time") or _stated(_info(one), "created_time")
    if stated is None:
        raise InputRefused("no time")
    return stated


def _time_or_none(one: Said) -> str | None:
    try:
        return _time(one)
    except UNREADABLE:
        return None


def _stated(one: Said, name: str) -> str | None:
    """A time as text (``time_dt``) or as a number (``time``)."""
    if one.get(f"{name}_dt"):
        return format_time(parse_time(one[f"{name}_dt"], assume_utc=True))
    number = one.get(name)
    if number is None:
        return None
    seconds = number / 1000 if number >= MILLISECONDS_FROM else number
    return time(format_time(datetime.fromtimestamp(seconds, UTC)))


def _severity(one: Said) -> str:
    """OCSF: 0 unknown, 1 informational, 2 low, 3 medium, 4 high, 5 critical, 6 fatal."""
    stated = one.get("severity_id")
    if isinstance(stated, int) and 0 <= stated <= len(SEVERITIES):
        return SEVERITIES[min(stated, len(SEVERITIES) - 1)]
    named = str(one.get("severity", "")).lower()
    return named if named in SEVERITIES else "unknown"


def _status(one: Said) -> str:
    state = STATES.get(str(one.get("status", "")).lower())
    if state:
        return state
    compliance = one.get("compliance")
    stated = one.get("status_code") or (compliance.get("status") if isinstance(compliance, dict) else None)
    return STATUS_CODES.get(str(stated or "").lower(), "open")


def _category(one: Said) -> str | None:
    """By the class of the finding; what the scanner itself calls it comes first."""
    types = " ".join(str(part) for part in _info(one).get("types") or ()).lower()
    for word in ("secret", "malware"):
        if word in types:
            return word
    classes = {VULNERABILITY: "vulnerability", COMPLIANCE: "configuration"}
    if one.get("class_uid") == DETECTION:
        return "configuration" if one.get("status_code") else "detection"
    return classes.get(one.get("class_uid") or 0)


def _requirements(one: Said) -> list[str]:
    """What the scanner says that it speaks for: OCSF's compliance, or Prowler's ``unmapped.compliance``."""
    own = one.get("compliance")
    found = [str(part) for part in (own.get("requirements") or ())] if isinstance(own, dict) else []
    unmapped = (one.get("unmapped") or {}).get("compliance")
    for framework, parts in unmapped.items() if isinstance(unmapped, dict) else ():
        found += [f"{framework}:{part}" for part in parts]
    return sorted(set(found))
