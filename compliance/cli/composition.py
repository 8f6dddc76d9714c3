"""The composition root: which readers, derivations and collectors make up the product.

The one place that knows settings, store, collectors and web at once.
"""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from collectors.aws_iam.collect import IamCollector
from collectors.aws_kms.collect import KmsCollector
from collectors.deletion_log.collect import DeletionLogCollector
from collectors.mlflow.collect import MlflowCollector
from collectors.pushed.bodies import take_apart
from collectors.pushed.reading import items_of
from collectors.registry import READERS
from compliance.answers import Answers
from compliance.collecting import CollectionOutcome, collect_once
from compliance.derived import DERIVATIONS
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Collector
from compliance.facts import Opened
from compliance.library import Library, load_library
from compliance.settings import Settings, SourceSettings, load_settings
from compliance.store import Store, library_files, schemas_of

T = TypeVar("T")
SEALED_KINDS = frozenset({"deletion-log"})
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
    match source.kind:
        case "aws-iam":
            return IamCollector(
                region=source.region or "us-east-1", endpoint_url=source.endpoint_url, role_arn=source.role_arn,
                clock=store.clock,
            )  # fmt: skip
        case "aws-kms":
            regions = source.regions or ((source.region,) if source.region else ())
            return KmsCollector(
                regions=_needed(source, "regions", regions), endpoint_url=source.endpoint_url,
                role_arn=source.role_arn, clock=store.clock,
            )  # fmt: skip
        case "mlflow":
            return MlflowCollector(
                url=_needed(source, "url", source.url), token=_token(source), clock=store.clock
            )
        case "deletion-log":
            return DeletionLogCollector(
                path=source.path, bucket=source.bucket, prefix=source.prefix, endpoint_url=source.endpoint_url,
                pseudonymise=store.key_spaces.pseudonym, clock=store.clock,
                key_ids={name: ids[0] for name, ids in store.key_spaces.key_ids().items()},
            )  # fmt: skip
        case "push":
            raise InputRefused(
                f"The source {source.name} is pushed; there is nothing to collect.", field="source"
            )


def collect(store: Store, name: str, progress: Callable[[str], None] | None = None) -> CollectionOutcome:
    """Run the collector of one configured source once."""
    source = store.settings.source(name)
    if source is None:
        known = ", ".join(s.name for s in store.settings.sources) or "none"
        raise NotFound(f"No source is named {name!r}; configured are: {known}.", field="source")
    return collect_once(
        collector_of(store, source), source=name, log=store.log, former=store.former_items,
        clock=store.clock, sealed=source.kind in SEALED_KINDS, progress=progress,
    )  # fmt: skip


def item_bytes(store: Store, index: int, item: int | None) -> bytes:
    """The raw bytes of an entry as collected, or of one item in it, unsealed. Raises NotFound, ContentGone."""
    entry = store.log.entry(index)
    body = store.log.body(entry)
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


def _needed(source: SourceSettings, option: str, value: T | None) -> T:
    if not value:
        raise InputRefused(
            f"The source {source.name} of kind {source.kind} needs {option}.",
            field=f"sources.{source.name}.{option}",
        )
    return value


def _token(source: SourceSettings) -> str | None:
    return (
        None
        if source.token_file is None
        else _read_secret(source.token_file, f"sources.{source.name}.token_file")
    )


def _read_secret(path: Path, field: str) -> str:
    try:
        return path.read_text().strip()
    except OSError as error:
        raise InputRefused(f"{field} cannot be read: {error.strerror}.", field=field) from error
