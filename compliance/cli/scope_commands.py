"""Commands about the scope: what the organisation is judged by. Each change is an entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import typer

from compliance.cli.composition import local_user, opened
from compliance.cli.output import print_json, print_table
from compliance.scope import Exclusion, StatedScope, append_scope
from compliance.store import ITSELF

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]

scope = typer.Typer(help="What the organisation is judged by.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(scope, name="scope")


@scope.command("show")
def show_scope(
    log_size: Annotated[int | None, typer.Option("--log-size", min=0, help="By the first N entries")] = None,
    as_json: AsJson = False,
) -> None:
    """The scope in force: frameworks, roles, elected criteria, exclusions; and the entry that states it."""
    with opened() as (_, answers):
        stated = answers.scope(answers.basis(log_size=log_size))
    if as_json:
        print_json(stated)
        return
    for name, where_none in (("frameworks", "all"), ("roles", "none stated"), ("elected", "none")):
        typer.echo(f"{name}: {', '.join(stated[name]) or where_none}")
    said = "the configuration" if stated["evidence"] is None else f"entry {stated['evidence']}"
    typer.echo(f"stated by {said}")
    print_table(
        ["excluded", "reason", "approver"],
        [[one["requirement"], one["reason"], one["approver"]] for one in stated["exclusions"]],
    )


@scope.command("set")
def set_scope(
    framework: Annotated[list[str] | None, typer.Option("--framework", help="Frameworks; none: leave as they are")] = None,
    role: Annotated[list[str] | None, typer.Option("--role", help="Roles; none: leave as they are")] = None,
    elect: Annotated[list[str] | None, typer.Option("--elect", help="Elected criteria; none: leave")] = None,
    every_framework: Annotated[bool, typer.Option("--every-framework", help="All frameworks of the library")] = False,
) -> None:  # fmt: skip
    """State frameworks, roles or elected criteria anew; what is not named stays."""

    def stated(held: StatedScope) -> StatedScope:
        return replace(
            held,
            frameworks=() if every_framework else tuple(framework or held.frameworks),
            roles=tuple(role or held.roles),
            elected=tuple(elect or held.elected),
        )

    _state(stated)


@scope.command("exclude")
def exclude(
    requirement: Annotated[str, typer.Argument(help="framework:citation, of a requirement or a group")],
    reason: Annotated[str, typer.Option("--reason", help="Why it is out of scope")],
    approver: Annotated[str, typer.Option("--approver", help="The role that approved it")],
) -> None:
    """Leave a requirement, or all below a group, out of scope."""
    one = Exclusion(requirement, reason, approver)
    _state(lambda held: StatedScope.of(held.excluding(one).as_json()))


@scope.command("include")
def include(
    requirement: Annotated[str, typer.Argument(help="framework:citation, as it was excluded")],
) -> None:
    """Take a requirement that was excluded into scope again."""
    _state(lambda held: held.including(requirement))


def _state(change: Callable[[StatedScope], StatedScope]) -> None:
    """Append the changed scope, unless it is the one in force."""
    with opened() as (store, answers):
        basis = answers.basis()
        held = StatedScope.of(answers.stated_scope(basis))
        wanted = change(held).checked(answers.library(basis))
        if wanted == held:
            typer.echo("The scope is that already; nothing was appended.")
            return
        index = append_scope(store.log, wanted, who=local_user(), by=ITSELF, clock=store.clock)
    typer.echo(f"The scope stands from entry {index} on.")
