"""Which collector a configured source has, made of the source's options."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from collectors.aws_cloudtrail.collect import CloudTrailCollector
from collectors.aws_iam.collect import IamCollector
from collectors.aws_kms.collect import KmsCollector
from collectors.aws_s3.collect import S3Collector
from collectors.aws_secretsmanager.collect import SecretsManagerCollector
from collectors.deletion_log.collect import DeletionLogCollector
from collectors.delta.collect import delta_collector
from collectors.feast.collect import FeastCollector
from collectors.fides.collect import FidesCollector
from collectors.github.collect import GithubCollector
from collectors.gitlab.collect import GitlabCollector
from collectors.iceberg.collect import iceberg_collector
from collectors.lake.collect import Dataset, files_at
from collectors.marquez.collect import MarquezCollector
from collectors.mlflow.collect import MlflowCollector
from collectors.oci_registry.collect import OciCollector
from collectors.ocsf.collect import ocsf_collector
from collectors.pushed.redaction import Cleaner
from collectors.register.collect import RegisterCollector
from collectors.sarif.collect import sarif_collector
from collectors.schema_registry.collect import SchemaRegistryCollector
from collectors.scim.collect import ScimCollector
from compliance.errors import InputRefused
from compliance.evidence import Collector
from compliance.settings import SourceSettings
from compliance.store import Store

T = TypeVar("T")
HOME_REGION = "us-east-1"
Made = Callable[[Store, SourceSettings], Collector]


def collector(store: Store, source: SourceSettings) -> Collector:
    """The collector of a pulled source. Raises InputRefused where an option it needs is missing."""
    if source.kind == "push":
        raise InputRefused(
            f"The source {source.name} is pushed; there is nothing to collect.", field="source"
        )
    return MADE[source.kind](store, source)


def needed(source: SourceSettings, option: str, value: T | None) -> T:
    """An option that the kind of source cannot do without. Raises InputRefused where it is missing."""
    if not value:
        raise InputRefused(
            f"The source {source.name} of kind {source.kind} needs {option}.",
            field=f"sources.{source.name}.{option}",
        )
    return value


def token(source: SourceSettings) -> str | None:
    """The source's bearer token, from its file. Raises InputRefused where the file cannot be read or is empty."""
    if source.token_file is None:
        return None
    return _secret(source.token_file, f"sources.{source.name}.token_file")


def _secret(path: Path, field: str) -> str:
    try:
        found = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise InputRefused(f"{field} cannot be read: {why}.", field=field) from error
    if not found or not found.isascii() or not found.isprintable():
        raise InputRefused(f"{field} must hold one line of printable ASCII, the token.", field=field)
    return found


def _regions(source: SourceSettings) -> tuple[str, ...]:
    return needed(source, "regions", source.regions or ((source.region,) if source.region else ()))


def _home(source: SourceSettings) -> str:
    return source.region or next(iter(source.regions), HOME_REGION)


def _iam(store: Store, source: SourceSettings) -> Collector:
    return IamCollector(
        region=_home(source), endpoint_url=source.endpoint_url, role_arn=source.role_arn, clock=store.clock
    )


def _kms(store: Store, source: SourceSettings) -> Collector:
    return KmsCollector(
        regions=_regions(source),
        endpoint_url=source.endpoint_url,
        role_arn=source.role_arn,
        clock=store.clock,
    )


def _s3(store: Store, source: SourceSettings) -> Collector:
    return S3Collector(
        region=_home(source), endpoint_url=source.endpoint_url, role_arn=source.role_arn, clock=store.clock
    )


def _cloudtrail(store: Store, source: SourceSettings) -> Collector:
    return CloudTrailCollector(
        region=_home(source), endpoint_url=source.endpoint_url, role_arn=source.role_arn, clock=store.clock
    )


def _secretsmanager(store: Store, source: SourceSettings) -> Collector:
    return SecretsManagerCollector(
        regions=_regions(source),
        endpoint_url=source.endpoint_url,
        role_arn=source.role_arn,
        clock=store.clock,
    )


def _mlflow(store: Store, source: SourceSettings) -> Collector:
    return MlflowCollector(url=needed(source, "url", source.url), token=token(source), clock=store.clock)


def _deletion_log(store: Store, source: SourceSettings) -> Collector:
    return DeletionLogCollector(
        path=source.path, bucket=source.bucket, prefix=source.prefix, endpoint_url=source.endpoint_url,
        pseudonymise=store.key_spaces.pseudonym, clock=store.clock,
        key_ids={name: ids[0] for name, ids in store.key_spaces.key_ids().items()},
    )  # fmt: skip


def _register(store: Store, source: SourceSettings) -> Collector:
    return RegisterCollector(
        path=needed(source, "path", source.path), registers=source.registers, clock=store.clock
    )


def _scim(store: Store, source: SourceSettings) -> Collector:
    return ScimCollector(url=needed(source, "url", source.url), token=token(source), clock=store.clock)


def _schema_registry(store: Store, source: SourceSettings) -> Collector:
    return SchemaRegistryCollector(
        url=needed(source, "url", source.url), token=token(source), clock=store.clock
    )


def _marquez(store: Store, source: SourceSettings) -> Collector:
    redact = store.settings.redact
    cleaner = Cleaner.configured(
        store.key_spaces.pseudonym, pointers=redact.pointers, patterns=redact.patterns
    )
    return MarquezCollector(
        url=needed(source, "url", source.url), token=token(source), clock=store.clock, cleaner=cleaner
    )


def _oci(store: Store, source: SourceSettings) -> Collector:
    return OciCollector(
        url=needed(source, "url", source.url), token=token(source), clock=store.clock,
        repositories=needed(source, "repositories", source.repositories),
    )  # fmt: skip


def _github(store: Store, source: SourceSettings) -> Collector:
    return GithubCollector(
        url=source.url or "https://api.github.com", token=token(source), clock=store.clock,
        repositories=needed(source, "repositories", source.repositories),
    )  # fmt: skip


def _gitlab(store: Store, source: SourceSettings) -> Collector:
    return GitlabCollector(
        url=needed(source, "url", source.url), token=token(source), clock=store.clock,
        repositories=needed(source, "repositories", source.repositories),
    )  # fmt: skip


def _feast(store: Store, source: SourceSettings) -> Collector:
    return FeastCollector(registry=needed(source, "registry", source.registry), clock=store.clock)


def _ocsf(store: Store, source: SourceSettings) -> Collector:
    return ocsf_collector(path=needed(source, "path", source.path), clock=store.clock)


def _sarif(store: Store, source: SourceSettings) -> Collector:
    return sarif_collector(path=needed(source, "path", source.path), clock=store.clock)


def _fides(store: Store, source: SourceSettings) -> Collector:
    return FidesCollector(
        path=needed(source, "path", source.path), key_space=needed(source, "key_space", source.key_space),
        pseudonymise=store.key_spaces.pseudonym, clock=store.clock,
        key_ids={name: ids[0] for name, ids in store.key_spaces.key_ids().items()},
    )  # fmt: skip


def _lake(store: Store, source: SourceSettings) -> Collector:
    made = delta_collector if source.kind == "delta" else iceberg_collector
    files = files_at(source.path, source.uri, _home(source), source.endpoint_url)
    namespace = needed(source, "namespace", source.namespace)
    dataset = Dataset(namespace, needed(source, "dataset", source.dataset))
    return made(files=files, dataset=dataset, clock=store.clock)


MADE: Mapping[str, Made] = {
    "aws-cloudtrail": _cloudtrail, "aws-iam": _iam, "aws-kms": _kms, "aws-s3": _s3,
    "aws-secretsmanager": _secretsmanager, "deletion-log": _deletion_log, "delta": _lake, "feast": _feast,
    "fides": _fides, "github": _github, "gitlab": _gitlab, "iceberg": _lake, "marquez": _marquez, "mlflow": _mlflow,
    "oci-registry": _oci, "ocsf": _ocsf, "register": _register, "sarif": _sarif,
    "schema-registry": _schema_registry, "scim": _scim,
}  # fmt: skip
"""Kind of source → how its collector is made."""
