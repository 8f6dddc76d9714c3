"""Verification of the configured store, wherever its parts lie: in its folder, a bucket, a database."""

from __future__ import annotations

from compliance.anchor import configured_place
from compliance.bucket import Bucket
from compliance.bucketcopy import fetched, lock_faults
from compliance.databases import databases_of
from compliance.errors import StoreMissing
from compliance.payloadbucket import PayloadBucket
from compliance.settings import Settings
from compliance.verify import Verification, verify_store


def verify_configured(settings: Settings, *, vkey: str | None = None) -> Verification:
    """Verify the store of these settings (``verify.verify_store``); its locks too, where a bucket has it."""
    head, anchor = databases_of(settings).head, configured_place(settings.evidence)
    if settings.evidence.bucket is None:
        return verify_store(settings.home, vkey=vkey, head=head, anchor=anchor)
    if not (settings.home / "log").is_dir():
        raise StoreMissing(f"There is no store in {settings.home}; `muniment init` creates one.")
    bucket = Bucket(settings.evidence.bucket, endpoint_url=settings.evidence.endpoint_url)
    try:
        with fetched(bucket, settings.home) as folder:
            return verify_store(
                folder, vkey=vkey, head=head, anchor=anchor, payloads=PayloadBucket(bucket),
                locks=lambda: lock_faults(bucket),
            )  # fmt: skip
    finally:
        bucket.close()
