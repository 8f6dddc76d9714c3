"""The witness: a small program for somebody else than whoever runs the store."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from compliance.cli.composition import machine_clock
from compliance.cli.output import print_json, print_table
from compliance.errors import InputRefused, MunimentError, StoreUnavailable
from compliance.settings import interval
from compliance.witness import Refused, WitnessStore
from compliance.witness_http import Fetch, WitnessServer, fetcher, polled

State = Annotated[Path, typer.Option("--state", help="Folder of the witness: its key and its memory")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
HERE = Path("witness")
LOOPBACK = "127.0.0.1"

witness = typer.Typer(
    help="A witness: cosigns checkpoints of logs that only grow. It needs no store.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(witness, name="witness")


@witness.command("init")
def init(
    name: Annotated[
        str, typer.Argument(help="Name of the witness: a schema-less URL such as audit.example/w1")
    ],
    state: State = HERE,
) -> None:
    """Make a witness with a key of its own."""
    made = WitnessStore.create(state, name=name, clock=machine_clock)
    typer.echo(f"Made a witness in {state}. Its verifier key, for the log and for whoever verifies:")
    typer.echo(made.vkey)


@witness.command("trust")
def trust(
    vkey: Annotated[str, typer.Argument(help="Verifier key of a log: its log/vkey")], state: State = HERE
) -> None:
    """Watch a log, by its verifier key; a further key of a log that is watched is added."""
    origin = _open(state).trust(vkey)
    typer.echo(f"The witness watches {origin}.")


@witness.command("list")
def list_logs(state: State = HERE, as_json: AsJson = False) -> None:
    """What the witness remembers of each log."""
    logs = _open(state).logs()
    if as_json:
        print_json([vars(log) for log in logs])
        return
    print_table(
        ["origin", "size", "root", "cosigned", "refused"],
        [
            [log.origin, str(log.size), log.root or "-", log.cosigned_at or "-", str(log.refused)]
            for log in logs
        ],
    )


@witness.command("serve")
def serve(
    state: State = HERE,
    host: Annotated[str, typer.Option("--host", help="Address to listen on")] = LOOPBACK,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: a free one")
    ] = 8001,
) -> None:
    """Cosign what logs submit (C2SP tlog-witness: POST /add-checkpoint), until interrupted."""
    opened = _open(state)
    try:
        server = WitnessServer((host, port), opened, _tell)
    except OSError as error:
        message = f"{host}:{port} cannot be listened on: {error.strerror}. Choose another with --port."
        raise StoreUnavailable(message, field="--port") from error
    _tell(f"{opened.vkey} listens on http://{host}:{server.server_address[1]}")
    with server:
        server.serve_forever()


@witness.command("poll")
def poll(
    place: Annotated[
        str, typer.Argument(metavar="LOG", help="Address (https://host/log) or folder of a log")
    ],
    state: State = HERE,
    every: Annotated[
        str | None, typer.Option("--every", help="Look again after this interval; default: once")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", help="File with a token of the scope auditor")
    ] = None,
) -> None:
    """Look at a log and cosign what it publishes. Exit 1 if it went back or forked."""
    opened, fetch = _open(state), fetcher(place, _token(token_file))
    pause = None if every is None else interval(every).total_seconds()
    if pause is None:
        raise typer.Exit(_look(opened, fetch))
    while True:
        try:
            _look(opened, fetch)
        except MunimentError as error:
            _tell(error.message)
        time.sleep(pause)


def _look(opened: WitnessStore, fetch: Fetch) -> int:
    try:
        seen = polled(opened, fetch)
    except Refused as error:
        _tell(f"refused: {error.message}")
        return 1
    typer.echo(f"Cosigned {seen.origin} at {seen.size} entries.")
    return 0


def _open(state: Path) -> WitnessStore:
    return WitnessStore.open(state, clock=machine_clock)


def _tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def _token(path: Path | None) -> str | None:
    try:
        return None if path is None else path.read_text().strip()
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.", field="--token-file") from error
