"""How a record key becomes a pseudonym, for pipelines that make membership manifests. Standard library alone."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata


def pseudonym(secret: bytes, key: str) -> str:
    """The pseudonym of a record key under a key-space secret: 32 lower-case hex digits.

    The first 16 bytes of HMAC-SHA256(secret, UTF-8 bytes of the NFC-normalised key), RFC 2104. The secret
    is the bytes that its hex text stands for. Raises UnicodeEncodeError for a key that is no Unicode text.
    """
    normal = unicodedata.normalize("NFC", key).encode()
    return hmac.new(secret, normal, hashlib.sha256).digest()[:16].hex()
