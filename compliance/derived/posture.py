"""Each account and topic of security: what the posture scanner last said of all rules of the topic.

Pure. Every account of the listing is there for every topic, so that an account which nobody scans shows
as unseen rather than as clean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from compliance.derived.joining import Looked, Origin, derived, look, need, of_facts
from compliance.derived.listed import hidden_among
from compliance.derived.posture_topics import TOPICS, Topic
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

POSTURE = FactSchema(
    "posture",
    "An AWS account and a topic of security, with what a posture scanner last found by the rules of that topic.",
    (
        Field("account", "string", "AWS account."),
        Field("topic", "string", "Topic, such as network-ingress, transport-encryption or backups."),
        Field("results", "int", "Results of the topic's rules, passes and failures."),
        Field("failures", "int", "Of these, failures that are not suppressed."),
        Field("failing_rules", "strings", "Rules that failed somewhere, sorted."),
        Field("scanned_at", "time", "The oldest of the latest results of the rules that always report."),
    ),
    inputs=("iam_account", "scan_finding"),
)
_JUDGED = ("results", "failures", "failing_rules", "scanned_at")
_FAILED = ("fail", "open")


def postures(base: FactBase) -> Iterator[Fact]:
    """Every account that IAM lists with every topic."""
    results = _by_account(base)
    hidden = hidden_among(base, "scan_finding", {"": list(results.get("", {}).get("", ()))})
    for account in base.facts("iam_account"):
        mine = results.get(account.resource, {})
        for name, topic in TOPICS.items():
            yield _fact(account, name, topic, mine, hidden)


def _by_account(base: FactBase) -> Mapping[str, Mapping[str, Sequence[Fact]]]:
    """Findings by account and rule; those that hide either stand under the empty text."""
    found: dict[str, dict[str, list[Fact]]] = {}
    ruled = frozenset().union(*(topic.rules for topic in TOPICS.values()))
    for finding in base.facts("scan_finding"):
        rule, account = look(finding, "rule"), look(finding, "account")
        if isinstance(rule, Unseen) or isinstance(account, Unseen):
            found.setdefault("", {}).setdefault("", []).append(finding)
        elif rule in ruled and account is not None:
            found.setdefault(str(account), {}).setdefault(str(rule), []).append(finding)
    return found


def _fact(
    account: Fact, name: str, topic: Topic, mine: Mapping[str, Sequence[Fact]], hidden: Unseen | None
) -> Fact:
    looked: dict[str, Looked] = {"account": account.resource, "topic": name}
    findings = [finding for rule in sorted(topic.rules) for finding in mine.get(rule, ())]
    silent = sorted(rule for rule in topic.anchors if rule not in mine)
    if silent:
        why = hidden or Unseen(
            "missing", f"no scan of account {account.resource} reports {', '.join(silent)}"
        )
        looked |= dict.fromkeys(_JUDGED, why)
    else:
        looked |= _judged(topic, mine, findings, hidden)
    return derived(POSTURE, f"{account.resource}/{name}", looked, _origin(account, topic, mine, findings))


def _origin(
    account: Fact, topic: Topic, mine: Mapping[str, Sequence[Fact]], findings: Sequence[Fact]
) -> Origin:
    """As old as the last results of the anchors, or an older failure; a pass for what is long gone ages nothing."""
    last = [max(mine[rule], key=_observed) for rule in sorted(topic.anchors) if mine.get(rule)]
    failed = [finding for finding in findings if finding.value.get("status") in _FAILED]
    return of_facts(account, *last, *failed).citing(one for finding in findings for one in finding.evidence)


def _observed(finding: Fact) -> datetime:
    return finding.observed_at


def _judged(
    topic: Topic, mine: Mapping[str, Sequence[Fact]], findings: Sequence[Fact], hidden: Unseen | None
) -> dict[str, Looked]:
    told = [(finding, need(finding, "status")) for finding in findings]
    blind = next((status for _, status in told if isinstance(status, Unseen)), None)
    failing = sorted({str(finding.value["rule"]) for finding, status in told if status in _FAILED})
    failures = sum(status in _FAILED for _, status in told)
    whole = {
        "results": sum(status in (*_FAILED, "pass") for _, status in told),
        "failures": failures, "failing_rules": failing,
    }  # fmt: skip
    # A failure that was seen is known whatever else is hidden; that there is none is not.
    why = None if failures else (blind or hidden)
    return {name: why or value for name, value in whole.items()} | {"scanned_at": _scanned(topic, mine)}


def _scanned(topic: Topic, mine: Mapping[str, Sequence[Fact]]) -> Looked:
    latest: list[str] = []
    for anchor in sorted(topic.anchors):
        times = [need(finding, "last_seen") for finding in mine[anchor]]
        hidden = next((time for time in times if isinstance(time, Unseen)), None)
        if hidden is not None:
            return hidden
        latest.append(max(map(str, times)))
    return min(latest)
