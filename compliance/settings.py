"""Settings: few, frozen, each described. Environment (``MUNIMENT_…``) first, then ``muniment.toml``.

What judgement reads (sources, aliases, scope, the decision-log mapping) is appended to the log as a
``config`` entry and read from there; see ``judged_configuration``. Secrets come from files or the
environment and never leave this process.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal, overload

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from compliance.canonical import Json
from compliance.errors import InputRefused

CRON_FIELDS = 5
RESERVED = frozenset({"api", "muniment"})
"""The sources of what a token without a source sends, and of the store's own entries."""
SourceKind = Literal[
    "aws-iam", "aws-kms", "aws-s3", "aws-cloudtrail", "aws-secretsmanager", "mlflow", "feast", "schema-registry",
    "marquez", "scim", "oci-registry", "delta", "iceberg", "deletion-log", "github", "gitlab", "ocsf", "sarif",
    "register", "fides", "push",
]  # fmt: skip
Accepts = Literal["lineage", "decisions", "consents", "erasures", "members", "contracts", "purposes"]


class Part(BaseModel):
    """A group of settings: frozen, nothing unknown in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatasetSetting(Part):
    """A dataset's name."""

    namespace: str = Field(description="OpenLineage namespace of the dataset")
    name: str = Field(description="Name of the dataset in its namespace")


class SourceSettings(Part):
    """One source of evidence, pulled on a schedule or pushed."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Unique name of the source")
    kind: SourceKind = Field(description="What it is")
    schedule: str | None = Field(None, description="Cron expression, or an interval such as 15m, 6h, 1d")
    catch_up: Literal["latest", "all", "none"] = Field(
        "latest", description="Which of the slots missed by more than a minute are made up for"
    )
    jitter: str | None = Field(None, description="Interval over which the starts of runs are spread")
    timeout: str = Field("1h", description="Interval after which a run is ended as not seen whole")
    region: str | None = Field(None, description="One AWS region")
    regions: tuple[str, ...] = Field((), description="Several AWS regions")
    endpoint_url: str | None = Field(None, description="Endpoint in place of AWS's own")
    role_arn: str | None = Field(None, description="Role to assume for reading")
    url: str | None = Field(None, description="Base URL of the service")
    token_file: Path | None = Field(None, description="File that holds the bearer token")
    path: Path | None = Field(None, description="File or folder to read")
    bucket: str | None = Field(None, description="S3 bucket to read instead of a folder")
    prefix: str = Field("", description="Prefix of the objects in the bucket")
    registry: Path | None = Field(None, description="File or folder of Feast registry dumps")
    repositories: tuple[str, ...] = Field((), description="Repositories to read, OWNER/NAME")
    uri: str | None = Field(None, description="Where a table lies: a folder, or its newest metadata file")
    namespace: str | None = Field(None, description="Namespace of the table's dataset, as lineage names it")
    dataset: str | None = Field(None, description="Name of the table's dataset, as lineage names it")
    registers: tuple[str, ...] = Field((), description="Registers that the folder holds; empty: any")
    key_space: str | None = Field(None, description="Key space of the identities in exported consents")
    accepts: tuple[Accepts, ...] = Field((), description="What a pushed source may send")
    expect_every: str | None = Field(None, description="Interval after which silence is stale: 15m, 24h, 7d")
    namespaces: tuple[str, ...] = Field((), description="Dataset namespaces it may speak of; empty: all")

    @field_validator("expect_every", "jitter", "timeout")
    @classmethod
    def _is_an_interval(cls, text: str | None) -> str | None:
        if text is not None and interval(text, or_none=True) is None:
            raise ValueError(f"{text!r} is no interval; expected a number with s, m, h or d, such as 24h")
        return text

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, text: str | None) -> str | None:
        """Whether its five fields make a cron expression is found out by the schedule itself."""
        if text is not None and interval(text, or_none=True) is None and len(text.split()) != CRON_FIELDS:
            raise ValueError(
                f"{text!r} is no schedule; expected an interval such as 6h, or a cron expression"
            )
        return text


class KeySpaceSettings(Part):
    """The secret under which keys of one key space become pseudonyms (CONTRACT section 3)."""

    secret: SecretStr | None = Field(None, description="Secret in hex, at least 16 bytes")
    secret_file: Path | None = Field(None, description="File that holds the secret in hex")
    older_secret_files: tuple[Path, ...] = Field((), description="Files of retired secrets, still asked")


class WitnessSettings(Part):
    """A witness that cosigns the log's checkpoints, run by somebody else (C2SP tlog-witness)."""

    url: str = Field(pattern=r"^https?://", description="Address before `/add-checkpoint`")
    vkey: str = Field(description="Verifier key of the witness: name+hash+base64, type 04")


class TimeStampSettings(Part):
    """An RFC 3161 authority that states when checkpoints existed."""

    url: str = Field(pattern=r"^https?://", description="Address of the authority")
    root_file: Path = Field(description="PEM file with its root, and intermediates if it needs any")
    every: str = Field("1h", description="At most one stamp in this interval, and only if the log grew")

    @field_validator("every")
    @classmethod
    def _is_an_interval(cls, text: str) -> str:
        if interval(text, or_none=True) is None:
            raise ValueError(f"{text!r} is no interval; expected a number with s, m, h or d, such as 1h")
        return text


class EvidenceSettings(Part):
    """Where evidence lies and under which name the log is known."""

    origin: str | None = Field(None, description="Origin of a new log: a schema-less URL")
    bucket: str | None = Field(None, description="S3 Object Lock bucket instead of the folder")
    endpoint_url: str | None = Field(None, description="Endpoint of that bucket")
    anchor: str | None = Field(
        None, description="Second place for the last signed size and root: a folder, or s3://BUCKET/PREFIX"
    )
    verify_every: str = Field("6h", description="How often a serving process verifies the whole store")
    witnesses: tuple[WitnessSettings, ...] = Field((), description="Witnesses that cosign checkpoints")
    time_stamps: TimeStampSettings | None = Field(None, description="Authority that stamps checkpoints")
    max_body_mib: int = Field(64, ge=1, le=1024, description="Largest body taken in, unpacked")

    @field_validator("verify_every")
    @classmethod
    def _is_an_interval(cls, text: str) -> str:
        if interval(text, or_none=True) is None:
            raise ValueError(f"{text!r} is no interval; expected a number with s, m, h or d, such as 6h")
        return text


class ExclusionSettings(Part):
    """A requirement that is out of scope, with who said so and why."""

    requirement: str = Field(description="framework:citation")
    reason: str = Field(min_length=1, description="Why it does not apply")
    approver: str = Field(min_length=1, description="Who approved the exclusion")


class ScopeSettings(Part):
    """What the organisation is judged by (DESIGN section 2, Scope)."""

    frameworks: tuple[str, ...] = Field((), description="Frameworks in scope; empty: all in the library")
    roles: tuple[str, ...] = Field((), description="provider, deployer, merchant, service-provider …")
    elected: tuple[str, ...] = Field((), description="Elected criteria, such as soc2:A or soc2:P")
    exclusions: tuple[ExclusionSettings, ...] = Field((), description="Requirements out of scope")


class DecisionSettings(Part):
    """JSON pointers into an OPA decision-log entry, where they differ from the contract's."""

    allowed: str = Field("", description="Boolean that says the decision was to allow")
    purpose: str = Field("/input/purpose", description="Purpose of the access")
    principal: str = Field("/input/principal", description="Who asked")
    model: str = Field("/input/model", description="NAME@VERSION of the model that asked")
    dataset: str = Field("/input/dataset", description="Object with namespace and name")
    records: str = Field("/input/records", description="Array of key_space and pseudonym")


class RedactSettings(Part):
    """What is taken out of received bodies before they are stored."""

    pointers: tuple[str, ...] = Field((), description="JSON pointers (* stands for any member) to redact")
    patterns: tuple[str, ...] = Field((), description="Regular expressions whose matches are redacted")


class NotifySettings(Part):
    """Where changes of control status are announced."""

    webhook_url: str | None = Field(None, description="URL that gets a JSON POST on each change")
    webhook_token_file: Path | None = Field(None, description="File with a bearer token for it")
    urls_file: Path | None = Field(
        None, description="File with a URL of apprise on each line: e-mail, Slack and other channels"
    )


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        env_prefix="MUNIMENT_", env_nested_delimiter="__", toml_file="muniment.toml",
        extra="forbid", frozen=True,
    )  # fmt: skip
    KEYS: ClassVar[str] = "keys"

    home: Path = Field(Path("var"), description="Folder of the embedded store")
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL in place of the embedded database files: postgresql://USER:PASSWORD@HOST/DATABASE",
    )
    database_url_file: Path | None = Field(None, description="File that holds that URL")
    controls: Path | None = Field(None, description="Folder of the control library; the shipped one if unset")
    evidence: EvidenceSettings = Field(EvidenceSettings(), description="The evidence log")
    sources: tuple[SourceSettings, ...] = Field((), description="Sources of evidence")
    key_spaces: dict[str, KeySpaceSettings] = Field({}, description="Kinds of record key")
    aliases: tuple[tuple[DatasetSetting, ...], ...] = Field((), description="Names of the same dataset")
    replaces: tuple[DatasetSetting, ...] = Field((), description="Datasets each writing run replaces whole")
    decisions: DecisionSettings = Field(DecisionSettings(), description="Shape of decision logs")
    redact: RedactSettings = Field(RedactSettings(), description="Redaction at intake")
    scope: ScopeSettings = Field(ScopeSettings(), description="What is in scope")
    notify: NotifySettings = Field(NotifySettings(), description="Notification")

    @model_validator(mode="after")
    def _names_are_unique(self) -> Settings:
        names = [source.name for source in self.sources]
        twice = sorted({name for name in names if names.count(name) > 1} | (RESERVED & set(names)))
        if twice:
            raise ValueError(f"source names {twice} are given twice or reserved")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then environment, then ``muniment.toml`` in the working folder."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    def source(self, name: str) -> SourceSettings | None:
        """The configured source of that name."""
        return next((source for source in self.sources if source.name == name), None)

    def judged_configuration(self, key_ids: dict[str, list[str]]) -> dict[str, Json]:
        """What sways answers, as the ``config`` entry states it: no secret, no path of a key."""
        part = self.model_dump(mode="json", include={"aliases", "replaces", "decisions", "scope"})
        hidden = {"token_file", "role_arn", "endpoint_url", "url", "path", "registry", "uri"}
        hidden |= {"catch_up", "jitter", "timeout"}
        part["sources"] = [s.model_dump(mode="json", exclude=hidden) for s in self.sources]
        part["key_spaces"] = {name: key_ids[name] for name in sorted(key_ids)}
        return part


_INTERVAL = re.compile(r"^(\d{1,5})([smhd])$")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


@overload
def interval(text: str) -> timedelta: ...
@overload
def interval(text: str, *, or_none: bool) -> timedelta | None: ...
def interval(text: str, *, or_none: bool = False) -> timedelta | None:
    """The span that ``15m``, ``6h`` or ``1d`` stands for. Raises InputRefused, or gives None if asked to."""
    match = _INTERVAL.match(text)
    if match is None or int(match[1]) == 0:
        if or_none:
            return None
        raise InputRefused(f"{text!r} is no interval; expected a number with s, m, h or d, such as 15m.")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def load_settings(**overrides: Any) -> Settings:
    """The settings in force. Raises InputRefused naming each field that is wrong."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'settings'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise InputRefused(f"The settings are wrong: {faults}.", field="muniment.toml") from error
    except (ValueError, OSError) as error:
        raise InputRefused(f"muniment.toml cannot be read: {error}.", field="muniment.toml") from error
