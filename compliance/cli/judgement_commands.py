"""Commands that answer: assessment, status, findings, lookup, report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from compliance.cli.composition import local_user, opened
from compliance.cli.export_commands import told, write_report_bundle
from compliance.cli.output import instant, print_json, print_table, require_place, write_file
from compliance.cli.reporting import export_as, write_export, write_report, write_statement
from compliance.errors import InputRefused

At = Annotated[str | None, typer.Option("--at", help="Instant to judge (RFC 3339); default: now")]
Size = Annotated[int | None, typer.Option("--log-size", min=0, help="Only the first N entries; default: all")]
Digest = Annotated[str | None, typer.Option("--library", help="Judge by the library of this digest")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (assess, status, findings, gaps, changes, lookup, report):
        app.command()(command)


def assess(at: At = None, log_size: Size = None, library: Digest = None, as_json: AsJson = False) -> None:
    """Evaluate every check and print how the frameworks stand."""
    with opened() as (store, answers):
        if log_size is None and library is None:
            store.record_configuration()
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size, library=library)
        summary = answers.summary(basis)
    if as_json:
        print_json(summary)
        return
    rows = [
        [
            f["framework"],
            str(f["assessable"]),
            str(f["automated"]),
            str(f["effective"]),
            str(f["deficient"]),
            str(f["unknown"]),
        ]
        for f in summary["frameworks"]
    ]
    typer.echo(
        f"As of {summary['as_of']}, log {summary['log_size']} entries, library {summary['library'][:12]}:"
    )
    print_table(["framework", "assessable", "automated", "effective", "deficient", "unknown"], rows)


def status(
    framework: Annotated[str | None, typer.Option("--framework", help="Only this framework")] = None,
    at: At = None,
    log_size: Size = None,
    library: Digest = None,
    as_json: AsJson = False,
) -> None:
    """Status per requirement and control."""
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size, library=library)
        result = answers.status(basis, framework=framework)
    if as_json:
        print_json(result)
        return
    print_table(
        ["control", "status", "since", "failing", "population"],
        [
            [c["id"], c["status"], c["since"] or "-", str(c["failing"]), str(c["population"])]
            for c in result["controls"]
        ],
    )


def findings(
    control: Annotated[str | None, typer.Option("--control", help="Only this control")] = None,
    outcome: Annotated[str | None, typer.Option("--outcome", help="pass, fail, unknown or excepted")] = None,
    at: At = None,
    log_size: Size = None,
    library: Digest = None,
    as_json: AsJson = False,
) -> None:
    """Resource-level results, failing and unknown ones with the value that decided."""
    if outcome not in {None, "pass", "fail", "unknown", "excepted"}:
        raise InputRefused(
            f"--outcome is {outcome!r}; expected pass, fail, unknown or excepted.", field="--outcome"
        )
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size, library=library)
        result = answers.findings(basis, control=control, outcome=outcome)
    if as_json:
        print_json(result)
        return
    print_table(
        ["outcome", "check", "resource", "reason"],
        [[f["outcome"], f["check"], f["resource_id"], f["reason"]] for f in result],
    )


def gaps(
    out: Annotated[
        Path | None, typer.Option("--out", help="Write CSV to this file; default: standard output")
    ] = None,
    at: At = None,
    log_size: Size = None,
) -> None:
    """Control gaps as CSV: what is broken or unknown, since when, and what to change."""
    with opened() as (_, answers):
        text = answers.gaps_csv(answers.basis(at=instant(at, "--at"), log_size=log_size))
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_file(out, text.encode())


def changes(
    since: Annotated[
        str | None, typer.Option("--since", help="Earlier instant; default: a day before")
    ] = None,
    at: At = None,
    log_size: Size = None,
    as_json: AsJson = False,
) -> None:
    """What changed between two instants, by default since yesterday. The log size is the same for both."""
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        result = answers.changes(basis, since=instant(since, "--since"))
    if as_json:
        print_json(result)
        return
    print_table(
        ["control", "before", "after"], [[c["control"], c["before"], c["after"]] for c in result["controls"]]
    )


def lookup(
    key_space: Annotated[str, typer.Argument(help="Kind of record key, such as customer")],
    key: Annotated[str, typer.Argument(help="The record key; - reads it from standard input")],
    reason: Annotated[str, typer.Option("--reason", help="Why you ask; it is recorded")],
    from_: Annotated[str | None, typer.Option("--from", help="Only uses that end at or after")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only uses that start before")] = None,
    at: At = None,
    log_size: Size = None,
    statement: Annotated[Path | None, typer.Option("--statement", help="Write the statement as PDF")] = None,
    export: Annotated[
        list[Path] | None,
        typer.Option("--export", help="Write to FILE.prov.json, .provn, .graphml, .csv or .json"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Which models and features used this record, when, and for what purpose."""
    raw = sys.stdin.readline().rstrip("\r\n") if key == "-" else key
    exports = export or []
    for out in exports:
        export_as(out)
    for place in filter(None, (statement, *exports)):
        require_place(place)
    with opened() as (store, answers):
        answer = answers.lookup(
            answers.basis(at=instant(at, "--at"), log_size=log_size), key_space=key_space, key=raw,
            reason=reason, who=local_user(), from_=instant(from_, "--from"), to=instant(to, "--to"),
        )  # fmt: skip
        if statement is not None:
            write_statement(store, answer, statement)
        for out in exports:
            write_export(answer, out)
    if as_json:
        print_json(answer)
        return
    complete = "complete" if answer["complete"] else f"not complete: {len(answer['gaps'])} gap(s)"
    typer.echo(
        f"{len(answer['uses'])} use(s) in {len(answer['datasets'])} dataset version(s); the answer is {complete}."
    )
    print_table(
        ["used by", "purpose", "started", "certainty", "violations"],
        [
            [
                ", ".join(c["name"] + (f"@{c['version']}" if c["version"] else "") for c in use["consumers"]),
                use["purpose"], use["started_at"], use["certainty"],
                ", ".join(v["code"] for v in use["violations"]) or "-",
            ]
            for use in answer["uses"]
        ],
    )  # fmt: skip
    for gap in answer["gaps"]:
        typer.echo(f"gap: {gap['namespace']}/{gap['name']}: {gap['why']}")


def report(
    framework: Annotated[str, typer.Argument(help="Framework id, such as gdpr")],
    out: Annotated[Path, typer.Option("--out", help="File to write")],
    from_: Annotated[str | None, typer.Option("--from", help="First day of the period")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Last day of the period")] = None,
    format_: Annotated[str, typer.Option("--format", help="pdf, html, oscal or bundle")] = "pdf",
    at: At = None,
    log_size: Size = None,
    library: Digest = None,
) -> None:
    """The audit report of one framework over a period."""
    if format_ not in {"pdf", "html", "oscal", "bundle"}:
        message = f"--format is {format_!r}; expected pdf, html, oscal or bundle."
        raise InputRefused(message, field="--format")
    with opened() as (store, answers):
        if format_ == "bundle":
            written = write_report_bundle(
                store, answers, framework, from_=instant(from_, "--from"), to=instant(to, "--to"),
                out=out, at=instant(at, "--at"), log_size=log_size, library=library, who=local_user(),
            )  # fmt: skip
            told(written, out, as_json=False)
            return
        path = write_report(
            store, answers, framework, from_=instant(from_, "--from"), to=instant(to, "--to"),
            out=out, form=format_, at=instant(at, "--at"), log_size=log_size, library=library,
            who=local_user(),
        )  # fmt: skip
    typer.echo(f"Wrote {path}.")
