"""Every reader there is: one for each kind of entry that says something about the world."""

from __future__ import annotations

from collectors.attestations.read import READER as ATTESTATIONS
from collectors.aws_cloudtrail.read import READER as AWS_CLOUDTRAIL
from collectors.aws_iam.read import READER as AWS_IAM
from collectors.aws_kms.read import READER as AWS_KMS
from collectors.aws_s3.read import READER as AWS_S3
from collectors.aws_secretsmanager.read import READER as AWS_SECRETSMANAGER
from collectors.collection.read import READER as COLLECTION
from collectors.consents.read import READER as CONSENTS
from collectors.contracts.read import READER as CONTRACTS
from collectors.decisions.read import READER as DECISIONS
from collectors.deletion_log.read import READER as DELETION_LOG
from collectors.delta.read import READER as DELTA
from collectors.erasures.read import READER as ERASURES
from collectors.exceptions.read import READER as EXCEPTIONS
from collectors.feast.read import READER as FEAST
from collectors.fides.read import READER as FIDES
from collectors.github.read import READER as GITHUB
from collectors.gitlab.read import READER as GITLAB
from collectors.iceberg.read import READER as ICEBERG
from collectors.lineage.read import READER as LINEAGE
from collectors.marquez.read import READER as MARQUEZ
from collectors.members.read import READER as MEMBERS
from collectors.mlflow.read import READER as MLFLOW
from collectors.model_decisions.read import READER as MODEL_DECISIONS
from collectors.oci_registry.read import READER as OCI_REGISTRY
from collectors.ocsf.read import READER as OCSF
from collectors.purposes.read import READER as PURPOSES
from collectors.register.read import READER as REGISTER
from collectors.sarif.read import READER as SARIF
from collectors.schema_registry.read import READER as SCHEMA_REGISTRY
from collectors.scim.read import READER as SCIM
from compliance.facts import Reader

READERS: tuple[Reader, ...] = (
    ATTESTATIONS, AWS_CLOUDTRAIL, AWS_IAM, AWS_KMS, AWS_S3, AWS_SECRETSMANAGER, COLLECTION, CONSENTS,
    CONTRACTS, DECISIONS, DELETION_LOG, DELTA, ERASURES, EXCEPTIONS, FEAST, FIDES, GITHUB, GITLAB, ICEBERG,
    LINEAGE, MARQUEZ, MEMBERS, MLFLOW, MODEL_DECISIONS, OCI_REGISTRY, OCSF, PURPOSES, REGISTER, SARIF,
    SCHEMA_REGISTRY, SCIM,
)  # fmt: skip
"""In any order: no two read the same kind."""
