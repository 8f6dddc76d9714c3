"""The keys that sign checkpoints: a file on the embedded default, AWS KMS in production.

In ``keys/`` lie ``log-signing.pem``, or after a rotation ``log-signing-<key id>.pem`` (mode 0600),
and for a key in KMS ``log-signing-<key id>.kms``, which says where it is and holds no secret. The one
that belongs to ``log/vkey`` signs; a rotation that was cut short leaves one that waits for its turn.

A KMS key of the spec ``ECC_NIST_EDWARDS25519`` signs alone. One of the spec ``ECC_NIST_P256`` signs a
line of note type 0x02 beside the Ed25519 line of a key file: readers of checkpoints know Ed25519.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
    load_pem_private_key,
)

from compliance.durable import SECRET, listed, put_file
from compliance.errors import InputRefused, StoreMissing, StoreUnavailable
from compliance.logkeys import EcdsaKey
from compliance.note import LineKey, Signer, SigningKey, Verifier, join_note, split_note

FIRST = "log-signing.pem"
_PATIENCE = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 2})
"""Appends wait for the signature."""
ED25519, ECDSA_P256 = "ED25519_SHA_512", "ECDSA_SHA_256"
"""Signing algorithms by their names in KMS."""


@dataclass(frozen=True)
class KmsKey:
    """A signing key in AWS KMS: where it is, and its public half."""

    vkey: str
    key_id: str
    algorithm: str
    region: str
    endpoint_url: str | None = None

    @classmethod
    def find(cls, name: str, key_id: str, *, region: str, endpoint_url: str | None = None) -> KmsKey:
        """Ask KMS for the key. Raises InputRefused where it cannot sign checkpoints, StoreUnavailable."""
        asked = cls("", key_id, "", region, endpoint_url)
        try:
            found = asked._client.get_public_key(KeyId=key_id)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(f"The KMS key {key_id} cannot be read: {error}") from error
        public = load_der_public_key(found["PublicKey"])
        if isinstance(public, Ed25519PublicKey):
            vkey, algorithm = str(Verifier(name, public.public_bytes_raw())), ED25519
        elif isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
            vkey, algorithm = str(EcdsaKey(name, found["PublicKey"])), ECDSA_P256
        else:
            algorithm = ""
        if found["KeyUsage"] != "SIGN_VERIFY" or not algorithm:
            message = (
                f"The KMS key {key_id} is for {found['KeyUsage']} or of another kind; expected one of"
                " ECC_NIST_EDWARDS25519 or ECC_NIST_P256 for SIGN_VERIFY."
            )
            raise InputRefused(message, field="--kms")
        return replace(asked, vkey=vkey, key_id=found["KeyId"], algorithm=algorithm)

    @cached_property
    def _client(self) -> Any:
        return boto3.client("kms", region_name=self.region, endpoint_url=self.endpoint_url, config=_PATIENCE)

    @property
    def beside(self) -> bool:
        """Whether it signs beside a key file."""
        return self.algorithm == ECDSA_P256

    @cached_property
    def line_key(self) -> LineKey:
        """The public half."""
        return EcdsaKey.parse(self.vkey) if self.beside else Verifier.parse(self.vkey)

    def line(self, text: str) -> tuple[str, bytes]:
        """The signature line of a text. Raises StoreUnavailable where KMS does not sign."""
        try:
            answer = self._client.sign(
                KeyId=self.key_id, Message=text.encode(), MessageType="RAW", SigningAlgorithm=self.algorithm
            )
        except (ClientError, BotoCoreError) as error:
            message = f"The KMS key {self.key_id} does not sign: {error} Nothing was appended; see to the key, then try again."
            raise StoreUnavailable(message) from error
        self.line_key.check(answer["Signature"], text)
        return self.line_key.name, self.line_key.key_id + answer["Signature"]


@dataclass(frozen=True)
class KmsSigner:
    """A log that is signed in KMS, alone or beside a key file."""

    key: KmsKey
    file: Signer | None = None

    @property
    def name(self) -> str:
        """The log's name."""
        return self.key.line_key.name

    @property
    def verifier(self) -> Verifier:
        """The Ed25519 key, with the ECDSA key beside it if there is one."""
        if self.file is None:
            return Verifier.parse(self.key.vkey)
        return replace(self.file.verifier, beside=(self.key.line_key,))

    def signed(self, text: str) -> str:
        """The note of a text, under one key or both."""
        lines = [] if self.file is None else split_note(self.file.signed(text))[1]
        return join_note(text, [*lines, self.key.line(text)])


# --- the folder ----------------------------------------------------------------------------------


def create_signing_key(
    folder: Path, origin: str, *, first: bool = False, kms: KmsKey | None = None
) -> SigningKey:
    """Make a new signing key, a file or one in KMS, beside what is in ``keys/``; durable at return."""
    file = None if kms is not None and not kms.beside else Signer(origin, Ed25519PrivateKey.generate())
    if file is not None:
        name = FIRST if first else f"log-signing-{file.verifier.key_id.hex()}.pem"
        pem = file.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        put_file(folder / name, pem, mode=SECRET)
    if kms is None:
        return cast("Signer", file)
    signer = KmsSigner(kms, file)
    said = {
        "vkey": kms.vkey, "key_id": kms.key_id, "algorithm": kms.algorithm, "region": kms.region,
        "endpoint_url": kms.endpoint_url,
    }  # fmt: skip
    path = folder / f"log-signing-{signer.verifier.key_id.hex()}.kms"
    put_file(path, (json.dumps(said, indent=1) + "\n").encode(), mode=SECRET)
    return signer


def signing_key(folder: Path, origin: str, verifier: Verifier | None = None) -> SigningKey:
    """The signing key that belongs to a verifier key; without one, or without a match, the first there is.

    Raises StoreMissing for an absent, StoreUnavailable for an unreadable one.
    """
    found = list(_signing_keys(folder, origin))
    if not found:
        message = f"The key {FIRST} is missing from {folder}; restore it from a backup."
        raise StoreMissing(message)
    return next((key for key in found if key.verifier == verifier), found[0])


def forget_others(folder: Path, verifier: Verifier) -> None:
    """Destroy the signing keys that do not belong to the verifier key."""
    kept = {f"log-signing-{verifier.key_id.hex()}"}
    for path in _files(folder):
        name = path.stem
        if path.name == FIRST:
            own = _from_pem(path, verifier.name).verifier == verifier
            name = next(iter(kept)) if own else name
        if name not in kept:
            path.unlink()


def _files(folder: Path) -> list[Path]:
    return [
        path
        for path in listed(folder)
        if path.name.startswith("log-signing") and path.suffix in {".pem", ".kms"}
    ]


def _signing_keys(folder: Path, origin: str) -> Iterator[SigningKey]:
    for path in _files(folder):
        kms = path.with_suffix(".kms")
        if path.suffix == ".kms":
            key = _from_kms(path)
            if not key.beside:
                yield KmsSigner(key)
        elif kms.exists():
            yield KmsSigner(_from_kms(kms), _from_pem(path, origin))
        else:
            yield _from_pem(path, origin)


def _from_kms(path: Path) -> KmsKey:
    try:
        return KmsKey(**json.loads(_read(path)))
    except (ValueError, TypeError) as error:
        raise _unfit(path, "where a KMS key is") from error


def _from_pem(path: Path, origin: str) -> Signer:
    try:
        private = load_pem_private_key(_read(path), password=None)
    except ValueError as error:
        raise _unfit(path, "an Ed25519 key in PEM") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise _unfit(path, "an Ed25519 key in PEM")
    return Signer(origin, private)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        message = (
            f"The key {path.name} cannot be read: {error.strerror}. Run as the user that owns the store."
        )
        raise StoreUnavailable(message) from error


def _unfit(path: Path, expected: str) -> StoreUnavailable:
    return StoreUnavailable(f"The key {path.name} does not hold {expected}; restore it from a backup.")
