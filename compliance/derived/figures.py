"""Each system with each figure that monitoring takes of it: the last value.

Pure. Every system stands there for every measure, so that one nobody measures shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.derived.joining import Looked, derived, look, of_facts
from compliance.derived.listed import ABOUT_SYSTEM, about, grouped, hidden_among, latest, systems
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

MEASURES = (
    "alert-triage-hours", "attribute-decisions-share", "availability", "budgeted-cost-share", "capacity-headroom",
    "completions-guarded-share", "duplicate-effects-share", "durable-runs-share", "embeddings-redacted-share", "endpoint-protection-share",
    "entitled-chunks-share", "error-budget-left", "injections-caught-share", "lost-events", "marked-outputs-share",
    "masked-fields-share", "outbound-unlisted-flows", "patched-in-time-share", "probe-success-share", "prompts-logged-share",
    "prompts-templated-share", "reads-enforced-share", "scratch-older-than-a-day", "short-tokens-share", "workload-identity-share",
)  # fmt: skip
"""What is measured again and again. Shares lie between 0 and 1."""
SYSTEM_FIGURE = FactSchema(
    "system_figure",
    "A system and a figure that monitoring takes, with its last value.",
    (
        *ABOUT_SYSTEM,
        Field("measure", "string", "What is measured, such as reads-enforced-share."),
        Field("value", "double", "The last value; absent if it was never measured.", optional=True),
        Field("measured_at", "time", "When it was taken; absent if never.", optional=True),
    ),
    inputs=("asset", "measurement"),
)


def system_figures(base: FactBase) -> Iterator[Fact]:
    """Every system that is not disposed of with every measure."""
    taken = grouped(base.facts("measurement"), "system")
    hidden = hidden_among(base, "measurement", taken)
    for asset in systems(base):
        known, mine = about(asset), grouped(taken.get(asset.resource, ()), "measure")
        unread = hidden or hidden_among(base, "measurement", mine)
        for measure in MEASURES:
            values = mine.get(measure, ())
            looked = known | {"measure": measure} | _last(values, unread)
            yield derived(SYSTEM_FIGURE, f"{asset.resource}/{measure}", looked, of_facts(asset, *values))


def _last(values: Sequence[Fact], hidden: Unseen | None) -> dict[str, Looked]:
    last = hidden or latest(values, "measured_at")
    if isinstance(last, Unseen):
        return {"value": last, "measured_at": last}
    if last is None:
        return {"value": None, "measured_at": None}
    return {"value": look(last, "value"), "measured_at": look(last, "measured_at")}
