"""Commands that make, serve, check and copy the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from compliance.anchor import configured_place
from compliance.backup import backup as copy_store
from compliance.bundle import is_bundle
from compliance.checking import NO_ANCHOR
from compliance.checking import as_json as as_json_of
from compliance.cli.composition import collect, create_store, local_user, machine_clock, open_store, opened
from compliance.cli.export_commands import continuation_faults, kept_checkpoint, verify_exported
from compliance.cli.output import instant, print_json
from compliance.cli.serving import Served
from compliance.database import MODE
from compliance.databases import databases_of
from compliance.erasing import finish_erasures
from compliance.errors import InputRefused, NotFound
from compliance.place import place_of
from compliance.sample import Program, build_sample
from compliance.settings import load_settings
from compliance.standing import projections_equal_a_rebuild
from compliance.verify import verify_store
from compliance.verifying import verify_configured
from web.access import create_sign_in_link, create_token
from web.engagements import Engagement

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Host = Annotated[str, typer.Option("--host", help="Address to listen on")]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on")]

database = typer.Typer(help="The operational database.", no_args_is_help=True)
tokens = typer.Typer(help="API tokens.", no_args_is_help=True)

ROLES = ("auditor", "dpo", "engineer", "admin")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(database, name="db")
    app.add_typer(tokens, name="token")
    for command in (init, serve, verify, rebuild, demo):
        app.command()(command)
    app.command("backup")(backup)
    app.command("sign-in-link")(sign_in_link)


def init() -> None:
    """Create the store: keys, log, databases. Refuses an existing one."""
    store = create_store(load_settings())
    try:
        typer.echo(f"Created a store in {store.settings.home}.")
        typer.echo(f"Log origin: {store.log.origin}")
        typer.echo(f"Verifier key (hand it to your auditor): {store.log.vkey}")
        if store.settings.evidence.anchor is None:
            typer.echo(
                f"{NO_ANCHOR[0].upper()}{NO_ANCHOR[1:]}. Set it to a folder on another disk or s3://BUCKET/PREFIX."
            )
    finally:
        store.close()


def serve(host: Host = "127.0.0.1", port: Port = 8000) -> None:
    """Serve web application, API and scheduler in one process, until interrupted."""
    store = open_store(load_settings())
    try:
        store.record_configuration()
        finish_erasures(store)
        if store.anchor is None:
            typer.echo(f"note: {NO_ANCHOR}.", err=True)
        elif store.anchor.failure is not None:
            typer.echo(f"warning: {store.anchor.failure}", err=True)
        Served(store).run(host, port)
    finally:
        store.close()


def verify(
    path: Annotated[
        Path | None, typer.Argument(help="Store folder or exported bundle; default: the configured store")
    ] = None,
    projections: Annotated[
        bool, typer.Option("--projections", help="Also compare the projections with a rebuild")
    ] = False,
    vkey: Annotated[str | None, typer.Option("--vkey", help="The log's key as known from elsewhere")] = None,
    since: Annotated[
        Path | None,
        typer.Option("--since", help="File with an earlier checkpoint that the log must continue"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the whole store, or an exported bundle, from its bytes alone. Exit 1 if anything is wrong."""
    if path is not None and is_bundle(path):
        verify_exported(path, vkey=vkey, since=kept_checkpoint(since), as_json=as_json)
        return
    settings = load_settings()
    home = path or settings.home
    anchor = configured_place(settings.evidence) if path is None else None
    result = (
        verify_configured(settings, vkey=vkey)
        if path is None
        else verify_store(home, vkey=vkey, head=databases_of(settings, path).head)
    )
    problems = [str(problem) for problem in result.problems]
    if since is not None and not problems:
        problems += continuation_faults(settings, path, kept_checkpoint(since) or "")
    if projections and not problems:
        with opened(home) as (store, _):
            problems += projections_equal_a_rebuild(store)
    if as_json:
        print_json(as_json_of(result, problems))
    else:
        typer.echo(
            f"{result.size} entries, {result.payloads} payloads, {result.bytes} bytes; root {result.root};"
            f" {result.vouched_by}."
        )
        if path is None and anchor is None:
            typer.echo(f"note: {NO_ANCHOR}.")
        for gone in result.gone:
            typer.echo(f"note: {gone}.")
        for problem in problems:
            typer.echo(f"problem: {problem}", err=True)
        typer.echo("The store does not verify." if problems else "The store verifies.")
    if problems:
        raise typer.Exit(1)


def rebuild() -> None:
    """Throw the projections away and make them again from the log."""
    with opened() as (store, _):
        size = store.projections.rebuild()
    typer.echo(f"Rebuilt the projections from {size} entries.")


def backup(
    target: Annotated[Path, typer.Argument(help="New or empty folder")],
    without_master: Annotated[
        bool,
        typer.Option(
            "--without-master", help="Leave out the key that opens the data keys; keep it elsewhere"
        ),
    ] = False,
) -> None:
    """Copy a store consistently, also while it is served. Key-space secrets are not in it."""
    settings = load_settings()
    if settings.database_url is not None or settings.database_url_file is not None:
        message = (
            "The head of this log lies in PostgreSQL, and backup copies embedded stores only; stop what serves and"
            " works, then dump the database with pg_dump and copy the store's folder together."
        )
        raise InputRefused(message, field="database_url")
    place = place_of(settings, machine_clock)
    try:
        copy_store(settings.home, target, place, master=not without_master)
    finally:
        place.close()
    operations = databases_of(settings).operations()
    try:
        with operations.connect() as connection:
            connection.exec_driver_sql("VACUUM INTO ?", (str(target / "operations.db"),))
    finally:
        operations.dispose()
    (target / "operations.db").chmod(MODE)
    typer.echo(f"Copied the store to {target}; `muniment verify {target}` checks the copy.")


@database.command("upgrade")
def upgrade_database() -> None:
    """Migrate the operational database to the newest revision."""
    settings = load_settings()
    if not (settings.home / "log").exists():
        raise NotFound(f"There is no store in {settings.home}; `muniment init` creates one.")
    typer.echo(f"The operational database is at revision {databases_of(settings).upgrade()}.")


def engagement_of(
    name: str | None, sources: Sequence[str], kinds: Sequence[str], from_: str | None, to: str | None
) -> Engagement | None:
    """The engagement that options name. Raises InputRefused for limits of none."""
    if name is not None:
        return Engagement(name, tuple(sources), tuple(kinds), instant(from_, "--from"), instant(to, "--to"))
    if sources or kinds or from_ or to:
        raise InputRefused(
            "--only-source, --only-kind, --from and --to need --engagement.", field="--engagement"
        )
    return None


@tokens.command("create")
def token_create(
    scope: Annotated[str, typer.Option("--scope", help="Scopes, separated by commas")],
    source: Annotated[str | None, typer.Option("--source", help="Bind it to this configured source")] = None,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=36_500, help="Days until it lapses; default: never")
    ] = None,
    engagement: Annotated[
        str | None, typer.Option("--engagement", help="Bind it to an engagement of this name: auditor alone")
    ] = None,
    only_source: Annotated[
        list[str] | None, typer.Option("--only-source", help="The engagement reads entries of this source")
    ] = None,
    only_kind: Annotated[
        list[str] | None, typer.Option("--only-kind", help="The engagement reads entries of this kind")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="… received from this instant on")] = None,
    to: Annotated[str | None, typer.Option("--to", help="… and before this one")] = None,
) -> None:
    """Make an API token: printed once, alone on the last line; only its hash is kept."""
    bound = engagement_of(engagement, only_source or (), only_kind or (), from_, to)
    store = open_store(load_settings())
    try:
        made = create_token(
            store, scopes=[part.strip() for part in scope.split(",")], source=source, engagement=bound,
            valid_for=None if days is None else timedelta(days=days), created_by=local_user(),
        )  # fmt: skip
    finally:
        store.close()
    for warning in made.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(made.token)


def sign_in_link(
    role: Annotated[str, typer.Argument(help="auditor, dpo, engineer or admin")],
    person: Annotated[str, typer.Option("--person", help="Who signs in with it")],
    base_url: Annotated[
        str, typer.Option("--base-url", help="Where the server is reached")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Make a sign-in link for one person: good once, for an hour."""
    store = open_store(load_settings())
    try:
        link = create_sign_in_link(store, person=person, role=role, created_by=local_user())
    finally:
        store.close()
    typer.echo(f"{base_url.rstrip('/')}/sign-in?link={link}")


def demo(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    build_only: Annotated[bool, typer.Option("--build-only", help="Build the sample and stop")] = False,
) -> None:
    """Build the sample organisation on a simulated clock and serve it."""
    typer.echo("Building the sample organisation (a small bank, thirty simulated days) …")
    sample = build_sample(
        Path("var") / "sample", started_at=machine_clock(), program=Program(create_store, collect, Served)
    )
    if build_only:
        typer.echo(f"Built in {sample.home}.")
        sample.close()
        return
    try:
        typer.echo(sample.welcome(f"http://{host}:{port}"))
        sample.serve(host, port)
    finally:
        sample.close()
