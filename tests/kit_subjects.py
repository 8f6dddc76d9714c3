"""Every source under the kit, one line each."""

from __future__ import annotations

from collectors.aws_cloudtrail.read import READER as CLOUDTRAIL
from collectors.aws_kms.read import READER as KMS
from collectors.aws_s3.read import READER as S3
from collectors.aws_secretsmanager.read import READER as SECRETS
from collectors.github.read import READER as GITHUB_READER
from collectors.gitlab.read import READER as GITLAB_READER
from collectors.marquez.read import READER as MARQUEZ_READER
from collectors.oci_registry.read import READER as OCI_READER
from collectors.schema_registry.read import READER as SCHEMAS_READER
from collectors.scim.read import READER as SCIM_READER
from tests.kit import Subject
from tests.kit_aws import (
    add_bucket,
    add_key,
    add_secret,
    add_trail,
    aws,
    bucket_pages,
    cloudtrail_collector,
    json_pages,
    key_pages,
    kms_collector,
    s3_collector,
    secrets_collector,
)
from tests.kit_rest import GITHUB, GITLAB, MARQUEZ, OCI, SCHEMAS, SCIM
from tests.stand_ins.answering import TOKEN

SUBJECTS = (
    Subject("aws-kms", KMS, "kms_key", "ListKeys", aws("kms", kms_collector, add_key, key_pages), links=False),
    Subject("aws-s3", S3, "s3_bucket", "/", aws("s3", s3_collector, add_bucket, bucket_pages), links=False),
    Subject("aws-cloudtrail", CLOUDTRAIL, "cloudtrail_trail", "ListTrails",
            aws("cloudtrail", cloudtrail_collector, add_trail, json_pages("Trails"),
                lambda s3: s3.create_bucket(Bucket="trails")), links=False),
    Subject("aws-secretsmanager", SECRETS, "secret", "ListSecrets",
            aws("secretsmanager", secrets_collector, add_secret, json_pages("SecretList")), links=False,
            secret="never-asked-for"),
    Subject("scim", SCIM_READER, "directory_user", "/Users", SCIM, secret=TOKEN),
    Subject("github", GITHUB_READER, "change", "/pulls", GITHUB, secret=TOKEN),
    Subject("gitlab", GITLAB_READER, "change", "/merge_requests", GITLAB, secret=TOKEN),
    Subject("schema-registry", SCHEMAS_READER, "schema_subject", "/subjects", SCHEMAS, paged=False, secret=TOKEN),
    Subject("marquez", MARQUEZ_READER, "lineage", "/events/lineage", MARQUEZ, secret=TOKEN),
    Subject("oci-registry", OCI_READER, "image", "/tags/list", OCI, secret=TOKEN),
)  # fmt: skip
