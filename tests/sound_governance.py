"""What a sound organisation shows of governance, and one fault for each check of it.

A register without a row is in order once it was listed whole, so a fault is a row: the first failing example
of the check, with every field that it leaves out absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from compliance.canonical import format_time, parse_time
from compliance.library.examples import EXAMPLE_NOW
from tests.fact_base import AT

if TYPE_CHECKING:
    from compliance.library import Check
    from tests.shipped import Organisation

LISTED = ("assurance_engagement", "policy_document", "risk", "role_assignment", "training_record")
OVER_ROWS = (
    "role-has-holder-and-deputy", "policy-is-approved-and-current", "risk-is-assessed", "risk-is-treated-or-accepted",
    "asset-has-scope-flags", "corrective-ticket-is-in-time", "audit-findings-are-not-overdue", "engagement-is-in-date",
    "cybersecurity-audit-went-through-components", "training-is-completed-in-time", "joiner-was-screened-and-bound",
    "leaver-returned-assets", "repository-gate-is-closed", "infrastructure-provider-has-current-report",
)  # fmt: skip
"""Checks over the rows of a register or the resources of a source."""


def put_row(organisation: Organisation, check: Check) -> None:
    """Add the first failing example of a check as a resource of its own."""
    failing = next(one for one in check.examples if one.kind == "fail")
    organisation.resources[check.over, "the-faulty-one"] = _shifted(failing.value, check)


def _shifted(value: Mapping[str, Any], check: Check) -> dict[str, Any]:
    """The example's times, as far from the instant judged as they were from the examples' instant."""
    times = {part.name for part in check.schema.fields if part.type == "time"}
    moved: dict[str, Any] = dict(value)
    for name in times & {key for key, held in value.items() if held is not None}:
        away: timedelta = (
            parse_time(str(value[name])) - EXAMPLE_NOW
            if isinstance(value[name], str)
            else value[name] - EXAMPLE_NOW
        )
        moved[name] = format_time(AT + away)
    return moved


FAULTS: Mapping[str, Callable[[Organisation], object]] = {
    "dataset-is-a-product": lambda o: o.set("data_product", "lake/features", service_level=None),
    "key-users-do-not-administer": lambda o: o.set("iam_role", _trainer(o), admin=True),
    "change-has-second-person": lambda o: o.set("change", _change(o), approvers=[], approved_head=[]),
}


def _trainer(organisation: Organisation) -> str:
    return next(
        name for kind, name in organisation.resources if kind == "iam_role" and name.endswith("trainer")
    )


def _change(organisation: Organisation) -> str:
    return next(name for kind, name in organisation.resources if kind == "change")
