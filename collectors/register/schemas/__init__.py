"""Every register there is. A further type is a further schema here: its rows are facts of that type."""

from __future__ import annotations

from collectors.register.ai_schemas import AI_REGISTERS
from collectors.register.privacy_schemas import PRIVACY_REGISTERS
from collectors.register.schemas.exercises import EXERCISE
from collectors.register.schemas.governance import ASSET, RISK, TICKET
from collectors.register.schemas.models import AI_SYSTEM, DATASHEET, MODEL_CARD, MODEL_EVALUATION
from collectors.register.schemas.people import (
    ACCESS_REVIEW,
    POLICY_DOCUMENT,
    ROLE_ASSIGNMENT,
    TRAINING_RECORD,
)
from collectors.register.schemas.privacy import DATA_SUBJECT_REQUEST, DPIA, NOTICE, PROCESSING_ACTIVITY
from collectors.register.schemas.quality import DATA_QUALITY_RESULT, DRIFT_RESULT
from collectors.register.schemas.suppliers import TRANSFER, VENDOR
from collectors.register.security_schemas import SECURITY_REGISTERS
from compliance.facts import FactSchema

_OWN = (
    ACCESS_REVIEW, AI_SYSTEM, ASSET, DATASHEET, DATA_QUALITY_RESULT, DATA_SUBJECT_REQUEST, DPIA,
    DRIFT_RESULT, EXERCISE, MODEL_CARD, MODEL_EVALUATION, NOTICE, POLICY_DOCUMENT, PROCESSING_ACTIVITY, RISK, ROLE_ASSIGNMENT, TICKET, TRAINING_RECORD, TRANSFER, VENDOR,
)  # fmt: skip
REGISTERS: dict[str, FactSchema] = {
    schema.name: schema
    for schema in sorted(
        (*_OWN, *AI_REGISTERS, *PRIVACY_REGISTERS, *SECURITY_REGISTERS), key=lambda schema: schema.name
    )
}
"""By name, in order. The column ``id`` names the row, which is the resource."""
