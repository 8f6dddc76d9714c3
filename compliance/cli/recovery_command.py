"""The command that starts a successor log after a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compliance.anchor import checkpoint_at, configured_place
from compliance.cli.composition import local_user, machine_clock, open_store
from compliance.cli.output import print_json
from compliance.databases import databases_of
from compliance.errors import InputRefused, StoreUnavailable
from compliance.note import Checkpoint, open_checkpoint
from compliance.published import read_verifier
from compliance.recovery import Decision, Recovered, recover
from compliance.settings import Settings, load_settings
from compliance.store import ITSELF


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("recover")(recover_store)


def recover_store(
    source: Annotated[
        Path, typer.Argument(metavar="DIR", help="Backup, or what is left of the store, moved aside")
    ],
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; kept sealed in the log with who decided")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option("--checkpoint", help="File with a later checkpoint of the lost log")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """After a loss, start a successor log in MUNIMENT_HOME with what is left in DIR; it says what was lost."""
    settings = load_settings()
    if settings.database_url is not None or settings.evidence.bucket is not None:
        message = (
            "recover starts a successor in a folder; unset database_url and evidence.bucket for this call."
        )
        raise InputRefused(message, field="database_url")
    if reason is None:
        typer.echo("warning: no reason was given (--reason); the log will say so.", err=True)
    done = recover(
        source, settings.home, Decision(local_user(), reason), known=_known(settings, source, checkpoint),
        collector=ITSELF, clock=machine_clock,
    )  # fmt: skip
    databases_of(settings).upgrade()
    store = open_store(settings)
    try:
        store.record_configuration()
        vkey = store.log.vkey
    finally:
        store.close()
    if as_json:
        print_json(done.as_json() | {"vkey": vkey})
    else:
        _tell(done, vkey)


def _known(settings: Settings, source: Path, file: Path | None) -> list[Checkpoint]:
    """Checkpoints that are kept elsewhere: by the anchor, and in the file."""
    verifier = read_verifier(source / "log")
    known: list[Checkpoint] = []
    if file is not None:
        try:
            known.append(open_checkpoint(file.read_text(encoding="utf-8"), verifier))
        except (OSError, UnicodeDecodeError) as error:
            raise InputRefused(f"{file} cannot be read: {error}.", field="--checkpoint") from error
    place = configured_place(settings.evidence)
    try:
        anchored = None if place is None else checkpoint_at(place, verifier.name)
    except StoreUnavailable as error:
        typer.echo(f"warning: {error.message} What it knows is left out.", err=True)
        anchored = None
    return known if anchored is None else [*known, anchored]


def _tell(done: Recovered, vkey: str) -> None:
    typer.echo(f"Started {done.origin} as the successor of {done.predecessor}.")
    typer.echo(f"Recovered {done.entries} entries and {done.payloads} payload files.")
    if done.lost:
        typer.echo(f"Lost: {done.lost} entries, {done.entries} to {done.last_known - 1}.")
    else:
        typer.echo("No later checkpoint is known; whether entries were lost cannot be told.")
    if done.missing_payloads:
        typer.echo(f"Missing payload files: {len(done.missing_payloads)}.")
    if not done.keys:
        typer.echo("The keys are lost: what was sealed cannot be read any more.")
    typer.echo(f"Entry {done.index} says so in the log.")
    typer.echo(f"Verifier key (hand it to your auditor): {vkey}")
