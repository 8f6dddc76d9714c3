"""Commands about the configured sources: what can be read of them, and which rights that takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from compliance.cli.composition import collector_of, open_store
from compliance.cli.output import print_json, print_table
from compliance.cli.rights import policies
from compliance.errors import MunimentError
from compliance.evidence import Access
from compliance.settings import SourceSettings, load_settings
from compliance.store import Store

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]

sources = typer.Typer(help="The configured sources.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(sources, name="sources")


@sources.command("check")
def check_sources(as_json: AsJson = False) -> None:
    """Say of each configured source whether it can be reached and with which rights. Exit 1 if one cannot.

    A right that is missing is named with the facts, or fields of facts, that stay unknown without it.
    """
    store = open_store(load_settings())
    try:
        rows = [
            (source.name, access) for source in store.settings.sources for access in _accesses(store, source)
        ]
    finally:
        store.close()
    if as_json:
        print_json([_as_json(name, one) for name, one in rows])
    else:
        print_table(
            ["source", "request", "permitted", "unknown without it", "detail"],
            [
                [name, one.request, "yes" if one.permitted else "no", ", ".join(one.facts), one.detail]
                for name, one in rows
            ],
        )
    if any(not access.permitted for _, access in rows):
        raise typer.Exit(1)


def _as_json(name: str, one: Access) -> dict[str, object]:
    return {
        "source": name, "request": one.request, "permitted": one.permitted, "unknown": list(one.facts),
        "detail": one.detail,
    }  # fmt: skip


def _accesses(store: Store, source: SourceSettings) -> Sequence[Access]:
    """What a source permits; that it cannot be asked at all is an access refused, without which all is unknown."""
    if source.kind == "push":
        return [Access("push", permitted=True, detail="pushed; nothing to reach")]
    try:
        return collector_of(store, source).check()
    except MunimentError as error:
        facts = store.kind_facts.get(source.kind, ())
        return [Access("reach", permitted=False, detail=error.message, facts=facts)]


@sources.command("policy")
def policy() -> None:
    """Print the least IAM policy that the configured collectors need, as JSON.

    Where sources assume roles, one policy for each role, by its ARN, and one for the caller itself.
    """
    made = policies(load_settings().sources)
    print_json(made["caller"] if list(made) == ["caller"] else made)
