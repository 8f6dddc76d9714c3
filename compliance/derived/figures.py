"""Each system with each figure that monitoring takes of it: the last value.

Pure. Every system stands there for every measure, so that one nobody measures shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.canonical import Json
from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.listed import ABOUT_SYSTEM, about, grouped, hidden_among, latest, systems, unlisted
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

MEASURES = (
    "alert-triage-hours", "attribute-decisions-share", "availability", "budgeted-cost-share", "capacity-headroom",
    "completions-guarded-share", "duplicate-effects-share", "durable-runs-share", "embeddings-redacted-share",
    "endpoint-protection-share", "entitled-chunks-share", "error-budget-left", "index-identifiers-found",
    "injections-caught-share", "lost-events", "marked-outputs-share", "masked-fields-share", "outbound-unlisted-flows",
    "patched-in-time-share", "probe-success-share", "prompts-logged-share", "prompts-templated-share",
    "reads-enforced-share", "scratch-older-than-a-day", "short-tokens-share", "workload-identity-share",
)  # fmt: skip
"""What is measured again and again. Shares lie between 0 and 1."""
SYSTEM_FIGURE = FactSchema(
    "system_figure",
    "A system and a figure that monitoring takes, with its last value.",
    (
        *ABOUT_SYSTEM,
        Field("ai", "bool", "Whether the register of AI systems has it, by id or by name."),
        Field("measure", "string", "What is measured, such as reads-enforced-share."),
        Field("value", "double", "The last value; absent if it was never measured.", optional=True),
        Field("measured_at", "time", "When it was taken; absent if never.", optional=True),
    ),
    inputs=("asset", "measurement"),
    adds=("ai_system",),
)


def system_figures(base: FactBase) -> Iterator[Fact]:
    """Every system that is not disposed of with every measure."""
    taken = grouped(base.facts("measurement"), "system")
    hidden = hidden_among(base, "measurement", taken)
    clever, unread_ai = _ai_systems(base), unlisted(base, "ai_system")
    for asset in systems(base):
        mine = grouped(taken.get(asset.resource, ()), "measure")
        known = about(asset) | {
            "ai": bool({asset.resource, asset.value.get("name")} & clever) or unread_ai or False
        }
        unread = hidden or hidden_among(base, "measurement", mine)
        for measure in MEASURES:
            values = mine.get(measure, ())
            looked = known | {"measure": measure} | _last(values, unread)
            yield derived(SYSTEM_FIGURE, f"{asset.resource}/{measure}", looked, of_facts(asset, *values))


def _ai_systems(base: FactBase) -> set[Json]:
    """The ids and names of AI systems."""
    systems_ = list(base.facts("ai_system"))
    return {one.resource for one in systems_} | {one.value.get("name") for one in systems_} - {None}


def _last(values: Sequence[Fact], hidden: Unseen | None) -> dict[str, Looked]:
    last = hidden or latest(values, "measured_at")
    if isinstance(last, Unseen):
        return {"value": last, "measured_at": last}
    if last is None:
        return {"value": None, "measured_at": None}
    return {"value": look(last, "value"), "measured_at": look(last, "measured_at")}
