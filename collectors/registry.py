"""Every reader there is: one for each kind of entry that says something about the world."""

from __future__ import annotations

from collectors.aws_iam.read import READER as AWS_IAM
from collectors.aws_kms.read import READER as AWS_KMS
from collectors.collection.read import READER as COLLECTION
from collectors.deletion_log.read import READER as DELETION_LOG
from collectors.mlflow.read import READER as MLFLOW
from compliance.facts import Reader

READERS: tuple[Reader, ...] = (AWS_IAM, AWS_KMS, COLLECTION, DELETION_LOG, MLFLOW)
"""In any order: no two read the same kind."""
