"""The composition root: which readers, derivations and collectors make up the product.

The one place that knows settings, store, collectors and web at once.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from collectors.pushed.bodies import take_apart
from collectors.pushed.reading import items_of
from collectors.registry import READERS
from collectors.secrets import without_secrets
from compliance.answers import Answers
from compliance.cli.pulling import collector
from compliance.collecting import CollectionOutcome, collect_once
from compliance.derived import DERIVATIONS
from compliance.errors import NotFound, SourceFailed
from compliance.evidence import Collector
from compliance.facts import Opened
from compliance.library import Library, load_library
from compliance.runs import Run
from compliance.schedule import Collected
from compliance.settings import Settings, SourceSettings, interval, load_settings
from compliance.store import Store, library_files, schemas_of

SEALED_KINDS = frozenset({"deletion-log", "fides", "github", "gitlab", "register", "scim"})
"""Pulled sources whose responses may hold pseudonyms or text about persons."""


def machine_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


def local_user() -> str:
    """How a local command is recorded: ``local:USER``."""
    return f"local:{getpass.getuser()}"


def create_store(settings: Settings, clock: Callable[[], datetime] = machine_clock) -> Store:
    """Create the store of these settings."""
    return Store.create(settings, readers=READERS, derivations=DERIVATIONS, clock=clock)


def open_store(settings: Settings, clock: Callable[[], datetime] = machine_clock) -> Store:
    """Open the store of these settings."""
    return Store.open(settings, readers=READERS, derivations=DERIVATIONS, clock=clock)


@contextmanager
def opened(home: Path | None = None) -> Iterator[tuple[Store, Answers]]:
    """The configured store, or the one in another folder, and its answers, for one command."""
    store = open_store(load_settings() if home is None else load_settings(home=home))
    try:
        yield store, Answers(store)
    finally:
        store.close()


def library_in_force() -> Library:
    """The library that the configured store is judged by."""
    with opened() as (_, answers):
        return answers.library(answers.basis())


def written_library(folder: Path | None) -> Library:
    """The library of a folder, or the one that is configured. Raises LibraryInvalid with every fault."""
    if folder is not None:
        settings = load_settings(controls=folder)
        return load_library(library_files(settings), schemas_of(READERS, DERIVATIONS))
    with opened() as (store, _):
        return load_library(library_files(store.settings), store.schemas)


def collector_of(store: Store, source: SourceSettings) -> Collector:
    """The collector of a pulled source. Raises InputRefused where an option it needs is missing."""
    return collector(store, source)


def carried_out(store: Store, run: Run) -> Collected:
    """Carry out a claimed run, and end it as not seen whole when its time is over."""
    source = store.settings.source(run.source)
    until = store.clock() + interval(source.timeout if source else "1h")

    def within_time(_said: str) -> None:
        if store.clock() > until:
            raise SourceFailed(
                f"the run was ended after its time-out of {source.timeout if source else '1h'}"
            )

    outcome = collect(store, run.source, within_time, run.name)
    throttled = any(scope.throttled for scope in outcome.scopes)
    return Collected(outcome.sentence(), throttled and not outcome.complete, outcome.complete)


def collect(
    store: Store, name: str, progress: Callable[[str], None] | None = None, run: str | None = None
) -> CollectionOutcome:
    """Run the collector of one configured source once; ``run`` names a planned run."""
    source = store.settings.source(name)
    if source is None:
        known = ", ".join(s.name for s in store.settings.sources) or "none"
        raise NotFound(f"No source is named {name!r}; configured are: {known}.", field="source")
    return collect_once(
        collector_of(store, source), source=name, log=store.log, former=store.former_items,
        clock=store.clock, sealed=source.kind in SEALED_KINDS, progress=progress, redact=_redaction(store.settings),
        name=run,
    )  # fmt: skip


def _redaction(settings: Settings) -> Callable[[bytes], tuple[bytes, tuple[str, ...]]]:
    """What is taken out of answers before they are kept: secrets by their look, and the configured patterns."""
    own = [re.compile(pattern.encode()) for pattern in settings.redact.patterns]
    return lambda body: without_secrets(body, own)


def item_bytes(store: Store, index: int, item: int | None) -> bytes:
    """The raw bytes of an entry as collected, or of one item in it, unsealed. Raises NotFound, ContentGone."""
    entry = store.log.entry(index)
    body = store.log.body(entry, index)
    if body is None:
        raise NotFound(f"The entry {index} has no payload.")
    if item is None:
        return body
    opened_entry = Opened(index, entry, body)
    count = len(entry.items) or len(items_of(opened_entry))
    if item >= count:
        raise NotFound(f"The entry {index} has {count} item(s); there is no item {item}.")
    if entry.items:
        return opened_entry.item_body(item)
    return (
        take_apart(body, media_type=entry.payload.media_type if entry.payload else "")
        .item_text(item)
        .encode()
    )
