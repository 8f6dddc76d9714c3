"""The rules of S3 Object Lock in compliance mode, as attempts on a store that either refuses or allows each.

The rules are Amazon's (S3 User Guide, "Locking objects with Object Lock", "Object Lock
considerations", and the errors of PutObject, PutObjectRetention and DeleteObject). An attempt on a
bucket is the bare request, without the guards of our own code; on the folder it is our own code.
"""

# ruff: noqa: D102 (what an attempt is stands in ``Worm``, not again in each store)
from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.exceptions import ClientError

from compliance.canonical import sha256_hex
from compliance.errors import ContentHeld, MunimentError
from compliance.objects import PayloadFolder

BODY = b"what is kept"
NOW = datetime.now(UTC).replace(microsecond=0)
"""A stand-in judges by its own clock, which is the machine's."""
UNTIL = NOW + timedelta(days=100)
A_DAY = timedelta(days=1)


class Refused(Exception):
    """The store said no."""


class Worm(Protocol):
    """What can be tried on a store that keeps one payload, ``BODY``, until ``UNTIL``."""

    def replace(self) -> None:
        """Write other bytes under its name, where the name must be free."""

    def falsify(self) -> None:
        """Send bytes with the digest of others."""

    def date(self, until: datetime) -> None:
        """Give it that date."""

    def clear(self) -> None:
        """Take its date away."""

    def weaken(self) -> None:
        """Give it a weaker mode and a later date."""

    def remove(self) -> None:
        """Remove it for good."""

    def remove_by_right(self) -> None:
        """Remove it for good with the right to bypass weaker locks."""

    def remove_many(self) -> None:
        """Remove it for good by the request that removes many."""

    def hide(self) -> None:
        """Delete it without naming a version: allowed, and what was there stays beneath."""

    def hold(self, *, held: bool) -> None:
        """Place or release a legal hold."""

    def outlive(self) -> None:
        """Write another whose date has passed, and remove that."""

    def held_and_outlived(self) -> None:
        """The same, under a legal hold."""

    def date_in_the_past(self) -> None:
        """Write one with a date that has passed."""

    def mode_without_date(self) -> None:
        """Write one with a mode and no date."""

    def in_parts(self) -> None:
        """Write one in parts, locked; then remove it."""

    def lock_elsewhere(self) -> None:
        """Write a locked one into a bucket without Object Lock."""

    def stop_versions(self) -> None:
        """Suspend the versioning that the locks rest on."""

    def there(self) -> bool:
        """Whether the bytes can still be read, beneath whatever was put over them."""


def _held_and_released(worm: Worm) -> None:
    worm.hold(held=True)
    worm.hold(held=False)


RULES: dict[str, tuple[bool, Callable[[Worm], None]]] = {
    "what is there is not replaced": (False, lambda worm: worm.replace()),
    "bytes must be those of their digest": (False, lambda worm: worm.falsify()),
    "a date is not moved earlier": (False, lambda worm: worm.date(UNTIL - A_DAY)),
    "a date is moved later": (True, lambda worm: worm.date(UNTIL + A_DAY)),
    "a date is not taken away": (False, lambda worm: worm.clear()),
    "a mode is not weakened": (False, lambda worm: worm.weaken()),
    "nothing is removed before its date": (False, lambda worm: worm.remove()),
    "no right removes before the date": (False, lambda worm: worm.remove_by_right()),
    "many are not removed where one is not": (False, lambda worm: worm.remove_many()),
    "deleting without a version only hides": (True, lambda worm: worm.hide()),
    "a hold is placed and released": (True, _held_and_released),
    "what is past its date is removed": (True, lambda worm: worm.outlive()),
    "a hold outlasts the date": (False, lambda worm: worm.held_and_outlived()),
    "a date in the past is refused": (False, lambda worm: worm.date_in_the_past()),
    "a mode needs a date": (False, lambda worm: worm.mode_without_date()),
    "what is written in parts is locked alike": (False, lambda worm: worm.in_parts()),
    "a lock needs a bucket with Object Lock": (False, lambda worm: worm.lock_elsewhere()),
    "versioning cannot be stopped": (False, lambda worm: worm.stop_versions()),
}
"""Each rule: whether the attempt is allowed, and the attempt."""


def allowed(worm: Worm, attempt: Callable[[Worm], None]) -> bool:
    """Whether the store lets an attempt through."""
    try:
        attempt(worm)
    except Refused:
        return False
    return True


class FolderWorm:
    """The attempts on our folder store."""

    NOT_THERE = frozenset(
        {"a mode is not weakened", "no right removes before the date", "a date in the past is refused",
         "deleting without a version only hides", "a mode needs a date", "what is written in parts is locked alike",
         "a lock needs a bucket with Object Lock", "versioning cannot be stopped"}
    )  # fmt: skip
    """Rules about what a folder does not have: modes, versions, parts, buckets."""

    def __init__(self, folder: PayloadFolder) -> None:
        self._folder = folder
        self._digest = folder.put(BODY, UNTIL)

    def __getattr__(self, name: str) -> Any:
        """A folder has no such thing to try."""
        raise NotImplementedError(name)

    def replace(self) -> None:
        """A name is the digest of its bytes, so only a file that is opened for writing could be replaced."""
        mode = self._folder.path(self._digest).stat().st_mode
        if not mode & 0o222:
            raise Refused

    def falsify(self) -> None:
        path = self._folder.path(sha256_hex(b"other"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(BODY)
        _refusing(lambda: self._folder.get(sha256_hex(b"other")))

    def date(self, until: datetime) -> None:
        _refusing(lambda: self._folder.extend(self._digest, until))

    def clear(self) -> None:
        _refusing(lambda: self._folder.extend(self._digest, datetime.fromtimestamp(0, UTC)))

    def remove(self) -> None:
        _refusing(lambda: self._folder.remove(self._digest, NOW))

    remove_many = remove

    def hold(self, *, held: bool) -> None:
        self._folder.hold(self._digest, held=held)

    def outlive(self) -> None:
        _refusing(lambda: self._folder.remove(self._folder.put(b"old", NOW - A_DAY), NOW))

    def held_and_outlived(self) -> None:
        digest = self._folder.put(b"old", NOW - A_DAY)
        self._folder.hold(digest, held=True)
        _refusing(lambda: self._folder.remove(digest, NOW))

    def there(self) -> bool:
        return self._folder.get(self._digest) == BODY


def _refusing(attempt: Callable[[], object]) -> None:
    try:
        attempt()
    except (ContentHeld, MunimentError) as error:
        raise Refused from error


class BucketWorm:
    """The attempts on a bucket, as bare requests."""

    NOT_THERE: frozenset[str] = frozenset()

    def __init__(self, client: Any, bucket: str) -> None:
        self._s3, self._bucket = client, bucket
        client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
        self._key = sha256_hex(BODY)
        self._version = self._put(self._key, BODY)["VersionId"]

    def _put(self, key: str, body: bytes, until: datetime = UNTIL, **more: Any) -> Any:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        values = {
            "ChecksumAlgorithm": "SHA256", "ChecksumSHA256": digest, "IfNoneMatch": "*",
            "ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until, **more,
        }  # fmt: skip
        sent = {name: value for name, value in values.items() if value is not None}
        return self._s3.put_object(**{"Bucket": self._bucket, "Key": key, "Body": body, **sent})

    def _try(self, attempt: Callable[[], Any]) -> Any:
        try:
            return attempt()
        except ClientError as error:
            raise Refused from error

    def _retain(self, mode: str, until: datetime) -> None:
        retention = {"Mode": mode, "RetainUntilDate": until}
        self._try(
            lambda: self._s3.put_object_retention(
                Bucket=self._bucket, Key=self._key, Retention=retention, BypassGovernanceRetention=True
            )
        )

    def _remove(self, key: str, version: str, *, bypass: bool = False) -> None:
        more = {"BypassGovernanceRetention": True} if bypass else {}
        self._try(lambda: self._s3.delete_object(Bucket=self._bucket, Key=key, VersionId=version, **more))

    def replace(self) -> None:
        self._try(lambda: self._put(self._key, b"other"))

    def falsify(self) -> None:
        digest = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
        self._try(lambda: self._put("false", BODY, ChecksumSHA256=digest))

    def date(self, until: datetime) -> None:
        self._retain("COMPLIANCE", until)

    def clear(self) -> None:
        self._try(lambda: self._s3.put_object_retention(Bucket=self._bucket, Key=self._key, Retention={}))

    def weaken(self) -> None:
        self._retain("GOVERNANCE", UNTIL + A_DAY)

    def remove(self) -> None:
        self._remove(self._key, self._version)

    def remove_by_right(self) -> None:
        self._remove(self._key, self._version, bypass=True)

    def remove_many(self) -> None:
        named = {"Objects": [{"Key": self._key, "VersionId": self._version}]}
        answer = self._try(lambda: self._s3.delete_objects(Bucket=self._bucket, Delete=named))
        if answer.get("Errors"):
            raise Refused

    def hide(self) -> None:
        self._try(lambda: self._s3.delete_object(Bucket=self._bucket, Key=self._key))

    def hold(self, *, held: bool) -> None:
        status = {"Status": "ON" if held else "OFF"}
        self._try(
            lambda: self._s3.put_object_legal_hold(Bucket=self._bucket, Key=self._key, LegalHold=status)
        )

    def outlive(self) -> None:
        """A real bucket takes no date that has passed: there one would have to be waited for."""
        made = self._try(lambda: self._put("old", b"old", NOW - A_DAY))
        self._remove("old", made["VersionId"])

    def held_and_outlived(self) -> None:
        made = self._put("held", b"old", NOW - A_DAY, ObjectLockLegalHoldStatus="ON")
        self._remove("held", made["VersionId"])

    def date_in_the_past(self) -> None:
        self._try(lambda: self._put("past", BODY, NOW - A_DAY))

    def mode_without_date(self) -> None:
        self._try(lambda: self._put("undated", BODY, ObjectLockRetainUntilDate=None))

    def in_parts(self) -> None:
        asked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": UNTIL}
        upload = self._s3.create_multipart_upload(Bucket=self._bucket, Key="parts", **asked)["UploadId"]
        named = {"Bucket": self._bucket, "Key": "parts", "UploadId": upload}
        part = self._s3.upload_part(**named, PartNumber=1, Body=BODY)
        parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
        self._s3.complete_multipart_upload(**named, MultipartUpload=parts)
        seen = self._s3.head_object(Bucket=self._bucket, Key="parts")
        self._remove("parts", seen["VersionId"])

    def lock_elsewhere(self) -> None:
        self._s3.create_bucket(Bucket=f"{self._bucket}-plain")
        self._try(lambda: self._put(self._key, BODY, Bucket=f"{self._bucket}-plain"))

    def stop_versions(self) -> None:
        suspended = {"Status": "Suspended"}
        self._try(
            lambda: self._s3.put_bucket_versioning(Bucket=self._bucket, VersioningConfiguration=suspended)
        )

    def there(self) -> bool:
        with suppress(ClientError):
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key, VersionId=self._version)
            return bool(answer["Body"].read() == BODY)
        return False
