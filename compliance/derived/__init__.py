"""Derived facts: joined or counted from other facts by named pure functions, each with a schema.

A derivation reads a ``FactBase`` and nothing else. What it cannot tell it leaves unseen.
"""

from __future__ import annotations

from collections.abc import Mapping

from compliance.derived.accounts import DIRECTORY_ACCOUNT, directory_accounts
from compliance.derived.custody import KEY_CUSTODY, key_custodies
from compliance.derived.datasets import DATASET, datasets
from compliance.derived.decisions import DECISION_USE, decision_uses
from compliance.derived.declared import comings, no_turns
from compliance.derived.deliveries import (
    DELIVERED_CHANGE,
    REPOSITORY_SCAN,
    delivered_changes,
    repository_scans,
)
from compliance.derived.encryption import DATASET_KEY, dataset_keys
from compliance.derived.erasures import COMPLETED_ERASURE, completed_erasures
from compliance.derived.figures import SYSTEM_FIGURE, system_figures
from compliance.derived.identities import IDENTITY_ACTIVITY, identity_activities
from compliance.derived.models import TRAINED_MODEL, trained_models
from compliance.derived.posture import POSTURE, postures
from compliance.derived.privacy import OF_PRIVACY
from compliance.derived.purposes import USED_PURPOSE, used_purposes
from compliance.derived.recurring import SYSTEM_ACTIVITY, system_activities
from compliance.derived.runs import LINEAGE_RUN, lineage_runs
from compliance.derived.sources import (
    COLLECTED,
    EVIDENCE_SCOPE,
    EVIDENCE_SOURCE,
    evidence_scopes,
    evidence_sources,
)
from compliance.derived.stores import IMAGE_RISK, STORED_BUCKET, image_risks, stored_buckets
from compliance.derived.upkeep import SYSTEM_BACKUP, SYSTEM_LOGGING, system_backups, system_loggings
from compliance.facts import REPORTS, SOURCES
from compliance.library import Derivation

DERIVATIONS: Mapping[str, Derivation] = {
    derivation.schema.name: derivation
    for derivation in (
        Derivation(DATASET, datasets, comings),
        Derivation(DATASET_KEY, dataset_keys, comings),
        Derivation(DECISION_USE, decision_uses, no_turns),
        Derivation(COMPLETED_ERASURE, completed_erasures, no_turns),
        Derivation(EVIDENCE_SCOPE, evidence_scopes, no_turns, {"": COLLECTED}),
        Derivation(EVIDENCE_SOURCE, evidence_sources, no_turns, {"": (SOURCES,), "last_seen": (REPORTS,)}),
        Derivation(IDENTITY_ACTIVITY, identity_activities, no_turns),
        Derivation(KEY_CUSTODY, key_custodies, no_turns),
        Derivation(LINEAGE_RUN, lineage_runs, no_turns),
        Derivation(TRAINED_MODEL, trained_models, comings),
        Derivation(DELIVERED_CHANGE, delivered_changes, no_turns),
        Derivation(DIRECTORY_ACCOUNT, directory_accounts, no_turns),
        Derivation(IMAGE_RISK, image_risks, no_turns),
        Derivation(POSTURE, postures, no_turns),
        Derivation(REPOSITORY_SCAN, repository_scans, no_turns),
        Derivation(STORED_BUCKET, stored_buckets, no_turns),
        Derivation(SYSTEM_ACTIVITY, system_activities, no_turns),
        Derivation(SYSTEM_BACKUP, system_backups, no_turns),
        Derivation(SYSTEM_FIGURE, system_figures, no_turns),
        Derivation(SYSTEM_LOGGING, system_loggings, no_turns),
        Derivation(USED_PURPOSE, used_purposes, comings),
        *OF_PRIVACY,
    )
}
"""Every derivation by the name of its facts."""

__all__ = ["DERIVATIONS"]
