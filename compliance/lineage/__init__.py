"""Record usage: which runs, models and features used this record, when, and for what purpose."""

from compliance.lineage.answer import record_usage
from compliance.lineage.ledger import ErasureRequest, erasure_ledger, erasure_requests
from compliance.lineage.records import Answer, Membership, Question, UsageInput, UsageSettings
from compliance.lineage.registers import Version
from compliance.lineage.runs import Run
from compliance.lineage.world import Scope, World

__all__ = [
    "Answer",
    "ErasureRequest",
    "Membership",
    "Question",
    "Run",
    "Scope",
    "UsageInput",
    "UsageSettings",
    "Version",
    "World",
    "erasure_ledger",
    "erasure_requests",
    "record_usage",
]
