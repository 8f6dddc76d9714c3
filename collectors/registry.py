"""Every reader there is: one for each kind of entry that says something about the world."""

from __future__ import annotations

from collectors.attestations.read import READER as ATTESTATIONS
from collectors.aws_iam.read import READER as AWS_IAM
from collectors.aws_kms.read import READER as AWS_KMS
from collectors.collection.read import READER as COLLECTION
from collectors.consents.read import READER as CONSENTS
from collectors.contracts.read import READER as CONTRACTS
from collectors.decisions.read import READER as DECISIONS
from collectors.deletion_log.read import READER as DELETION_LOG
from collectors.erasures.read import READER as ERASURES
from collectors.exceptions.read import READER as EXCEPTIONS
from collectors.lineage.read import READER as LINEAGE
from collectors.members.read import READER as MEMBERS
from collectors.mlflow.read import READER as MLFLOW
from collectors.purposes.read import READER as PURPOSES
from compliance.facts import Reader

READERS: tuple[Reader, ...] = (
    ATTESTATIONS, AWS_IAM, AWS_KMS, COLLECTION, CONSENTS, CONTRACTS, DECISIONS, DELETION_LOG, ERASURES,
    EXCEPTIONS, LINEAGE, MEMBERS, MLFLOW, PURPOSES,
)  # fmt: skip
"""In any order: no two read the same kind."""
