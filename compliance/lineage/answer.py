"""Record usage: which runs, models and features used this record, when and for what (CONTRACT section 4).

Pure. The answer is a function of the world and the question alone; every list has a stated order:
datasets by namespace, name and version, uses by start and run id, gaps by dataset, version and reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from compliance.canonical import Json, format_time, micros
from compliance.lineage.columns import columns
from compliance.lineage.contents import contents
from compliance.lineage.events import NEVER, evidence_key
from compliance.lineage.further import further_of_versions
from compliance.lineage.gaps import gaps
from compliance.lineage.paths import Paths
from compliance.lineage.reached import Gap
from compliance.lineage.records import Answer, Question, UsageInput
from compliance.lineage.registers import Version
from compliance.lineage.told import time_text
from compliance.lineage.uses import Answering, uses
from compliance.lineage.violations import Violation, as_listed, violations_of_version
from compliance.lineage.world import Scope, World


def record_usage(given: World | UsageInput, question: Question) -> Answer:
    """Answer one question; build a ``World`` once to ask many.

    1. Only records whose instant is not later than ``question.at`` count. 2. What contains the record
    is followed over the version graph. 3. The columns that carry it are decided. 4. Uses, versions and
    gaps are told from that.
    """
    # 1.
    world = _world(given, micros(question.at))
    # 2.
    scope = Scope(question.key_space, question.key_ids)
    found = contents(world, scope, question.pseudonym)
    # 3.
    decided = columns(world, found)
    # 4.
    at = micros(question.at)
    ground = Answering(world, found, decided, Paths(world, found), at)
    more = further_of_versions(world, found, at)
    listed = gaps(world, found, decided)
    relied_on = found.containing.relied_on | found.perhaps.relied_on
    return {
        "key_space": question.key_space, "pseudonym": question.pseudonym, "as_of": format_time(question.at),
        "datasets": [
            _dataset(ground, version, more.get(version, ())) for version in sorted(found.containing.versions)
        ],
        "uses": uses(ground, question), "complete": not listed, "undescribed": world.undescribed,
        "gaps": [_gap(gap) for gap in listed], "relied_on": sorted(relied_on, key=evidence_key),
    }  # fmt: skip


def _world(given: World | UsageInput, at: int) -> World:
    if isinstance(given, World):
        return given.until(at)
    records = [record for record in given.received if micros(record.instant) <= at]
    return World.build(replace(given, received=records))


def _dataset(ground: Answering, version: Version, more: Iterable[Violation]) -> dict[str, Json]:
    written = ground.world.graph.written_at(version)
    manifests = ground.found.held.get(version, ())
    violations = violations_of_version(ground.world, ground.found.person, version, manifests)
    cited = set(manifests)
    for run_id in ground.world.graph.writers.get(version, ()):
        cited.update(ground.world.runs[run_id].evidence)
    return {
        "namespace": version.dataset[0], "name": version.dataset[1], "version": version.version,
        "certainty": ground.found.containing.versions[version],
        "influence": "direct" if ground.columns.carried[version] else "indirect",
        "columns": ground.columns.names(version), "masked_columns": ground.columns.masked(version),
        "written_at": None if written == NEVER else time_text(written),
        "violations": as_listed([*violations, *more]),
        "evidence": sorted(cited, key=evidence_key),
    }  # fmt: skip


def _gap(gap: Gap) -> dict[str, Json]:
    return {"namespace": gap.dataset[0], "name": gap.dataset[1], "version": gap.version, "why": gap.why}
