"""The derivations of privacy, AI and data quality, as one list."""

from __future__ import annotations

from compliance.derived.activities import PURPOSE_RECORD, purpose_records
from compliance.derived.declared import comings, no_turns
from compliance.derived.disclosed import DISCLOSED_RECORD, disclosed_records
from compliance.derived.governed import GOVERNED_MODEL, governed_models
from compliance.derived.published import PUBLISHED_DATASET, published_datasets
from compliance.derived.relations import VENDOR_RELATION, vendor_relations
from compliance.derived.requests import ANSWERED_REQUEST, answered_requests
from compliance.derived.sensitive import SENSITIVE_DATASET, sensitive_datasets
from compliance.derived.systems import AI_SYSTEM_RECORD, ai_system_records
from compliance.derived.training import TRAINING_DATASET, training_datasets
from compliance.derived.unlearned import LEARNED_MODEL, learned_models
from compliance.library import Derivation

OF_PRIVACY: tuple[Derivation, ...] = (
    Derivation(AI_SYSTEM_RECORD, ai_system_records, no_turns),
    Derivation(ANSWERED_REQUEST, answered_requests, no_turns),
    Derivation(DISCLOSED_RECORD, disclosed_records, no_turns),
    Derivation(GOVERNED_MODEL, governed_models, no_turns),
    Derivation(LEARNED_MODEL, learned_models, no_turns),
    Derivation(PUBLISHED_DATASET, published_datasets, comings),
    Derivation(PURPOSE_RECORD, purpose_records, comings),
    Derivation(SENSITIVE_DATASET, sensitive_datasets, comings),
    Derivation(TRAINING_DATASET, training_datasets, no_turns),
    Derivation(VENDOR_RELATION, vendor_relations, comings),
)
"""By name of their facts."""
