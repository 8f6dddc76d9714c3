"""The one error family. Every refusal a person can meet is one of these.

A message says in one or two plain sentences what was found, what was expected and what to do. The
command line prints it and exits with ``exit_code``; the web answers RFC 9457 problem details with
``status``. Anything else that escapes is a defect of ours.
"""

from __future__ import annotations

from dataclasses import dataclass


class MunimentError(Exception):
    """A refusal that names what was found, what was expected and what to do."""

    exit_code = 2
    status = 500
    title = "The request cannot be carried out"
    permanent = True
    """Whether the same call would be refused again unchanged."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        """The field (JSON pointer or dotted path) or the file and line that is at fault."""


class InputRefused(MunimentError):
    """What was handed in cannot be interpreted; nothing of it was applied."""

    status = 422
    title = "The input cannot be interpreted"


class TooLarge(InputRefused):
    """A body, entry or nesting beyond its configured limit."""

    status = 413
    title = "The input is too large"


class Unauthenticated(MunimentError):
    """No credential, or one that is unknown, lapsed or malformed."""

    status = 401
    title = "Sign in first"


class Forbidden(MunimentError):
    """A known caller without the right that the call needs."""

    status = 403
    title = "Not permitted"


class NotFound(MunimentError):
    """Nothing is known under that name."""

    status = 404
    title = "Not found"


class StoreMissing(MunimentError):
    """There is no store where one was expected."""

    status = 503


class StoreExists(MunimentError):
    """A store is already there; ``init`` never overwrites one."""

    status = 409


class StoreUnavailable(MunimentError):
    """The store is locked, full or out of reach; the same call may succeed later."""

    status = 503
    title = "The store is unavailable"
    permanent = False


class StoreTampered(MunimentError):
    """Bytes of the store contradict the log; nothing is served from them."""

    exit_code = 1
    status = 500
    title = "The store does not verify"

    def __init__(self, message: str, *, index: int | None = None, field: str | None = None) -> None:
        super().__init__(message, field=field)
        self.index = index
        """The first bad log index, where one can be named."""


class ContentGone(MunimentError):
    """The content was erased or has expired; ``by`` is the entry that says so."""

    status = 410
    title = "The content is gone"

    def __init__(self, message: str, *, by: str | None = None) -> None:
        super().__init__(message)
        self.by = by


class ContentHeld(MunimentError):
    """The content may not go yet: its retention has not ended, or a legal hold lies on it."""

    exit_code = 1
    status = 409
    title = "The content must be kept"


class SourceFailed(MunimentError):
    """A source could not be read: out of reach, denied, throttled or malformed.

    Collectors turn it into coverage that says so; it never becomes an empty listing.
    """

    status = 502
    permanent = False


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong in one file of the control library."""

    file: str
    line: int
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: found {self.found}; expected {self.expected}"


class LibraryInvalid(MunimentError):
    """The control library has faults; all of them are listed, not the first alone."""

    title = "The control library has faults"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        lines = "\n".join(str(fault) for fault in faults)
        super().__init__(f"{len(faults)} fault(s) in the control library:\n{lines}")
        self.faults = faults
