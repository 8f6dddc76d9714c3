"""The IAM actions that each AWS source needs. Where S3 names an action otherwise than its call, so does this."""

from __future__ import annotations

from collections.abc import Mapping

ACTIONS: Mapping[str, tuple[str, ...]] = {
    "aws-iam": (
        "iam:GenerateCredentialReport", "iam:GetAccountAuthorizationDetails", "iam:GetAccountPasswordPolicy",
        "iam:GetAccountSummary", "iam:GetCredentialReport", "iam:ListRoles", "iam:ListUserTags",
    ),
    "aws-kms": (
        "kms:DescribeKey", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListKeys",
        "kms:ListResourceTags",
    ),
    "aws-s3": (
        "s3:GetBucketLocation", "s3:GetBucketLogging", "s3:GetBucketObjectLockConfiguration", "s3:GetBucketPolicy",
        "s3:GetBucketPolicyStatus", "s3:GetBucketPublicAccessBlock", "s3:GetBucketTagging", "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration", "s3:GetReplicationConfiguration",
        "s3:ListAllMyBuckets",
    ),
    "aws-cloudtrail": (
        "cloudtrail:GetEventSelectors", "cloudtrail:GetInsightSelectors", "cloudtrail:GetTrail",
        "cloudtrail:GetTrailStatus", "cloudtrail:ListTrails",
    ),
    "aws-secretsmanager": (
        "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy", "secretsmanager:ListSecrets",
    ),
}  # fmt: skip
"""Kind of source → actions. ``sts:GetCallerIdentity`` needs no permission."""
