"""How much of each framework the library tests, attests, or leaves unanswered.

Pure. Counts are over assessable requirements only; scope is a matter of judgement, not of the library.
"""

from __future__ import annotations

from compliance.canonical import Json
from compliance.library.model import Framework, Library


def is_automated(library: Library, requirement: str) -> bool:
    """Whether at least one control that answers the requirement has a check."""
    return any(control.checks for control in library.controls_of(requirement))


def is_attested(library: Library, requirement: str) -> bool:
    """Whether signed statements alone answer the requirement."""
    answering = library.controls_of(requirement)
    return any(control.attestations for control in answering) and not any(
        control.checks for control in answering
    )


def coverage(library: Library) -> dict[str, dict[str, Json]]:
    """Framework → ``assessable``, ``technical``, ``automated``, ``attested`` (counts) and ``unanswered`` (ids).

    ``unanswered`` are the assessable requirements with neither a check nor an attestation, in the
    framework's order.
    """
    return {name: _of(library, framework) for name, framework in sorted(library.frameworks.items())}


def _of(library: Library, framework: Framework) -> dict[str, Json]:
    ids = [requirement.id for requirement in framework.assessable]
    automated = {id_ for id_ in ids if is_automated(library, id_)}
    attested = {id_ for id_ in ids if is_attested(library, id_)}
    return {
        "assessable": len(ids),
        "technical": sum(requirement.nature == "technical" for requirement in framework.assessable),
        "automated": len(automated),
        "attested": len(attested),
        "unanswered": [id_ for id_ in ids if id_ not in automated | attested],
    }
