"""How much of each framework the library tests, attests, or leaves unanswered.

Pure. Counts are over assessable requirements only; scope is a matter of judgement, not of the library. Every
number is the length of a list of requirement ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from compliance.canonical import Json
from compliance.errors import NotFound
from compliance.library.model import Framework, Library, Requirement


def is_automated(library: Library, requirement: str) -> bool:
    """Whether at least one control that answers the requirement has a check."""
    return any(control.checks for control in library.controls_of(requirement))


def is_attested(library: Library, requirement: str) -> bool:
    """Whether signed statements alone answer the requirement."""
    answering = library.controls_of(requirement)
    return any(control.attestations for control in answering) and not any(
        control.checks for control in answering
    )


def is_derived(library: Library, requirement: str) -> bool:
    """Whether nothing but derived claims answers the requirement."""
    claims = library.mappings_to(requirement)
    return bool(claims) and all(claim.derived for _, claim in claims)


@dataclass(frozen=True)
class FrameworkCoverage:
    """The assessable requirements of a framework, sorted by what answers them; each list in its order."""

    framework: Framework
    technical: tuple[str, ...]
    automated: tuple[str, ...]
    attested: tuple[str, ...]
    unanswered: tuple[str, ...]
    derived: tuple[str, ...]
    """Those that derived claims alone answer."""
    moved: tuple[Requirement, ...]
    """Those that were moved in or out of what is technical."""
    open_: tuple[Requirement, ...]
    """Those that are unanswered on purpose, with the reason."""

    @classmethod
    def of(cls, library: Library, framework: Framework) -> FrameworkCoverage:
        """The coverage of one framework."""
        assessable = framework.assessable
        ids = [requirement.id for requirement in assessable]
        automated = tuple(id_ for id_ in ids if is_automated(library, id_))
        attested = tuple(id_ for id_ in ids if is_attested(library, id_))
        answered = {*automated, *attested}
        return cls(
            framework=framework,
            technical=tuple(one.id for one in assessable if one.nature == "technical"),
            automated=automated,
            attested=attested,
            unanswered=tuple(id_ for id_ in ids if id_ not in answered),
            derived=tuple(id_ for id_ in ids if is_derived(library, id_)),
            moved=tuple(one for one in assessable if one.moved is not None),
            open_=tuple(one for one in assessable if one.left_open and one.id not in answered),
        )

    def technical_of(self, ids: tuple[str, ...]) -> list[str]:
        """Those of a list that are technical."""
        technical = frozenset(self.technical)
        return [id_ for id_ in ids if id_ in technical]

    @property
    def share(self) -> Fraction | None:
        """The share of the technical ones with an automated check; None where none is technical."""
        return (
            Fraction(len(self.technical_of(self.automated)), len(self.technical)) if self.technical else None
        )

    def as_json(self) -> dict[str, Json]:
        """The form of ``muniment controls coverage --json``: numbers, and the lists behind them."""
        lists = {
            "technical": list(self.technical), "automated": list(self.automated),
            "attested": list(self.attested), "derived": list(self.derived),
            "technical_automated": self.technical_of(self.automated),
            "technical_attested": self.technical_of(self.attested),
            "technical_unanswered": self.technical_of(self.unanswered),
        }  # fmt: skip
        return {
            "assessable": len(self.framework.assessable),
            "technical": len(self.technical),
            "automated": len(self.automated),
            "attested": len(self.attested),
            "unanswered": list(self.unanswered),
            "technical_automated": len(lists["technical_automated"]),
            "technical_attested": len(lists["technical_attested"]),
            "technical_unanswered": len(lists["technical_unanswered"]),
            "technical_automated_percent": percent(self.share),
            "lists": lists,
            "moved": [_move(one) for one in self.moved],
            "left_open": [{"requirement": one.id, "reason": one.left_open} for one in self.open_],
        }


def percent(share: Fraction | None) -> float | None:
    """A share in per cent, cut (never rounded up) after one decimal."""
    return None if share is None else int(share * 1000) / 10


def coverage(library: Library) -> dict[str, dict[str, Json]]:
    """Framework → numbers and lists (CONTRACT section 1).

    ``automated``, ``attested`` and ``unanswered`` part the assessable requirements in three: with a check,
    with signed statements alone, with neither. The numbers with ``technical_`` do the same with the technical ones.
    """
    return {name: framework_coverage(library, name).as_json() for name in sorted(library.frameworks)}


def framework_coverage(library: Library, framework: str) -> FrameworkCoverage:
    """The coverage of one framework. Raises NotFound, naming those there are."""
    found = library.frameworks.get(framework)
    if found is None:
        known = ", ".join(sorted(library.frameworks))
        raise NotFound(
            f"No framework is named {framework!r}; in the library are: {known}.", field="framework"
        )
    return FrameworkCoverage.of(library, found)


def _move(one: Requirement) -> Json:
    assert one.moved is not None  # noqa: S101 (only of those that were moved)
    return {"requirement": one.id, "from": one.moved.origin, "to": one.nature, "reason": one.moved.reason}
