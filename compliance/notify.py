"""The notification channels, told when the status of a control changes or a source falls silent: a webhook, and apprise.

What was last announced is a row per control, so that a restart announces nothing twice. A message
names controls, statuses and counts; it never names a person, a key or a pseudonym.
"""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import apprise
import httpx
from sqlalchemy import Engine, delete, insert, select

from compliance.canonical import format_time, micros
from compliance.errors import InputRefused, SourceFailed
from compliance.settings import NotifySettings
from compliance.tables import Announced

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class StatusChange:
    """A control whose status is not the one that was last announced."""

    control: str
    title: str
    before: str | None
    after: str
    because: str

    def as_json(self) -> dict[str, str | None]:
        """One element of the message's ``changes``."""
        return {
            "control": self.control, "title": self.title, "before": self.before, "after": self.after,
            "because": self.because,
        }  # fmt: skip


def unannounced(operations: Engine, statuses: Mapping[str, tuple[str, str, str]]) -> list[StatusChange]:
    """What changed since the last announcement; ``statuses`` maps control → (status, title, because).

    A control that was never announced and is effective is no news.
    """
    with operations.connect() as connection:
        known = {row.control: row.status for row in connection.execute(select(Announced.__table__))}  # type: ignore[attr-defined]  # SQLModel
    changes = []
    for control, (status, title, because) in sorted(statuses.items()):
        before = known.get(control)
        if before != status and not (before is None and status == "effective"):
            changes.append(StatusChange(control, title, before, status, because))
    return changes


def announce(
    operations: Engine,
    settings: NotifySettings,
    changes: Sequence[StatusChange],
    *,
    at: datetime,
    sample: bool,
) -> None:
    """Send one message and remember what it said. Raises SourceFailed where the receiver did not take it.

    What could not be sent stays unannounced and is sent with the next change.
    """
    if not changes or (settings.webhook_url is None and settings.urls_file is None):
        return
    message = {
        "event": "control-status-changed", "at": format_time(at), "sample": sample,
        "changes": [change.as_json() for change in changes],
    }  # fmt: skip
    if settings.webhook_url is not None:
        refuse_link_local(settings.webhook_url)
        _post(settings, message)
    if settings.urls_file is not None:
        _tell(settings.urls_file, changes, sample=sample)
    with operations.begin() as connection:
        for change in changes:
            connection.execute(delete(Announced).where(Announced.control == change.control))  # type: ignore[arg-type]  # SQLModel column
            connection.execute(
                insert(Announced), [{"control": change.control, "status": change.after, "at": micros(at)}]
            )


def _tell(urls_file: Path, changes: Sequence[StatusChange], *, sample: bool) -> None:
    """Send to each URL of the file: e-mail, chat, whatever apprise knows. No message of ours holds one: they are secrets."""
    try:
        lines = urls_file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused("notify.urls_file cannot be read; see its path and rights.") from error
    # What it would log may name a URL.
    logging.getLogger("apprise").disabled = True
    channels = apprise.Apprise()
    for number, line in enumerate(lines, start=1):
        url = line.strip()
        if url and not url.startswith("#") and not channels.add(url):
            message = f"Line {number} of notify.urls_file is no URL that apprise knows; expected one such as mailtos://…."
            raise InputRefused(message, field="notify.urls_file")
    told = "\n".join(
        f"{change.control} {change.title}: {change.before or 'new'} -> {change.after}. {change.because}"
        for change in changes
    )
    title = f"Muniment{' (sample data)' if sample else ''}: {len(changes)} change(s)"
    if not channels.notify(title=title, body=told, body_format=apprise.NotifyFormat.TEXT):
        message = "Not every URL of notify.urls_file took the message. It is sent again at the next change."
        raise SourceFailed(message, field="notify.urls_file")


def _post(settings: NotifySettings, message: Mapping[str, object]) -> None:
    headers = {}
    if settings.webhook_token_file is not None:
        try:
            headers["Authorization"] = f"Bearer {settings.webhook_token_file.read_text().strip()}"
        except OSError as error:
            raise InputRefused(f"notify.webhook_token_file cannot be read: {error.strerror}.") from error
    try:
        answer = httpx.post(
            settings.webhook_url or "",
            json=message,
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )
    except httpx.HTTPError as error:
        raise SourceFailed(f"The webhook cannot be reached: {error}.", field="notify.webhook_url") from error
    if not answer.is_success:
        message_text = (
            f"The webhook answered {answer.status_code}; expected 2xx. It is tried again at the next change."
        )
        raise SourceFailed(message_text, field="notify.webhook_url")


def refuse_link_local(url: str) -> None:
    """Refuse a URL whose host is a link-local address (instance metadata lives there)."""
    host = urlsplit(url).hostname
    if host is None or urlsplit(url).scheme not in {"http", "https"}:
        raise InputRefused(f"{url!r} is no http or https URL.", field="notify.webhook_url")
    try:
        addresses = {item[4][0] for item in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise SourceFailed(f"The webhook's host {host} is not known: {error}.") from error
    if any(ipaddress.ip_address(str(address).split("%", 1)[0]).is_link_local for address in addresses):
        raise InputRefused(f"{host} is a link-local address; the webhook must not point there.")
