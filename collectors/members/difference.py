"""A membership manifest as it is stored: the difference to an earlier one, as text.

Pure. The first line is a JSON object that names the ``base`` (the log index of the earlier
manifest, or null); every other line is ``+`` or ``-`` and the 32 hex digits of a pseudonym. The
digest of a manifest is the SHA-256 of its sorted pseudonyms, one a line, each line ended by a
newline: ``sort -u | sha256sum`` gives the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compliance.canonical import canonical, is_pseudonym, sha256_hex
from compliance.errors import InputRefused

MEDIA_TYPE = "application/vnd.muniment.members"
WORTHWHILE = 2
"""A difference is kept if it has at most one line for so many members; else the whole list is."""


@dataclass(frozen=True)
class Difference:
    """What joined and left since the base; without a base everything joined."""

    base: int | None
    added: tuple[str, ...]
    removed: tuple[str, ...]

    def to_bytes(self) -> bytes:
        """The stored form."""
        head = canonical({"base": None if self.base is None else str(self.base)}).decode()
        added, removed = (
            "".join(f"\n{sign}{member}" for member in members)
            for sign, members in (("+", self.added), ("-", self.removed))
        )
        return f"{head}{added}{removed}\n".encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Difference:
        """Read what ``to_bytes`` wrote. Raises InputRefused."""
        try:
            head, *lines = body.decode("ascii").splitlines()
            base = json.loads(head)["base"]
            number = None if base is None else int(base)
        except (ValueError, KeyError, TypeError) as error:
            raise InputRefused("The manifest's first line names no base.") from error
        if any(line[:1] not in ("+", "-") or not is_pseudonym(line[1:]) for line in lines):
            raise InputRefused("A line of the manifest is no + or - with 32 hex digits behind it.")
        joined = tuple(line[1:] for line in lines if line[0] == "+")
        return cls(number, joined, tuple(line[1:] for line in lines if line[0] == "-"))

    def applied(self, to: Iterable[str]) -> tuple[str, ...]:
        """The sorted members that remain of the base's, with those that joined."""
        return tuple(sorted(set(to) - set(self.removed) | set(self.added)))


def digest(members: Iterable[str]) -> str:
    """The SHA-256 of the sorted members, one a line, in lower-case hex."""
    return sha256_hex("".join(f"{member}\n" for member in sorted(members)).encode())


def difference(members: Sequence[str], base: tuple[int, Sequence[str]] | None) -> Difference:
    """The shorter of the whole list and its difference to an earlier list."""
    if base is not None:
        now, then = set(members), set(base[1])
        joined, left = now - then, then - now
        if (len(joined) + len(left)) * WORTHWHILE <= len(now):
            return Difference(base[0], tuple(sorted(joined)), tuple(sorted(left)))
    return Difference(None, tuple(sorted(members)), ())
