"""How long evidence is kept: the longest duty of the frameworks that it serves. Pure.

Evidence serves a framework where a control answers one of its requirements and checks what is read
from that evidence, directly or through derived facts. Two kinds of duty count: the one that the
framework itself states, and ``retention`` of the control, which is the organisation's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from compliance.library import Control, Derivation, Library
from compliance.objects import LONGEST

DAY = timedelta(days=1)
YEAR = 366
"""Days of a year: no span is shorter than it is by the calendar."""


@dataclass(frozen=True)
class Duty:
    """How long records must be kept, and who says so."""

    span: timedelta
    because: str


def _years(count: float) -> timedelta:
    return timedelta(days=int(count * YEAR))


STATED: Mapping[str, Duty] = {
    "hipaa": Duty(_years(6), "45 CFR 164.316(b)(2)(i): six years"),
    "sox": Duty(_years(7), "17 CFR 210.2-06: seven years"),
    "eu-ai-act": Duty(LONGEST, "Regulation (EU) 2024/1689, Article 18(1): ten years"),
    "pci-dss-4.0.1": Duty(_years(1), "PCI DSS v4.0.1, 10.5.1: twelve months"),
    "fedramp-moderate": Duty(_years(2.5), "AU-11 with OMB M-21-31: thirty months"),
    "cpra": Duty(_years(2), "11 CCR 7101(a): twenty-four months"),
}
"""What frameworks state themselves. The others state no span: there the control's own stands."""
CUSTODY = Duty(LONGEST, "it is needed to check or perform again other evidence: as long as any")
RECEIVED_AS = {
    "consents": "consent", "contracts": "contract", "decisions": "decision", "deletion-log": "erasure",
    "delta": "table_versions", "erasures": "erasure", "feast": "feature_view", "fides": "consent",
    "iceberg": "table_versions", "lineage": "lineage", "marquez": "lineage", "members": "manifest",
    "mlflow": "model_version", "model-decision": "model_decision", "purposes": "purpose",
}  # fmt: skip
"""Which kind of received record an entry of a kind brings, beside facts."""


class Duties:
    """The duties that a library and a scope give to each kind of entry."""

    def __init__(
        self,
        library: Library,
        *,
        kind_facts: Mapping[str, Iterable[str]],
        derivations: Mapping[str, Derivation],
        frameworks: Iterable[str] = (),
    ) -> None:
        """``frameworks`` are those in scope; none named: all of the library's."""
        self._library = library
        self._kind_facts = kind_facts
        self._derivations = derivations
        self._scope = frozenset(frameworks) or frozenset(library.frameworks)
        self._known: dict[str, Duty] = {}

    def of(self, kind: str) -> Duty:
        """The longest duty on entries of a kind (``aws-kms/1``), counted from their receipt or last use."""
        name = kind.partition("/")[0]
        if name not in self._known:
            shown = {*self._kind_facts.get(name, ()), *filter(None, [RECEIVED_AS.get(name)])}
            duties = [duty for fact in shown for duty in self._by_fact.get(fact, ())]
            self._known[name] = max(duties, key=lambda duty: (duty.span, duty.because), default=CUSTODY)
        return self._known[name]

    @cached_property
    def _by_fact(self) -> Mapping[str, tuple[Duty, ...]]:
        found: dict[str, dict[Duty, None]] = {}
        for control in self._library.controls:
            duties = tuple(self._duties(control))
            for fact in {base for check in control.checks for base in self._bases(check.over)}:
                found.setdefault(fact, {}).update(dict.fromkeys(duties))
        return {fact: tuple(duties) for fact, duties in found.items()}

    def _duties(self, control: Control) -> Iterator[Duty]:
        served = sorted({name.partition(":")[0] for name in control.requirements} & self._scope)
        if not served:
            return
        days = control.retention // DAY
        yield Duty(control.retention, f"{control.id}: {days} days, as the organisation's library states")
        yield from (
            Duty(STATED[name].span, f"{name}: {STATED[name].because}") for name in served if name in STATED
        )

    def _bases(self, fact: str) -> frozenset[str]:
        """The facts that are read from evidence, out of which this one is derived; itself if it is one."""
        found: set[str] = set()
        waiting = [fact]
        while waiting:
            name = waiting.pop()
            if name in found:
                continue
            found.add(name)
            derivation = self._derivations.get(name)
            if derivation is not None:
                waiting += [*derivation.schema.inputs, *derivation.schema.adds]
        return frozenset(found)
