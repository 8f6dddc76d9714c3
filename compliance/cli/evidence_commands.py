"""Commands about evidence: collection, items, manifests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from compliance.canonical import parse_evidence_id
from compliance.cli.composition import collect as collect_source
from compliance.cli.composition import item_bytes, open_store, opened
from compliance.cli.members_command import members
from compliance.cli.output import print_json, print_table
from compliance.errors import NotFound
from compliance.settings import load_settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]

evidence = typer.Typer(help="Evidence items.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(evidence, name="evidence")
    app.command()(collect)
    app.command()(members)


def collect(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Sources; all pulled ones if none")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run collectors now. Exit 1 if a run did not see everything."""
    store = open_store(load_settings())
    outcomes = []
    try:
        store.record_configuration()
        wanted = names or [s.name for s in store.settings.sources if s.kind != "push"]
        if not wanted:
            raise NotFound("No pulled source is configured; list sources under [[sources]] in muniment.toml.")
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
            for name in wanted:
                task = bar.add_task(name)
                outcomes.append(collect_source(store, name, _told(bar, task, name)))
        store.projections.catch_up()
    finally:
        store.close()
    if as_json:
        print_json([outcome.as_json() for outcome in outcomes])
    else:
        for outcome in outcomes:
            typer.echo(outcome.sentence())
    if any(not outcome.complete for outcome in outcomes):
        raise typer.Exit(1)


def _told(bar: Progress, task: TaskID, name: str) -> Callable[[str], None]:
    """What shows where a run is, on the bar."""
    return lambda said: bar.update(task, description=f"{name}: {said}")


@evidence.command("list")
def list_evidence(
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind, such as aws-kms/1")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only this source")] = None,
    last: Annotated[int, typer.Option("--last", min=1, help="At most so many, the newest")] = 50,
    as_json: AsJson = False,
) -> None:
    """List evidence entries, oldest first."""
    with opened() as (_, answers):
        rows = answers.entries(kind=kind, source=source, last=last)
    if as_json:
        print_json(rows)
        return
    print_table(
        ["id", "kind", "source", "received", "size", "sealed"],
        [
            [
                r["id"],
                r["kind"],
                r["source"],
                r["received_at"],
                str(r["size"] or "-"),
                "yes" if r["sealed"] else "no",
            ]
            for r in rows
        ],
    )


@evidence.command("show")
def show_evidence(
    id_: Annotated[str, typer.Argument(metavar="ID", help="INDEX or INDEX/ITEM")],
    entry: Annotated[
        bool, typer.Option("--entry", help="Print the log entry instead of the raw bytes")
    ] = False,
) -> None:
    """Print the raw bytes of one item as collected, unsealed."""
    index, item = parse_evidence_id(id_)
    store = open_store(load_settings())
    try:
        if index >= store.log.size:
            raise NotFound(f"The log has {store.log.size} entries; there is no entry {index}.")
        body = store.log.leaf(index) if entry else item_bytes(store, index, item)
    finally:
        store.close()
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()
