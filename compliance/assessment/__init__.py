"""Judgement: findings and statuses as a pure function of library, facts and instant."""

from compliance.assessment.adding import gravest
from compliance.assessment.assessing import Judgement, assess
from compliance.assessment.effectiveness import Effectiveness, Stood, effectiveness
from compliance.assessment.outcome import (
    ATTESTATION,
    RATIO,
    SCOPE,
    Assessment,
    CheckResult,
    ControlResult,
    Finding,
    FrameworkResult,
    Outcome,
    OutOfScope,
    RequirementResult,
    Status,
)
from compliance.assessment.scoping import out_of_scope
from compliance.assessment.timeline import Span, Worked, control_timeline, time_in, timelines
from compliance.assessment.trails import Look, Trail

__all__ = [
    "ATTESTATION",
    "RATIO",
    "SCOPE",
    "Assessment",
    "CheckResult",
    "ControlResult",
    "Effectiveness",
    "Finding",
    "FrameworkResult",
    "Judgement",
    "Look",
    "OutOfScope",
    "Outcome",
    "RequirementResult",
    "Span",
    "Status",
    "Stood",
    "Trail",
    "Worked",
    "assess",
    "control_timeline",
    "effectiveness",
    "gravest",
    "out_of_scope",
    "time_in",
    "timelines",
]
