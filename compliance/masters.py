"""The master key, which wraps data keys: in a file on the embedded default, wrapped itself by AWS KMS in production.

In ``keys/`` lies ``master.hex``, the key, or ``master.kms``, which says which KMS key wraps it and holds
it wrapped. It can be replaced by a new one: then every data key that is still there is wrapped anew, and
what was wrapped under the old one (by backups that do not hold it) cannot be opened any more. So
replacing it is what makes an erasure effective in such backups.

1. Make the new key, as ``master-next``.
2. Wrap every data key under it.
3. Put it in the place of the old one, and destroy that.

Cut short, both are there and open what either wraps; replacing it again finishes.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from compliance.durable import SECRET, put_file, refusing, rename, sync_folder, write_file
from compliance.errors import StoreMissing, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

BYTES = 32
FILE, KMS = "master.hex", "master.kms"
NEXT = "master-next"
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
_CONTEXT = {"muniment": "master key"}
"""What KMS is told with each call, so that its own log tells what the key was used for."""


@dataclass(frozen=True)
class KmsWrapping:
    """A symmetric key in AWS KMS that wraps the master key."""

    key_id: str
    region: str
    endpoint_url: str | None = None

    def wrap(self, master: bytes) -> bytes:
        """The master key wrapped. Raises StoreUnavailable."""
        try:
            answer = self._client().encrypt(KeyId=self.key_id, Plaintext=master, EncryptionContext=_CONTEXT)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"The KMS key {self.key_id} does not wrap: {error}") from error
        wrapped: bytes = answer["CiphertextBlob"]
        return wrapped

    def unwrap(self, wrapped: bytes) -> bytes:
        """The master key. Raises StoreUnavailable, also where the KMS key was disabled or destroyed."""
        try:
            answer = self._client().decrypt(
                KeyId=self.key_id, CiphertextBlob=wrapped, EncryptionContext=_CONTEXT
            )
        except (ClientError, BotoCoreError) as error:
            message = (
                f"The KMS key {self.key_id} does not unwrap the master key: {error} Nothing sealed can be read"
                " without it; see to the key and to the right kms:Decrypt."
            )
            raise StoreUnavailable(message) from error
        master: bytes = answer["Plaintext"]
        return master

    def _client(self) -> KMSClient:
        return boto3.client("kms", region_name=self.region, endpoint_url=self.endpoint_url, config=_PATIENCE)


def create_master(folder: Path, *, kms: KmsWrapping | None = None, name: str = "master") -> None:
    """Make a master key; durable at return."""
    master = secrets.token_bytes(BYTES)
    if kms is None:
        put_file(folder / f"{name}.hex", f"{master.hex()}\n".encode(), mode=SECRET)
        return
    stated = {
        "key_id": kms.key_id, "region": kms.region, "endpoint_url": kms.endpoint_url,
        "wrapped": base64.b64encode(kms.wrap(master)).decode(),
    }  # fmt: skip
    put_file(folder / f"{name}.kms", f"{json.dumps(stated)}\n".encode(), mode=SECRET)


def read_masters(folder: Path) -> list[bytes]:
    """The master keys that there are, the newest last: one, but for a replacement that was cut short.

    Raises StoreMissing where there is none, StoreUnavailable for one that cannot be read.
    """
    found = list(_read_all(folder))
    if not found:
        raise StoreMissing(
            f"The key {FILE} is missing from {folder}, and {KMS} too. Put back the one that there was, from where you"
            " keep it or from a backup that holds it; without it nothing sealed can be read."
        )
    return found


def replace_master(folder: Path, *, kms: KmsWrapping | None, rewrap: Callable[[], int]) -> int:
    """Replace the master key (see above); how many data keys ``rewrap`` has wrapped anew."""
    with refusing("Replacing the master key"):
        # 1.
        if not list(folder.glob(f"{NEXT}.*")):
            create_master(folder, kms=kms, name=NEXT)
        # 2.
        done = rewrap()
        # 3.
        for path in sorted(folder.glob(f"{NEXT}.*")):
            final = path.with_name(path.name.replace(NEXT, "master"))
            for old in (folder / FILE, folder / KMS):
                if old.exists():
                    write_file(old, secrets.token_bytes(old.stat().st_size), mode=SECRET, sync=True)
                    old.unlink()
            rename(path, final)
        sync_folder(folder)
    return done


def _read_all(folder: Path) -> Iterator[bytes]:
    for name in ("master", NEXT):
        for suffix in (".hex", ".kms"):
            path = folder / f"{name}{suffix}"
            try:
                text = path.read_text(encoding="ascii")
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError) as error:
                raise StoreUnavailable(
                    f"The key {path.name} cannot be read: {error}. Run as the user that owns the store."
                ) from error
            yield _master(path, text)


def _master(path: Path, text: str) -> bytes:
    try:
        if path.suffix == ".hex":
            master = bytes.fromhex(text.strip())
        else:
            stated = json.loads(text)
            kms = KmsWrapping(stated["key_id"], stated["region"], stated["endpoint_url"])
            master = kms.unwrap(base64.b64decode(stated["wrapped"]))
    except (ValueError, LookupError, TypeError) as error:
        raise _unfit(path) from error
    if len(master) != BYTES:
        raise _unfit(path)
    return master


def _unfit(path: Path) -> StoreUnavailable:
    expected = f"{BYTES} bytes in hex" if path.suffix == ".hex" else "a key that KMS has wrapped"
    return StoreUnavailable(f"The key {path.name} does not hold {expected}; restore it from a backup.")
