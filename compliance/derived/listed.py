"""What several derivations over listed resources share: whether a listing is whole, and which assets count.

Pure. That a resource has no entry of another kind means something only where that kind was listed whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from compliance.derived.joining import Looked, look, need
from compliance.facts import Fact, FactBase, Field, Unseen

SYSTEMS = ("system", "service")
"""The kinds of asset that run something."""
ABOUT_SYSTEM = (
    Field("system", "string", "Name of the system."),
    Field("owner", "string", "Who answers for it.", optional=True),
    Field("environment", "string", "production, staging or development.", optional=True),
    Field("criticality", "string", "critical, high, medium or low.", optional=True),
    Field("personal_data", "bool", "Whether it holds personal data.", optional=True),
    Field("cardholder_data", "bool", "Whether it holds or carries cardholder data.", optional=True),
    Field("health_data", "bool", "Whether it holds protected health information.", optional=True),
)
"""What every fact about a system tells of it."""


def unlisted(base: FactBase, *types: str) -> Unseen | None:
    """Why the absence of resources of these types says nothing; None where all were listed whole."""
    for type_ in types:
        scopes = base.scopes(type_)
        partial = next((state for state in scopes if state.cause is not None), None)
        if partial is not None and partial.cause is not None:
            return Unseen(partial.cause, f"{type_} in {partial.scope}: {partial.detail}")
        if not scopes:
            return Unseen("missing", f"no {type_} was ever collected")
    return None


def systems(base: FactBase) -> Iterator[Fact]:
    """The assets that run something and are not known to be disposed of."""
    for asset in base.facts("asset"):
        kind = look(asset, "kind")
        if isinstance(kind, Unseen) or (kind in SYSTEMS and look(asset, "disposed") is None):
            yield asset


def about(asset: Fact) -> dict[str, Looked]:
    """The fields of ``ABOUT_SYSTEM``."""
    kind = need(asset, "kind")
    hidden = kind if isinstance(kind, Unseen) else None
    told: dict[str, Looked] = {"system": hidden or need(asset, "name")}
    return told | {field.name: look(asset, field.name) for field in ABOUT_SYSTEM[1:]}


def grouped(facts: Iterable[Fact], name: str) -> dict[str, list[Fact]]:
    """Facts by a field of theirs; those whose field cannot be seen stand under the empty text."""
    found: dict[str, list[Fact]] = {}
    for fact in facts:
        key = look(fact, name)
        found.setdefault("" if isinstance(key, Unseen) or key is None else str(key), []).append(fact)
    return found


def hidden_among(base: FactBase, type_: str, found: dict[str, list[Fact]]) -> Unseen | None:
    """Why an absence among grouped facts says nothing: a partial listing, or one whose place is unseen."""
    if found.get(""):
        return Unseen("unreadable", f"{found[''][0].resource} does not show what it is about")
    return unlisted(base, type_)


def latest(facts: Sequence[Fact], name: str) -> Fact | Unseen | None:
    """The fact with the latest time in a field; unseen if any of them hides it; None if there is none."""
    best: tuple[str, str, Fact] | None = None
    for fact in facts:
        time = look(fact, name)
        if isinstance(time, Unseen):
            return time
        if time is not None and (best is None or (str(time), fact.resource) > best[:2]):
            best = (str(time), fact.resource, fact)
    return None if best is None else best[2]
