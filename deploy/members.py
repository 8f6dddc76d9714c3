"""Making a membership manifest where the data is: keys in, sorted pseudonyms out, in bounded memory.

For pipelines, as ``muniment.members`` of the installed package: standard library alone, complete in itself. Raw keys are
hashed at once and never leave the process, nor are they written anywhere: what spills to disk are pseudonyms.

>>> from muniment.members import Manifest, put_members
>>> customers = Manifest("s3://lake", "crm/customers", "42", key_space="customer")
>>> put_members(customers, keys, secret=bytes.fromhex(secret), url="https://muniment.example", token=token)
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from heapq import merge
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

WIDTH = 16
IN_MEMORY = 1_000_000
"""Pseudonyms held in memory before they are sorted and written to a temporary file: about 60 MB."""
LINES_AT_ONCE = 65_536
SAID_AT_MOST = 1000
TIMEOUT_SECONDS = 300.0


class ManifestRefused(Exception):
    """The server did not take a manifest, or cannot be reached; the message says what it said."""


@dataclass(frozen=True)
class Manifest:
    """Whose data one version of a dataset holds.

    ``completeness`` is ``full``, or ``partial`` for one that confirms but never excludes. ``key_id`` names the secret
    (default: the id that the server derives from the same secret).
    """

    namespace: str
    name: str
    version: str
    key_space: str
    completeness: str = "full"
    key_id: str | None = None


@dataclass(frozen=True)
class Posted:
    """A manifest that was taken: how many people it holds, and the SHA-256 of their sorted pseudonyms."""

    count: int
    digest: str


def digest_of(secret: bytes, key: str) -> bytes:
    """The first 16 bytes of HMAC-SHA256(secret, UTF-8 bytes of the NFC-normalised key)."""
    return hmac.digest(secret, unicodedata.normalize("NFC", key).encode(), "sha256")[:WIDTH]


def sorted_members(secret: bytes, keys: Iterable[str], *, in_memory: int = IN_MEMORY) -> Iterator[bytes]:
    """The pseudonyms of keys, sorted, each once: parts are sorted in memory, kept in temporary files and merged.

    Raises UnicodeEncodeError for a key that is no Unicode text.
    """
    with ExitStack() as files:
        parts: list[IO[bytes]] = []
        held: set[bytes] = set()
        for key in keys:
            held.add(digest_of(secret, key))
            if len(held) >= in_memory:
                parts.append(_spilled(files, held))
                held = set()
        yield from _each_once(merge(*map(_read, parts), sorted(held)))


def _spilled(files: ExitStack, held: set[bytes]) -> IO[bytes]:
    part = files.enter_context(tempfile.TemporaryFile(prefix="muniment-members-"))  # noqa: SIM115 (the stack closes it)
    part.write(b"".join(sorted(held)))
    part.seek(0)
    return part


def _read(part: IO[bytes]) -> Iterator[bytes]:
    while chunk := part.read(WIDTH * LINES_AT_ONCE):
        for start in range(0, len(chunk), WIDTH):
            yield chunk[start : start + WIDTH]


def _each_once(members: Iterable[bytes]) -> Iterator[bytes]:
    before = b""
    for member in members:
        if member != before:
            yield member
            before = member


def put_members(
    manifest: Manifest,
    keys: Iterable[str],
    *,
    secret: bytes,
    url: str,
    token: str,
    in_memory: int = IN_MEMORY,
) -> Posted:
    """Make a manifest and post it; only pseudonyms leave this process. Raises ManifestRefused."""
    parts = (manifest.namespace, manifest.name, manifest.version)
    path = "/".join(quote(part, safe="") for part in parts)
    asked = {
        "key_space": manifest.key_space, "completeness": manifest.completeness,
        "key_id": manifest.key_id or id_of(secret),
    }  # fmt: skip
    with tempfile.TemporaryFile(prefix="muniment-members-") as body:
        posted = _write(body, sorted_members(secret, keys, in_memory=in_memory))
        headers = {
            "Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson", "Content-Length": str(body.tell()),
        }  # fmt: skip
        body.seek(0)
        address = f"{_http(url)}/api/v1/members/{path}?{urlencode(asked)}"
        _send(address, body, headers)
    return posted


def id_of(secret: bytes) -> str:
    """The public name of a secret: 16 hex digits that tell nothing about it."""
    return hashlib.sha256(b"muniment key id\n" + secret).hexdigest()[:16]


def _write(body: IO[bytes], members: Iterable[bytes]) -> Posted:
    """NDJSON: one JSON string of 32 hex digits a line."""
    count, digest = 0, hashlib.sha256()
    for member in members:
        text = member.hex()
        body.write(f'"{text}"\n'.encode())
        digest.update(f"{text}\n".encode())
        count += 1
    return Posted(count, digest.hexdigest())


def _http(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        message = f"The server cannot be reached at {url!r}: its address begins with https:// or http://."
        raise ManifestRefused(message)
    return url.rstrip("/")


def _send(address: str, body: IO[bytes], headers: dict[str, str]) -> None:
    try:
        request = Request(address, data=body, method="PUT", headers=headers)  # noqa: S310 (the scheme is checked)
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 (the scheme is checked)
            answer.read()
    except HTTPError as error:
        said = f"The server refused the manifest ({error.code}): {_detail(error.read(SAID_AT_MOST))}"
        raise ManifestRefused(said) from error
    except (URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise ManifestRefused(f"The server cannot be reached: {getattr(error, 'reason', error)}.") from error


def _detail(body: bytes) -> str:
    """What the server says of a refusal: the detail of its problem, else the beginning of its text."""
    text = body.decode(errors="replace")
    try:
        problem = json.loads(text)
    except ValueError:
        return text
    return str(problem.get("detail", "")) if isinstance(problem, dict) else text
