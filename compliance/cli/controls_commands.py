"""Commands about the control library itself: what it holds, how much it covers, where it is weak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compliance.cli.composition import library_in_force, written_library
from compliance.cli.output import print_json, print_table
from compliance.errors import LibraryInvalid
from compliance.library import (
    Control,
    FrameworkCoverage,
    Library,
    coverage,
    framework_coverage,
    lint,
    percent,
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Folder = Annotated[
    Path | None,
    typer.Option("--folder", help="A library's folder instead of the one in force; needs no store"),
]

controls = typer.Typer(help="The control library in force.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(controls, name="controls")


def _library(folder: Path | None) -> Library:
    return library_in_force() if folder is None else written_library(folder)


@controls.command("list")
def list_controls(as_json: AsJson = False, folder: Folder = None) -> None:
    """Every unified control with the requirements that it answers."""
    rows = [control.as_json() for control in _library(folder).controls]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["id", "family", "requirements", "checks", "title"],
        [
            [r["id"], r["family"], str(len(r["requirements"])), str(len(r["checks"])), r["title"]]
            for r in rows
        ],
    )


@controls.command("show")
def show_control(control_id: str, folder: Folder = None) -> None:
    """One control: statement, mappings with their reasons, checks."""
    control = _library(folder).control_of(control_id)
    typer.echo(f"{control.id} {control.title}\n\n{control.statement}\n")
    print_table(
        ["requirement", "relationship", "reason"],
        [
            [m.requirement, m.relationship + (" (derived)" if m.derived else ""), m.reason]
            for m in control.mappings
        ],
    )
    _show_proof(control)


def _show_proof(control: Control) -> None:
    for check in control.checks:
        typer.echo(
            f"\ncheck {check.id}: {check.title}\n  over {check.over}\n  where {check.where}\n  expect {check.expect}"
        )
    for attestation in control.attestations:
        typer.echo(f"\nattestation {attestation.id}: {attestation.title}, valid for {attestation.valid_for}")
    for thing, reason in control.untested.items():
        typer.echo(f"\nnot shown: {thing}: {reason}")


# --- coverage ------------------------------------------------------------------------------------


@controls.command("coverage")
def show_coverage(
    framework: Annotated[
        str | None, typer.Option("--framework", help="Only this one, with its lists")
    ] = None,
    at_least: Annotated[
        float | None,
        typer.Option("--at-least", min=0, max=100, help="Exit 1 where less per cent are automated"),
    ] = None,
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """How many requirements of each framework are tested by a machine, attested, or unanswered; and which."""
    library = _library(folder)
    names = sorted(library.frameworks) if framework is None else [framework]
    found = [framework_coverage(library, name) for name in names]
    if as_json:
        print_json({one.framework.id: one.as_json() for one in found} if framework else coverage(library))
    else:
        _print_coverage(found, lists=framework is not None)
    short = [one for one in found if at_least is not None and (percent(one.share) or 0) < at_least]
    if any(one.technical for one in short):
        raise typer.Exit(1)


HEAD = [
    "framework", "assessable", "automated", "attested", "unanswered", "technical", "automated", "attested", "nothing",
    "share",
]  # fmt: skip


def _print_coverage(found: list[FrameworkCoverage], *, lists: bool) -> None:
    print_table(HEAD, [_row(one) for one in found])
    moved = [move for one in found for move in one.as_json()["moved"]]
    if moved:
        typer.echo("\nMoved in or out of what is technical:")
    for move in moved:
        typer.echo(f"  {move['requirement']}: {move['from']} to {move['to']}: {move['reason']}")
    if lists:
        _print_lists(found[0])


def _row(one: FrameworkCoverage) -> list[str]:
    share = percent(one.share)
    parts = [one.framework.assessable, one.automated, one.attested, one.unanswered, one.technical]
    technical = [one.technical_of(ids) for ids in (one.automated, one.attested, one.unanswered)]
    return [
        one.framework.id, *(str(len(part)) for part in (*parts, *technical)),
        "-" if share is None else f"{share:.1f} %",
    ]  # fmt: skip


def _print_lists(one: FrameworkCoverage) -> None:
    titles = {requirement.id: requirement.title for requirement in one.framework.assessable}
    reasons = {requirement.id: requirement.left_open for requirement in one.open_}
    for name, ids in (
        ("Technical, without an automated check, attested", one.technical_of(one.attested)),
        ("Technical, without anything", one.technical_of(one.unanswered)),
        ("Not technical, without anything", [i for i in one.unanswered if i not in set(one.technical)]),
        ("Answered by derived claims alone", list(one.derived)),
    ):
        typer.echo(f"\n{name} ({len(ids)}):")
        for id_ in ids:
            said = f" ({reasons[id_]})" if reasons.get(id_) else ""
            typer.echo(f"  {id_}  {titles[id_]}{said}")


# --- lint ----------------------------------------------------------------------------------------


@controls.command("lint")
def lint_controls(
    path: Annotated[
        Path | None, typer.Argument(help="A library's folder; default: the one that is configured")
    ] = None,
    code: Annotated[list[str] | None, typer.Option("--code", help="Only weak spots of these codes")] = None,
    as_json: AsJson = False,
) -> None:
    """Find faults (such as dangling ids) and weak spots of the library's files. Exit 1 if there are any."""
    try:
        library = written_library(path)
    except LibraryInvalid as error:
        _tell_faults(error, as_json=as_json)
        raise typer.Exit(1) from error
    weak = [spot for spot in lint(library) if not code or spot.code in code]
    if as_json:
        print_json([spot.as_json() for spot in weak])
    else:
        for spot in weak:
            typer.echo(str(spot))
    if weak:
        raise typer.Exit(1)
    if not as_json:
        typer.echo("The library has no weak spot that lint knows.")


def _tell_faults(error: LibraryInvalid, *, as_json: bool) -> None:
    if as_json:
        print_json([
            {"file": fault.file, "line": fault.line, "control": None, "code": "fault", "says": f"found {fault.found}; expected {fault.expected}"}
            for fault in error.faults
        ])  # fmt: skip
        return
    for fault in error.faults:
        typer.echo(f"{fault} (fault)")
