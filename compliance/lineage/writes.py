"""Whether a run replaced what a dataset held, or kept it (CONTRACT section 4, What an output holds).

Pure. "Where nothing states it, it keeps: never assume that data went away."
"""

from __future__ import annotations

from dataclasses import dataclass

from compliance.lineage.declared import Declared
from compliance.lineage.facets import Commit
from compliance.lineage.records import DatasetName
from compliance.lineage.runs import Output, Report, Run

REPLACING = frozenset({"OVERWRITE", "CREATE", "TRUNCATE", "DROP"})
KEEPING = frozenset({"ALTER", "RENAME"})


@dataclass(frozen=True, slots=True)
class WriteMode:
    """How one run wrote one dataset."""

    keeps: bool
    created: bool
    """The run says that it created the dataset: nobody need speak for what came before."""
    previous: frozenset[DatasetName]
    """Former names whose content a kept rename carries over."""
    contradiction: bool
    """Sources disagree; keeping stands, as it takes no membership away."""


def write_mode(
    run: Run, dataset: DatasetName, declared: Declared, replaces: frozenset[DatasetName]
) -> WriteMode:
    """How ``run`` wrote ``dataset``, by all sources that report it as its output."""
    reports = [report for report in run.reports if dataset in report.outputs]
    alone = [_keeps(run, report, dataset, declared, configured=dataset in replaces) for report in reports]
    # "Of several, append stands": also the one that a source states which does not name the output.
    appended = any("append" in _tags(run, report, dataset, declared) for report in run.reports)
    outputs = [report.outputs[dataset] for report in reports]
    kept = [output for output, keeps in zip(outputs, alone, strict=True) if keeps or appended]
    return WriteMode(
        keeps=bool(kept), created=any(output.lifecycle == "CREATE" for output in outputs),
        previous=frozenset[DatasetName]().union(*(output.previous for output in kept)),
        contradiction=any(alone) and not all(alone),
    )  # fmt: skip


def _keeps(run: Run, report: Report, dataset: DatasetName, declared: Declared, *, configured: bool) -> bool:
    # 1. "A tag beats the facets; of several, append stands."
    tags = _tags(run, report, dataset, declared)
    if tags:
        return "append" in tags
    # 2. "ALTER keeps, RENAME keeps": they also stand against an Iceberg report or the configuration,
    #    on which the contract is silent, for data must not be assumed to have gone away.
    output = report.outputs[dataset]
    if output.lifecycle in KEEPING:
        return True
    # 3. "It replaces if `lifecycleStateChange` says …, if an Iceberg commit …, or if configuration says so."
    return not (output.lifecycle in REPLACING or _replaced_whole(output) or configured)


def _replaced_whole(output: Output) -> bool:
    commit: Commit = output.commit
    return commit.operation == "overwrite" and commit.total is not None and commit.total == commit.added


def _tags(run: Run, report: Report, dataset: DatasetName, declared: Declared) -> frozenset[str]:
    found = report.write_tags.get(dataset, frozenset()) | declared.write_tags.get(dataset, frozenset())
    found |= report.run_tags.get("write", frozenset())
    job = report.job or run.job
    if job is not None:
        own = (run.run_id, report.source)
        for declaration in declared.job_tag(job, "write", run.started, but=own):
            found |= declaration.values
    return found & {"append", "replace"}
