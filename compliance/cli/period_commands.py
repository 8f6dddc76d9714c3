"""Commands about a period: how controls operated, and the exceptions that stood."""

from __future__ import annotations

from typing import Annotated

import typer

from compliance.cli.composition import opened
from compliance.cli.output import instant, print_json, print_table
from compliance.operating import operating

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
STATUSES = ("effective", "deficient", "unknown", "excepted")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(effectiveness)


def effectiveness(
    from_: Annotated[str | None, typer.Option("--from", help="First instant or day; default: 90 days before")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last instant; default: the one asked about")] = None,
    framework: Annotated[str | None, typer.Option("--framework", help="Only this framework's controls")] = None,
    control: Annotated[str | None, typer.Option("--control", help="Only this control")] = None,
    at: Annotated[str | None, typer.Option("--at", help="Instant to judge; default: now")] = None,
    log_size: Annotated[int | None, typer.Option("--log-size", min=0, help="Only the first N entries")] = None,
    library: Annotated[str | None, typer.Option("--library", help="Judge by the library of this digest")] = None,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """How controls operated over a period: days of each status, since when, and by which entries."""
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size, library=library)
        found = operating(
            answers, basis, start=instant(from_, "--from"), end=instant(to, "--to"), framework=framework,
            control=control,
        )  # fmt: skip
    if as_json:
        print_json(found)
        return
    typer.echo(f"From {found['from']} to {found['to']}, log {found['log_size']} entries, days:")
    print_table(
        ["control", *STATUSES, "now", "since"],
        [
            [one["id"], *(f"{one['days'][status]:.1f}" for status in STATUSES), one["status"],
             one["since"] or "before the period"]
            for one in found["controls"]
        ],
    )  # fmt: skip
    for span in _spans(found) if control is not None else ():
        typer.echo(span)


def _spans(found: dict[str, object]) -> list[str]:
    controls = found["controls"]
    assert isinstance(controls, list)  # noqa: S101 (of our own making)
    return [
        f"{span['from']} - {span['to']}: {span['status']}"
        + (
            f", {span['because']} Entries: {', '.join(span['evidence']) or 'none'}"
            if "because" in span
            else ""
        )
        for span in controls[0]["spans"]
    ]
