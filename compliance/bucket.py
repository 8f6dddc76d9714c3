"""A bucket with S3 Object Lock: what the evidence store needs of it, and nothing else.

Locked objects are written by a single PUT that carries their SHA-256, an explicit mode (compliance)
and an explicit date, and that fails where there is an object of the name (``If-None-Match: *``).
Then the object is looked at: its lock must be as asked and its bytes must hash as they should. So a
stand-in, proxy or misconfigured bucket that merely says yes is found out while the bytes are still
in our hands (Amazon S3 User Guide, "Locking objects with Object Lock", "Conditional writes").

The bucket has Object Lock, and no default retention: a default would lock checkpoint and partial
tiles too, which are replaced all the time.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from compliance.canonical import format_time, sha256_hex
from compliance.errors import ContentHeld, InputRefused, StoreTampered, StoreUnavailable
from compliance.objects import Lock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MODE: Final = "COMPLIANCE"
CHUNK = 1 << 20
_ABSENT = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchVersion"})
_THERE = frozenset({"PreconditionFailed", "412"})
_LOCKED = frozenset({"AccessDenied", "403"})
_CONFIG = Config(
    connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=32, user_agent_extra="muniment",
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """An object as it lies there, unread."""

    size: int
    version: str
    lock: Lock
    mode: str | None


class Bucket:
    """One bucket at one endpoint. Safe to share between threads."""

    def __init__(self, name: str, *, endpoint_url: str | None = None) -> None:
        self.name = name
        self.endpoint_url = endpoint_url
        try:
            session = boto3.session.Session()
            region = session.region_name or "us-east-1"
            # A name before another's host would have to be resolved; Amazon's own are.
            style = (
                _CONFIG if endpoint_url is None else _CONFIG.merge(Config(s3={"addressing_style": "path"}))
            )
            self.client: S3Client = session.client(
                "s3", endpoint_url=endpoint_url, region_name=region, config=style
            )
        except (BotoCoreError, ValueError) as error:
            raise InputRefused(
                f"evidence.endpoint_url {endpoint_url!r} cannot be used: {error}.",
                field="evidence.endpoint_url",
            ) from error

    def __str__(self) -> str:
        return f"s3://{self.name}"

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    def require_fit(self) -> None:
        """Raise InputRefused unless the bucket has Object Lock and no default retention."""
        with self._refusing(f"Looking at the bucket {self.name}"):
            try:
                answer = self.client.get_object_lock_configuration(Bucket=self.name)
            except ClientError as error:
                match _code(error):
                    case "NoSuchBucket":
                        found = f"There is no bucket {self.name}"
                    case "ObjectLockConfigurationNotFoundError":
                        found = f"The bucket {self.name} has no Object Lock"
                    case _:
                        raise
                raise InputRefused(f"{found}; {_EXPECTED}", field="evidence.bucket") from error
        configuration = answer.get("ObjectLockConfiguration", {})
        if configuration.get("ObjectLockEnabled") != "Enabled":
            raise InputRefused(
                f"The bucket {self.name} has no Object Lock; {_EXPECTED}", field="evidence.bucket"
            )
        if "Rule" in configuration:
            default = configuration["Rule"].get("DefaultRetention", {})
            message = (
                f"The bucket {self.name} has a default retention ({default.get('Mode')}), which would lock"
                f" checkpoint and partial tiles too; {_EXPECTED}"
            )
            raise InputRefused(message, field="evidence.bucket")

    # --- locked objects ------------------------------------------------------------------------

    def put_locked(self, key: str, body: bytes, until: datetime) -> bool:
        """Write an object once, locked until that instant; False where one of the name is there already.

        Raises StoreTampered where what then lies there is not what was sent, or is not locked as asked.
        """
        wanted = whole_second(until)
        with self._refusing(f"Storing {key}"):
            try:
                self.client.put_object(
                    Bucket=self.name, Key=key, Body=body, ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
                    IfNoneMatch="*", ObjectLockMode=MODE, ObjectLockRetainUntilDate=wanted,
                )  # fmt: skip
            except ClientError as error:
                if _code(error) in _THERE:
                    return False
                raise
        self._confirm(key, body, wanted)
        return True

    def _confirm(self, key: str, body: bytes, until: datetime) -> None:
        seen = self.look(key)
        if seen is None or seen.mode != MODE or seen.lock.until is None or seen.lock.until < until:
            found = "nothing" if seen is None else f"mode {seen.mode}, until {seen.lock.until}"
            message = (
                f"The bucket {self.name} took {key} but does not lock it: found {found}, expected {MODE} until"
                f" {format_time(until)}. It keeps no evidence; use one with S3 Object Lock."
            )
            raise StoreTampered(message, field=key)
        back = self.read(key)
        if back is None or sha256_hex(back) != sha256_hex(body):
            raise StoreTampered(
                f"The bucket {self.name} gives back other bytes for {key} than it was sent.", field=key
            )

    def extend(self, key: str, until: datetime) -> None:
        """Move the date until which an object is locked to a later one. Raises ContentHeld for an earlier one."""
        with self._refusing(f"Keeping {key} longer"):
            seen = self._needed(key)
            wanted = whole_second(until)
            if seen.mode == MODE and seen.lock.until is not None and wanted < seen.lock.until:
                raise ContentHeld(
                    f"{key} is kept until {format_time(seen.lock.until)}; found the earlier"
                    f" {format_time(wanted)}. A date can only be moved later."
                )
            retention: Any = {"Mode": MODE, "RetainUntilDate": wanted}
            self.client.put_object_retention(
                Bucket=self.name, Key=key, VersionId=seen.version, Retention=retention
            )

    def hold(self, key: str, *, held: bool) -> None:
        """Place or release a legal hold on an object."""
        with self._refusing(f"Placing or releasing a legal hold on {key}"):
            seen = self._needed(key)
            status: Any = {"Status": "ON" if held else "OFF"}
            self.client.put_object_legal_hold(
                Bucket=self.name, Key=key, VersionId=seen.version, LegalHold=status
            )

    def remove(self, key: str) -> None:
        """Remove every version of an object for good. Raises ContentHeld where the bucket refuses."""
        with self._refusing(f"Removing {key}"):
            for version in list(self._versions(key)):
                try:
                    self.client.delete_object(Bucket=self.name, Key=key, VersionId=version)
                except ClientError as error:
                    if _code(error) in _LOCKED:
                        raise ContentHeld(
                            f"The bucket {self.name} refuses to remove {key}: it is locked or under a legal hold."
                        ) from error
                    raise

    # --- reading -------------------------------------------------------------------------------

    def read(self, key: str, version: str | None = None) -> bytes | None:
        """The bytes of an object, or of one version of it; None where there is none."""
        named = {} if version is None else {"VersionId": version}
        with self._refusing(f"Reading {key}"):
            try:
                answer = self.client.get_object(Bucket=self.name, Key=key, **named)  # type: ignore[arg-type]
                return answer["Body"].read()
            except ClientError as error:
                if _code(error) in _ABSENT or _is_marker(error):
                    return None
                raise

    def chunks(self, key: str) -> Iterator[bytes]:
        """The bytes of an object as a stream; none where there is none."""
        with self._refusing(f"Reading {key}"):
            try:
                yield from self.client.get_object(Bucket=self.name, Key=key)["Body"].iter_chunks(CHUNK)
            except ClientError as error:
                if _code(error) not in _ABSENT:
                    raise

    def read_aged(self, key: str) -> tuple[bytes, float] | None:
        """The bytes of an object and how many seconds ago it was written, by the bucket's own clock."""
        with self._refusing(f"Reading {key}"):
            try:
                answer = self.client.get_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
            stated = answer["ResponseMetadata"]["HTTPHeaders"].get("date", "")
            now = parsedate_to_datetime(stated) if stated else answer["LastModified"]
            return answer["Body"].read(), max(0.0, (now - answer["LastModified"]).total_seconds())

    def look(self, key: str) -> Found | None:
        """Size, version and lock of an object; None where there is none."""
        with self._refusing(f"Looking at {key}"):
            try:
                answer: Any = self.client.head_object(Bucket=self.name, Key=key)
            except ClientError as error:
                if _code(error) in _ABSENT:
                    return None
                raise
        until = answer.get("ObjectLockRetainUntilDate")
        lock = Lock(
            None if until is None else until.astimezone(UTC), answer.get("ObjectLockLegalHoldStatus") == "ON"
        )
        return Found(answer["ContentLength"], answer.get("VersionId", ""), lock, answer.get("ObjectLockMode"))

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Key and size of every object under a prefix, in order of their keys."""
        with self._refusing(f"Listing {prefix}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            for page in pages:
                for each in page.get("Contents", ()):
                    yield each["Key"], each["Size"]

    def first_version_of(self, key: str, digest: str) -> bytes | None:
        """The bytes of that SHA-256 among all versions of a key, also beneath a delete marker or another version."""
        with self._refusing(f"Reading versions of {key}"):
            for version in list(self._versions(key, markers=False)):
                body = self.read(key, version)
                if body is not None and sha256_hex(body) == digest:
                    return body
        return None

    # --- objects that are replaced -------------------------------------------------------------

    def put(self, key: str, body: bytes) -> None:
        """Write an object that is not locked, replacing what is there."""
        with self._refusing(f"Storing {key}"):
            self.client.put_object(
                Bucket=self.name, Key=key, Body=body, ChecksumAlgorithm="SHA256",
                ChecksumSHA256=base64.b64encode(hashlib.sha256(body).digest()).decode(),
            )  # fmt: skip

    def sweep(self, prefix: str, *, but_newest_of: str | None = None) -> None:
        """Remove every version of the unlocked objects under a prefix, except the newest of one key."""
        with self._refusing(f"Sweeping {prefix}"):
            pages = self.client.get_paginator("list_object_versions").paginate(
                Bucket=self.name, Prefix=prefix
            )
            for page in pages:
                named: Any = [
                    {"Key": each["Key"], "VersionId": each["VersionId"]}
                    for each in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
                    if not (each["Key"] == but_newest_of and each["IsLatest"])
                ]
                if named:
                    self.client.delete_objects(Bucket=self.name, Delete={"Objects": named, "Quiet": True})

    # --- inside --------------------------------------------------------------------------------

    def _needed(self, key: str) -> Found:
        seen = self.look(key)
        if seen is None:
            raise StoreTampered(f"{key} is missing from the bucket {self.name}.", field=key)
        return seen

    def _versions(self, key: str, *, markers: bool = True) -> Iterator[str]:
        """The versions of one key, newest first."""
        pages = self.client.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=key)
        for page in pages:
            for each in [*page.get("Versions", ()), *(page.get("DeleteMarkers", ()) if markers else ())]:
                if each["Key"] == key:
                    yield each["VersionId"]

    @contextmanager
    def _refusing(self, doing: str) -> Iterator[None]:
        """Turn what the endpoint refuses into StoreUnavailable, chained."""
        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {})
            message = (
                f"{doing} in {self} failed: {said.get('Code')}: {said.get('Message')}. Check the bucket and the rights"
                " that the credentials have on it."
            )
            raise StoreUnavailable(message) from error
        except BotoCoreError as error:
            where = self.endpoint_url or "S3"
            raise StoreUnavailable(f"{doing} in {self} failed: {where} cannot be used: {error}.") from error


_EXPECTED = (
    "expected one made with Object Lock (which implies versioning) and without default retention. Object Lock"
    " is switched on when a bucket is made."
)


def whole_second(until: datetime) -> datetime:
    """The date as S3 keeps it, rounded up: what was asked for is kept in full."""
    return (until + timedelta(microseconds=999_999)).astimezone(UTC).replace(microsecond=0)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_marker(error: ClientError) -> bool:
    """Asking for the version of a delete marker is refused as a method, not as absence."""
    return _code(error) in {"MethodNotAllowed", "405"}
