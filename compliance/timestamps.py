"""RFC 3161 time-stamps of checkpoints: an authority elsewhere states when a checkpoint existed.

What is stamped is the signed note of a checkpoint, byte for byte, by its SHA-256. Beside the log lie
``log/stamped/<size>.note`` (what was stamped), ``log/stamped/<size>.<digits>.tsr`` (the response,
named by the first 16 hex digits of its own SHA-256, as parts of it are covered by no signature) and
``log/stamped/<digits>.pem``, certificates by which stamps were verified when they were taken.
``openssl ts -verify -data SIZE.note -in SIZE.DIGITS.tsr -CAfile DIGITS.pem`` verifies one by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from compliance.canonical import sha256_hex
from compliance.durable import PUBLIC, exclusive, listed, put_file, refusing
from compliance.errors import InputRefused, SourceFailed, StoreTampered
from compliance.note import Checkpoint, Verifier, open_checkpoint, split_note

STAMPED = "stamped"
LOCK = "vouching.lock"
TIMEOUT_SECONDS = 30.0
MAX_RESPONSE_BYTES = 64 * 1024
DIGITS = 16
QUERY_TYPE = "application/timestamp-query"
_ROOTS = re.compile(r"(?P<digits>[0-9a-f]{16})\.pem", re.ASCII)
_NAME = re.compile(r"(?P<size>0|[1-9][0-9]{0,18})(?:\.note|\.(?P<digits>[0-9a-f]{16})\.tsr)", re.ASCII)


@dataclass(frozen=True)
class Stamp:
    """One verified time-stamp: of which checkpoint, when by the authority's clock (UTC), and whose it is."""

    checkpoint: Checkpoint
    note: str
    at: datetime
    authority: str
    response: bytes


# --- taking --------------------------------------------------------------------------------------


def stamp(note: str, folder: Path, *, url: str, roots: Sequence[x509.Certificate]) -> Stamp:
    """Have the note of a checkpoint stamped by the authority at ``url``, and keep it in the log's folder.

    Raises SourceFailed where the authority cannot be reached or answers with what does not verify
    under the given certificates.
    """
    request = TimestampRequestBuilder().data(note.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    raw = _asked(url, request.as_bytes())
    try:
        at, authority = _verified(raw, note.encode(), roots, request)
    except InputRefused as error:
        raise SourceFailed(
            f"The time-stamp authority at {url} answers with no good stamp: {error.message}"
        ) from error
    size = Checkpoint.parse(split_note(note)[0]).size
    with refusing("Keeping a time-stamp"), exclusive(folder / LOCK):
        pem = certificates_pem(roots)
        put_file(folder / STAMPED / f"{sha256_hex(pem)[:DIGITS]}.pem", pem, mode=PUBLIC)
        put_file(folder / STAMPED / f"{size}.note", note.encode(), mode=PUBLIC)
        put_file(folder / STAMPED / f"{size}.{sha256_hex(raw)[:DIGITS]}.tsr", raw, mode=PUBLIC)
    return Stamp(Checkpoint.parse(split_note(note)[0]), note, at, authority, raw)


def is_due(newest: Stamp | None, size: int, every: timedelta, now: datetime) -> bool:
    """Whether a stamp is to be taken: the size moved since the newest one, which is at least ``every`` old."""
    return newest is None or (size > newest.checkpoint.size and now - newest.at >= every)


def _asked(url: str, query: bytes) -> bytes:
    try:
        answer = httpx.post(url, content=query, headers={"Content-Type": QUERY_TYPE}, timeout=TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        raise SourceFailed(
            f"The time-stamp authority at {url} cannot be reached: {type(error).__name__} {error}."
        ) from error
    if answer.status_code != HTTPStatus.OK or len(answer.content) > MAX_RESPONSE_BYTES:
        message = f"The time-stamp authority at {url} answers {answer.status_code} with {len(answer.content)} bytes; expected 200 and a stamp."
        raise SourceFailed(message)
    return answer.content


# --- verifying -----------------------------------------------------------------------------------


def read_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates in a PEM file. Raises InputRefused where there are none."""
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"{path} cannot be read as certificates in PEM: {error}."
        raise InputRefused(message, field="evidence.time_stamps.root_file") from error


def certificates_pem(certificates: Sequence[x509.Certificate]) -> bytes:
    """Certificates as PEM, each once."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in dict.fromkeys(certificates))


def kept_certificates(folder: Path) -> list[x509.Certificate]:
    """The certificates kept beside the stamps. Raises StoreTampered where they are not what they are named by."""
    found: list[x509.Certificate] = []
    for path in listed(folder / STAMPED):
        if match := _ROOTS.fullmatch(path.name):
            if sha256_hex(path.read_bytes())[:DIGITS] != match["digits"]:
                message = f"log/{STAMPED}/{path.name} was changed: its SHA-256 is not its name. Restore it from a backup."
                raise StoreTampered(message, field=f"{STAMPED}/{path.name}")
            found += read_certificates(path)
    return list(dict.fromkeys(found))


def verified_stamp(raw: bytes, note: str, roots: Sequence[x509.Certificate]) -> tuple[datetime, str]:
    """When a stamp says that a note existed, and whose stamp it is. Raises InputRefused where it does not verify."""
    return _verified(raw, note.encode(), roots, None)


def _verified(
    raw: bytes, stamped: bytes, roots: Sequence[x509.Certificate], request: TimeStampRequest | None
) -> tuple[datetime, str]:
    builder = VerifierBuilder() if request is None else VerifierBuilder.from_request(request)
    for certificate in roots:
        own = certificate.issuer == certificate.subject
        builder = (builder.add_root_certificate if own else builder.add_intermediate_certificate)(certificate)
    try:
        response = decode_timestamp_response(raw)
        builder.build().verify_message(response, stamped)
    except (VerificationError, ValueError) as error:
        raise InputRefused(f"the time-stamp does not verify: {error}.", field="tsr") from error
    return response.tst_info.gen_time.astimezone(UTC), _authority(response)


def _authority(response: TimeStampResponse) -> str:
    """The subject of the certificate that signed. It is covered by the signature."""
    (signer,) = response.signed_data.signer_infos
    for der in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return certificate.subject.rfc4514_string()
    return "an unnamed authority"


# --- what is kept --------------------------------------------------------------------------------


def stamped_sizes(folder: Path) -> list[int]:
    """The sizes of which a stamp is kept, ascending, unverified."""
    names = [match for path in listed(folder / STAMPED) if (match := _NAME.fullmatch(path.name))]
    return sorted({int(match["size"]) for match in names if match["digits"]})


def stamps(folder: Path, size: int, verifier: Verifier) -> list[Stamp]:
    """The stamps of a size, earliest first, verified. Raises StoreTampered saying what is wrong."""
    paths = [
        path
        for path in listed(folder / STAMPED)
        if (match := _NAME.fullmatch(path.name)) and match["digits"] and int(match["size"]) == size
    ]
    return sorted((_kept(folder, path, size, verifier) for path in paths), key=lambda one: one.at)


def all_stamps(folder: Path, verifier: Verifier) -> Iterator[Stamp | StoreTampered]:
    """Every stamp that is kept; what is wrong with one stands in its place.

    The roots of their checkpoints remain to be compared with the tree: this reads no tile.
    """
    noted = set(stamped_sizes(folder))
    for path in listed(folder / STAMPED):
        match = _NAME.fullmatch(path.name)
        if _ROOTS.fullmatch(path.name):
            yield from _checked_roots(folder)
        elif match is None or (not match["digits"] and int(match["size"]) not in noted):
            yield StoreTampered(
                f"log/{STAMPED}/{path.name} lies among the time-stamps and is none.", field=STAMPED
            )
        elif match["digits"]:
            yield _found(folder, path, int(match["size"]), verifier)


def _checked_roots(folder: Path) -> Iterator[StoreTampered]:
    try:
        kept_certificates(folder)
    except StoreTampered as error:
        yield error


def _found(folder: Path, path: Path, size: int, verifier: Verifier) -> Stamp | StoreTampered:
    try:
        return _kept(folder, path, size, verifier)
    except StoreTampered as error:
        return error


def _kept(folder: Path, path: Path, size: int, verifier: Verifier) -> Stamp:
    try:
        return _read(folder, path, size, verifier)
    except (OSError, ValueError, InputRefused, StoreTampered) as error:
        message = f"log/{STAMPED}/{path.name} cannot be relied on: {error} Restore it from a backup."
        raise StoreTampered(message, index=size, field=f"{STAMPED}/{path.name}") from error


def _read(folder: Path, path: Path, size: int, verifier: Verifier) -> Stamp:
    raw = path.read_bytes()
    note = (folder / STAMPED / f"{size}.note").read_bytes().decode()
    checkpoint = open_checkpoint(note, verifier)
    if checkpoint.size != size or checkpoint.text() != split_note(note)[0]:
        raise InputRefused("its note is not the checkpoint of the size that it is named by.")
    if not path.name.endswith(f".{sha256_hex(raw)[:DIGITS]}.tsr"):
        raise InputRefused(f"its bytes have the SHA-256 {sha256_hex(raw)[:DIGITS]}…, not that of its name.")
    at, authority = verified_stamp(raw, note, kept_certificates(folder))
    return Stamp(checkpoint, note, at, authority, raw)
