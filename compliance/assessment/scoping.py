"""What an organisation is judged by: frameworks, roles, elected criteria, exclusions.

Pure. The scope is part of the configuration in force, itself evidence. Nothing is left out for
want of a statement: a role restricts only where a role of that regime is named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compliance.canonical import Json
from compliance.library import Framework, Library, Requirement

ROLES_OF_ACTOR: Mapping[str, frozenset[str]] = {
    "provider": frozenset({"provider"}), "provider_hr": frozenset({"provider"}),
    "deployer": frozenset({"deployer"}), "deployer_hr": frozenset({"deployer"}),
    "both": frozenset({"provider", "deployer"}), "importer": frozenset({"importer"}),
    "distributor": frozenset({"distributor"}), "auth_rep": frozenset({"authorised-representative"}),
    "gpai": frozenset({"gpai-provider", "gpai-systemic-risk-provider"}),
    "gpai_sr": frozenset({"gpai-systemic-risk-provider"}),
}  # fmt: skip
"""Actor of a requirement of the AI Act → the roles that bear its duty (see ``frameworks/eu-ai-act.yaml``)."""
AI_ROLES = frozenset().union(*ROLES_OF_ACTOR.values())
CARD_ROLES = frozenset({"merchant", "service-provider"})
SOC2_ALWAYS = "CC"
"""The common criteria are always in scope; the other categories where they are elected."""


@dataclass(frozen=True)
class Scope:
    """The scope in force. No frameworks named means all of the library's."""

    frameworks: frozenset[str]
    roles: frozenset[str]
    elected: frozenset[str]
    exclusions: Mapping[str, str]
    """Requirement or group of requirements → why, and who approved it."""

    @classmethod
    def of(cls, config: Mapping[str, Json]) -> Scope:
        """The scope that a configuration states."""
        scope = config.get("scope") or {}
        return cls(
            frozenset(scope.get("frameworks") or ()), frozenset(scope.get("roles") or ()),
            frozenset(scope.get("elected") or ()),
            {
                one["requirement"]: f"{one['reason'].rstrip('.')} (approved by {one['approver']})"
                for one in scope.get("exclusions") or ()
            },
        )  # fmt: skip

    def why_out(self, requirement: Requirement, library: Library) -> str | None:
        """Why a requirement is out of scope; None where it is in scope."""
        if self.frameworks and requirement.framework not in self.frameworks:
            return "The framework is not in scope."
        return (
            self._excluded(requirement, library)
            or self._not_elected(requirement)
            or self._other_role(requirement)
        )

    def _excluded(self, requirement: Requirement, library: Library) -> str | None:
        named = (requirement.id, *library.ancestors(requirement.id))
        found = next((self.exclusions[name] for name in named if name in self.exclusions), None)
        return None if found is None else f"Excluded: {found}."

    def _not_elected(self, requirement: Requirement) -> str | None:
        if requirement.framework != "soc2":
            return None
        category = "".join(char for char in requirement.citation.split(".")[0] if char.isalpha())
        if category == SOC2_ALWAYS or f"soc2:{category}" in self.elected:
            return None
        return f"The category {category} is not elected."

    def _other_role(self, requirement: Requirement) -> str | None:
        bearers = ROLES_OF_ACTOR.get(requirement.actor or "")
        if bearers is not None and self.roles & AI_ROLES and not self.roles & bearers:
            return f"It binds {' or '.join(sorted(bearers))}, which the organisation is not."
        if requirement.service_provider_only and self.roles & CARD_ROLES == {"merchant"}:
            return "It binds service providers only."
        return None


def split(
    framework: Framework, library: Library, scope: Scope
) -> tuple[list[Requirement], list[tuple[str, str]]]:
    """The assessable requirements in scope, and those out of it with the reason."""
    inside, outside = [], []
    for requirement in framework.assessable:
        why = scope.why_out(requirement, library)
        if why is None:
            inside.append(requirement)
        else:
            outside.append((requirement.id, why))
    return inside, outside


def out_of_scope(library: Library, config: Mapping[str, Json]) -> dict[str, list[dict[str, Json]]]:
    """Framework → what a configuration's scope leaves out of it, each with the reason; frameworks left whole are not named."""
    scope = Scope.of(config)
    found = {
        name: split(framework, library, scope)[1] for name, framework in sorted(library.frameworks.items())
    }
    return {
        name: [{"id": id_, "why": why} for id_, why in outside] for name, outside in found.items() if outside
    }
