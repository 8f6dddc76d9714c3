"""Each merged change held against the rules of its repository; each repository with the scans of it.

Pure. Whoever wrote a change does not count as its approver, and an approval of an earlier commit is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compliance.derived.joining import Looked, derived, first_unseen, look, need, of_facts
from compliance.derived.listed import grouped, hidden_among, latest
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

DELIVERED_CHANGE = FactSchema(
    "delivered_change",
    "A change merged to a default branch, with the rules of its repository and the ticket that it names.",
    (
        Field("repository", "string", "OWNER/NAME."),
        Field("merged", "time", "When it was merged."),
        Field("author_is_bot", "bool", "Whether the author is a program."),
        Field("other_approvers", "int", "People other than the author who approved the last commit."),
        Field("required_checks", "int", "Checks that the repository demands."),
        Field("missing_checks", "strings", "Of these, not passed on the last commit, sorted."),
        Field("failed_checks", "strings", "Checks that failed, whether demanded or not, sorted."),
        Field("tickets", "strings", "Tickets that it names."),
        Field("emergency", "bool", "Whether a label or its ticket calls it an emergency."),
        Field("reviewed_after", "bool", "Whether the emergency's ticket was approved afterwards.", optional=True),
        Field("tested", "bool", "Whether its ticket says that the outcome was tested.", optional=True),
        Field("rollback_plan", "bool", "Whether its ticket says that there is a way back.", optional=True),
        Field("labels", "strings", "Its labels."),
    ),
    inputs=("change", "repository"),
    adds=("ticket",),
)  # fmt: skip
REPOSITORY_SCAN = FactSchema(
    "repository_scan",
    "A repository that is in use, with the last scans that name it.",
    (
        Field("repository", "string", "OWNER/NAME."),
        Field("platform", "string", "github or gitlab."),
        Field("secret_scanning", "bool", "Whether the platform looks for secrets.", optional=True),
        Field("tools", "strings", "Tools whose runs ended well, sorted."),
        Field("scanned_at", "time", "When the last of them ended; absent if none ever did.", optional=True),
        Field("failed", "int", "Failures that the last run of each tool reports."),
        Field(
            "worst", "string", "Severity of the worst of those: critical, high, medium, low.", optional=True
        ),
    ),
    inputs=("repository", "scan_run"),
)
_OF_RULES = ("required_checks", "missing_checks")
_SEVERITIES = ("critical", "high", "medium", "low", "informational", "unknown")


def delivered_changes(base: FactBase) -> Iterator[Fact]:
    """Every change that was merged."""
    repositories = {fact.resource: fact for fact in base.facts("repository")}
    tickets = {fact.resource: fact for fact in base.facts("ticket")}
    for change in base.facts("change"):
        repository = repositories.get(str(change.value.get("repository")))
        named = [tickets[str(name)] for name in change.value.get("tickets", ()) if str(name) in tickets]
        looked: dict[str, Looked] = {
            name: need(change, name)
            for name in ("repository", "merged", "author_is_bot", "tickets", "labels")
        }
        looked |= {"other_approvers": _approvers(change), "failed_checks": need(change, "checks_failed")}
        looked |= _rules(change, repository) | _of_tickets(change, named)
        others = [repository, *named] if repository else named
        yield derived(DELIVERED_CHANGE, change.resource, looked, of_facts(change, *others))


def _approvers(change: Fact) -> Looked:
    approved, author = need(change, "approved_head"), need(change, "author")
    if isinstance(approved, Unseen) or isinstance(author, Unseen):
        return first_unseen(approved, author) or 0
    return len({str(one) for one in approved} - {str(author)})


def _rules(change: Fact, repository: Fact | None) -> dict[str, Looked]:
    if repository is None:
        return dict.fromkeys(_OF_RULES, Unseen("missing", "the repository of the change was not listed"))
    required, passed = need(repository, "required_checks"), need(change, "checks_passed")
    if isinstance(required, Unseen) or isinstance(passed, Unseen):
        return dict.fromkeys(_OF_RULES, first_unseen(required, passed) or Unseen("missing", ""))
    missing = sorted({str(one) for one in required} - {str(one) for one in passed})
    return {"required_checks": len(required), "missing_checks": missing}


def _of_tickets(change: Fact, named: Sequence[Fact]) -> dict[str, Looked]:
    labels = need(change, "labels")
    told = {name: _any(named, name) for name in ("tested", "rollback_plan")}
    urgent = _any(named, "emergency")
    labelled = False if isinstance(labels, Unseen) else any("emergency" in str(one).lower() for one in labels)
    hidden = first_unseen(urgent, labels)
    told["emergency"] = True if labelled or urgent is True else (hidden or False)
    told["reviewed_after"] = _reviewed(change, named) if named else None
    return told


def _any(named: Sequence[Fact], name: str) -> Looked:
    values = [look(ticket, name) for ticket in named]
    if any(value is True for value in values):
        return True
    return first_unseen(*values) or (None if all(value is None for value in values) else False)


def _reviewed(change: Fact, named: Sequence[Fact]) -> Looked:
    merged, approved = need(change, "merged"), [look(ticket, "approved") for ticket in named]
    hidden = first_unseen(merged, *approved)
    return hidden or any(one is not None and str(one) >= str(merged) for one in approved)


def repository_scans(base: FactBase) -> Iterator[Fact]:
    """Every repository that is not archived."""
    runs = grouped(base.facts("scan_run"), "repository")
    runs.pop("", None)  # Scans of clouds and images name no repository.
    hidden = hidden_among(base, "scan_run", runs)
    for repository in base.facts("repository"):
        if look(repository, "archived") is True:
            continue
        mine = runs.get(repository.resource, [])
        looked: dict[str, Looked] = {
            "repository": need(repository, "name"), "platform": need(repository, "platform"),
            "secret_scanning": look(repository, "secret_scanning"),
        }  # fmt: skip
        last = hidden or _last_runs(mine)
        used = list(mine if isinstance(last, Unseen) else last.values())
        yield derived(
            REPOSITORY_SCAN, repository.resource, looked | _scans(last), of_facts(repository, *used)
        )


def _scans(last: Mapping[str, Fact] | Unseen) -> dict[str, Looked]:
    if isinstance(last, Unseen):
        return dict.fromkeys(("tools", "scanned_at", "failed", "worst"), last)
    counts, worst = (
        [need(one, "failed") for one in last.values()],
        [look(one, "worst") for one in last.values()],
    )
    times = [str(look(one, "finished")) for one in last.values()]
    severities = [str(one) for one in worst if one is not None and not isinstance(one, Unseen)]
    return {
        "tools": sorted(last), "scanned_at": max(times, default=None),
        "failed": first_unseen(*counts) or sum(int(one) for one in counts if not isinstance(one, Unseen)),
        "worst": first_unseen(*worst) or min(severities, key=_SEVERITIES.index, default=None),
    }  # fmt: skip


def _last_runs(mine: Sequence[Fact]) -> Mapping[str, Fact] | Unseen:
    """The last run of each tool that ended well."""
    ended: list[Fact] = []
    for run in mine:
        well = need(run, "successful")
        if isinstance(well, Unseen):
            return well
        ended += [run] if well else []
    found: dict[str, Fact] = {}
    for tool, runs in grouped(ended, "tool").items():
        last = latest(runs, "finished")
        if isinstance(last, Unseen):
            return last
        if last is not None:
            found[tool] = last
    return found
