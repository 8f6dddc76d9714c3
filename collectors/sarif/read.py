"""Reads entries of SARIF files: results, and the runs that brought them (SARIF 2.1.0). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.fields import UNREADABLE, Fields, fragment, members, text, text_or_none, time, time_or_none
from collectors.items import SeenItem, items_of
from collectors.scans.schemas import FINDING, RUN
from collectors.scans.severity import of_score, worst
from compliance.canonical import Json, format_time, instant_of, parse_time, strict_json
from compliance.errors import InputRefused
from compliance.facts import Defect, FactSchema, Fragment, Opened, Reading

CVE = re.compile(r"CVE-\d{4}-\d{4,7}")
LEVELS = {"error": "high", "warning": "medium", "note": "low", "none": "informational"}
KINDS = {"pass": "pass", "open": "open", "review": "manual", "notApplicable": "pass", "informational": "pass"}
CATEGORIES = ("secret", "malware", "vulnerability", "configuration")
Said = Mapping[str, Json]


class SarifReader:
    """Reads ``sarif/1``."""

    kinds: tuple[str, ...] = ("sarif/1",)
    schemas: tuple[FactSchema, ...] = (FINDING, RUN)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each result, and one for each run."""
        for seen in items_of(opened):
            try:
                for number, said in enumerate(
                    members(strict_json(seen.body, what="file").get("runs"), "runs")
                ):
                    yield from _run(_Run(opened, seen, number, said))
            except UNREADABLE as error:
                yield Defect(seen.evidence, f"unreadable: {seen.item.request['file']}: {error}")


READER = SarifReader()


@dataclass(frozen=True)
class _Run:
    opened: Opened
    seen: SeenItem
    number: int
    said: Said

    @property
    def file(self) -> str:
        return str(self.seen.item.request["file"])

    @property
    def driver(self) -> Said:
        driver: Said = self.said["tool"]["driver"]
        return driver

    @property
    def finished(self) -> str | None:
        """When the last of its invocations ended, where the tool says so."""
        times = [
            one.get("endTimeUtc") or one.get("startTimeUtc") for one in members(self.said.get("invocations"))
        ]
        return max((time(one) for one in times if one), default=None)

    def rule(self, result: Said) -> tuple[str, Said]:
        """The id of a result's rule, and what the tool says of it."""
        own = result.get("rule") or {}
        index = result.get("ruleIndex", own.get("index"))
        rules = members(self.driver.get("rules"))
        rule: Said = rules[index] if isinstance(index, int) and 0 <= index < len(rules) else {}
        named = result.get("ruleId") or own.get("id") or rule.get("id")
        return text(named), rule or next((one for one in rules if one.get("id") == named), {})

    def dated(self, made: Fragment) -> Fragment:
        """A run that states its time is as old as it says."""
        try:
            stated = self.finished
        except UNREADABLE:
            stated = None
        if stated is None:
            return made
        instant: datetime = instant_of(parse_time(stated), self.opened.entry.received_at)
        return replace(made, instant=instant, dated=True)


def _run(run: _Run) -> Iterator[Reading]:
    results = members(run.said.get("results"), "results")
    taken: set[str] = set()
    for result in results:
        try:
            rule, about = run.rule(result)
        except InputRefused as error:
            yield Defect(
                run.seen.evidence, f"unreadable: a result of {run.file} names no rule: {error.message}"
            )
            continue
        yield run.dated(_result(run, result, rule, about, taken))
    failed = [one for one in results if _status(one) in ("fail", "open")]
    origin = next(iter(members(run.said.get("versionControlProvenance"))), {})
    invocations = members(run.said.get("invocations"))
    fields: Fields = {
        "file": lambda: run.file,
        "tool": lambda: text(run.driver.get("name")),
        "tool_version": lambda: text_or_none(run.driver.get("semanticVersion") or run.driver.get("version")),
        "finished": lambda: run.finished,
        "successful": lambda: all(one.get("executionSuccessful") is True for one in invocations),
        "findings": lambda: len(results),
        "failed": lambda: len(failed),
        "worst": lambda: worst([_severity(one, run.rule(one)[1]) for one in failed]),
        "repository": lambda: text_or_none(origin.get("repositoryUri")),
        "revision": lambda: text_or_none(origin.get("revisionId")),
    }
    yield run.dated(fragment(run.seen, "scan_run", f"{run.file}#{run.number}", "run", fields))


def _result(run: _Run, result: Said, rule: str, about: Said, taken: set[str]) -> Fragment:
    place = (next(iter(members(result.get("locations"))), {}).get("physicalLocation")) or {}
    file = (place.get("artifactLocation") or {}).get("uri")
    line = (place.get("region") or {}).get("startLine")
    fields: Fields = {
        "tool": lambda: text(run.driver.get("name")),
        "rule": lambda: rule,
        "title": lambda: text((about.get("shortDescription") or {}).get("text") or about.get("name") or rule),
        "severity": lambda: _severity(result, about),
        "status": lambda: _status(result),
        "category": lambda: _category(about),
        "cve": lambda: next(iter(CVE.findall(rule)), None),
        "fix_available": lambda: bool(result["fixes"]) if "fixes" in result else None,
        "last_seen": lambda: run.finished or format_time(run.seen.instant),
        "first_seen": lambda: time_or_none((result.get("provenance") or {}).get("firstDetectionTimeUtc")),
        "resolved_at": lambda: None,
        "target": lambda: text(file or run.file),
        "target_type": lambda: "file" if file else None,
        "account": lambda: None,
        "region": lambda: None,
        "line": lambda: line,
        "requirements": lambda: sorted(
            {str(tag) for tag in _tags(about) if str(tag).startswith("external/")}
        ),
    }
    return fragment(
        run.seen,
        "scan_finding",
        _name(run, result, f"{rule}/{file or ''}:{line or ''}", taken),
        "finding",
        fields,
    )


def _name(run: _Run, result: Said, place: str, taken: set[str]) -> str:
    """The result's own id, else a fingerprint of it, else where it stands; each once in a run."""
    prints = result.get("fingerprints") or result.get("partialFingerprints") or {}
    own = result.get("guid") or next((str(value) for _, value in sorted(prints.items())), "")
    plain = name = f"{run.driver['name']}/{own or place}"
    number = 2
    while name in taken:
        name, number = f"{plain}/{number}", number + 1
    taken.add(name)
    return name


def _tags(rule: Said) -> list[Json]:
    tags = (rule.get("properties") or {}).get("tags")
    return tags if isinstance(tags, list) else []


def _severity(result: Said, rule: Said) -> str:
    """The score that GitHub reads (``security-severity``) where a tool gives one, else the level."""
    for place in (result, rule):
        score = (place.get("properties") or {}).get("security-severity")
        if score is not None:
            return of_score(float(score))
    level = result.get("level") or (rule.get("defaultConfiguration") or {}).get("level") or "warning"
    return LEVELS.get(str(level), "unknown")


def _status(result: Said) -> str:
    accepted = [
        one for one in members(result.get("suppressions")) if one.get("status", "accepted") == "accepted"
    ]
    if accepted:
        return "suppressed"
    if result.get("baselineState") == "absent":
        return "resolved"
    return KINDS.get(str(result.get("kind", "fail")), "fail")


def _category(rule: Said) -> str:
    said = " ".join(str(tag) for tag in _tags(rule)).lower() + str(rule.get("id", "")).lower()
    if CVE.search(str(rule.get("id", ""))):
        return "vulnerability"
    return next((one for one in CATEGORIES if one in said), "code")
