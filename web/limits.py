"""Taking a request's body in bounded memory: its size as sent, and its size unpacked."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from fastapi import Request

from compliance.errors import InputRefused, TooLarge
from web.problems import UnsupportedEncoding
from web.spool import Spool

MIB = 1024 * 1024
GZIP_WINDOW = 31
"""zlib's way to say: gzip, with the largest window."""
UNPACKED_AT_ONCE = MIB


@dataclass(frozen=True)
class Sent:
    """A body as it was sent, at most ``limit`` bytes, with its content coding and media type.

    A large one lies on the disk until it is read, which is done once, in a thread.
    """

    body: bytes | Spool
    encoding: str
    media_type: str
    limit: int

    def unpacked(self) -> bytes:
        """The body without its content coding. Raises TooLarge beyond the limit, InputRefused if broken."""
        content = self.body.read() if isinstance(self.body, Spool) else self.body
        match self.encoding:
            case "" | "identity":
                return content
            case "gzip" | "x-gzip":
                return gunzipped(content, self.limit)
            case other:
                message = f"The content coding {other!r} is not taken; send gzip, or none."
                raise UnsupportedEncoding(message, field="Content-Encoding")


async def sent(request: Request) -> Sent:
    """Read a request's body. Raises TooLarge as soon as it is known to be too large."""
    limit = request.app.state.store.settings.evidence.max_body_mib * MIB
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    body = Spool(request.app.state.store.settings.home)
    async for chunk in request.stream():
        body.write(chunk)
        if body.size > limit:
            body.close()
            raise _too_large(limit)
    coding = request.headers.get("content-encoding", "").strip().lower()
    return Sent(body, coding, request.headers.get("content-type", ""), limit)


def gunzipped(content: bytes, limit: int) -> bytes:
    """The content of a gzip file of one or more members (RFC 1952), at most ``limit`` bytes.

    Raises TooLarge without unpacking more than that, InputRefused where it is broken or cut short.
    """
    unpacked, rest = bytearray(), content
    while rest:
        member = zlib.decompressobj(GZIP_WINDOW)
        while not member.eof:
            try:
                piece = member.decompress(rest, UNPACKED_AT_ONCE)
            except zlib.error as error:
                raise _broken() from error
            unpacked += piece
            if len(unpacked) > limit:
                raise _too_large(limit)
            if not piece and not member.eof and not member.unconsumed_tail:
                raise _broken()
            rest = member.unconsumed_tail
        rest = member.unused_data
    return bytes(unpacked)


def _broken() -> InputRefused:
    return InputRefused("The body is no gzip file, or was cut short.", field="Content-Encoding")


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // MIB} MiB; send it in parts.", field="body")
