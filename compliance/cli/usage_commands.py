"""Commands around record usage: erasure ledgers, the question turned round, impact, and what is described."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from collectors.model_decisions.accept import ACTIONS
from compliance.canonical import Json
from compliance.cli.composition import local_user, opened
from compliance.cli.output import instant, print_json, print_table
from compliance.errors import InputRefused
from compliance.usage_answers import UsageAnswers
from web.deciding import decide as record_decision

At = Annotated[str | None, typer.Option("--at", help="Instant asked about (RFC 3339); default: now")]
Size = Annotated[int | None, typer.Option("--log-size", min=0, help="Only the first N entries; default: all")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Space = Annotated[str, typer.Option("--key-space", help="Kind of record key, such as customer")]
Reason = Annotated[str, typer.Option("--reason", help="Why you ask; it is recorded")]

erasures = typer.Typer(help="What became of records after requests to erase them.", no_args_is_help=True)
usage = typer.Typer(help="Record usage asked in other ways.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(erasures, name="erasures")
    app.add_typer(usage, name="usage")


@erasures.command("list")
def list_erasures(at: At = None, log_size: Size = None, as_json: AsJson = False) -> None:
    """Every erasure request that is known: when it was asked for, due and done. Nobody is named."""
    with opened() as (_, answers):
        told = UsageAnswers(answers).erasures(answers.basis(at=instant(at, "--at"), log_size=log_size))
    if as_json:
        print_json(told)
        return
    print_table(
        ["request", "asked", "due", "done", "late"],
        [
            [
                one["request_id"],
                one["requested_at"] or "-",
                one["due"] or "-",
                one["completed_at"],
                _yes(one["late"]),
            ]
            for one in told["requests"]
        ],
    )


@erasures.command("show")
def show_erasure(
    request: Annotated[str, typer.Argument(help="The request id of the deletion log")],
    at: At = None,
    log_size: Size = None,
    as_json: AsJson = False,
) -> None:
    """The ledger of one request: each version, feature and model that held the record, and what is left to do."""
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        told = UsageAnswers(answers).ledger(basis, request, who=local_user())
    if as_json:
        print_json(told)
        return
    for record in told["records"]:
        _print_ledger(record)


@erasures.command("decide")
def decide(
    request: Annotated[str, typer.Argument(help="The request id of the deletion log")],
    model: Annotated[str, typer.Argument(help="NAME@VERSION of a model that holds the record")],
    action: Annotated[str, typer.Option("--action", help=", ".join(ACTIONS))],
    because: Annotated[str, typer.Option("--because", help="Why; it is recorded, sealed")],
) -> None:
    """Record what was decided about a model that holds an erased record. It becomes an entry."""
    with opened() as (store, answers):
        said: dict[str, Json] = {"model": model, "action": action, "because": because}
        recorded = record_decision(store, answers, request, said, who=local_user())
    typer.echo(f"Recorded as entry {recorded['entry']}.")


@usage.command("model")
def records_of_model(
    model: Annotated[str, typer.Argument(help="NAME@VERSION")],
    key_space: Space,
    reason: Reason,
    at: At = None,
    log_size: Size = None,
    as_json: AsJson = False,
) -> None:
    """Which records of a key space a model used, for which purposes. Pseudonyms are printed."""
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        told = UsageAnswers(answers).records_of_model(
            basis, model, key_space, who=local_user(), reason=reason
        )
    if as_json:
        print_json(told)
        return
    print_table(
        ["pseudonym", "certainty", "purposes", "last used"],
        [
            [r["pseudonym"], r["certainty"], ", ".join(r["purposes"]), r["last_used_at"] or "-"]
            for r in told["records"]
        ],
    )
    _print_gaps(told)


@usage.command("touched")
def touched(
    key_space: Space,
    reason: Reason,
    file: Annotated[Path, typer.Argument(help="One key a line; - reads standard input")] = Path("-"),
    pseudonyms: Annotated[
        bool, typer.Option("--pseudonyms", help="The lines are pseudonyms, not keys")
    ] = False,
    at: At = None,
    log_size: Size = None,
    as_json: AsJson = False,
) -> None:
    """Which models used the records of a list of people, such as all who withdrew their consent."""
    lines = _lines(file)
    with opened() as (store, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        asked = lines if pseudonyms else [
            name for key in lines for _, name in store.key_spaces.pseudonyms(key_space, key)
        ]  # fmt: skip
        told = UsageAnswers(answers).touched(basis, key_space, asked, who=local_user(), reason=reason)
    if as_json:
        print_json(told)
        return
    print_table(
        ["model", "confirmed", "possible", "purposes", "last used"],
        [
            [
                f"{m['name']}@{m['version']}", str(m["confirmed"]), str(m["possible"]), ", ".join(m["purposes"]),
                m["last_used_at"] or "-",
            ]
            for m in told["models"]
        ],
    )  # fmt: skip
    _print_gaps(told)


@usage.command("impact")
def impact(
    namespace: Annotated[str, typer.Argument(help="OpenLineage namespace of the dataset")],
    name: Annotated[str, typer.Argument(help="Name of the dataset")],
    column: Annotated[str | None, typer.Option("--column", help="Only this column")] = None,
    at: At = None,
    log_size: Size = None,
    as_json: AsJson = False,
) -> None:
    """Which datasets, columns, jobs, models and features a change of a dataset or column would reach."""
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        told = UsageAnswers(answers).impact(basis, namespace, name, column)
    if as_json:
        print_json(told)
        return
    for one in told["datasets"]:
        columns = "all columns" if one["all_columns"] else ", ".join(one["columns"])
        typer.echo(f"dataset  {one['namespace']}/{one['name']}: {columns}")
    for one in told["jobs"]:
        typer.echo(f"job      {one['namespace']}/{one['name']}")
    for one in told["models"]:
        typer.echo(f"model    {one['name']}@{one['version']}")
    for one in told["features"]:
        typer.echo(f"feature  {one}")


@usage.command("described")
def described(at: At = None, log_size: Size = None, as_json: AsJson = False) -> None:
    """Which datasets have manifests, contracts, purposes and column lineage, and which have none."""
    with opened() as (_, answers):
        told = UsageAnswers(answers).described(answers.basis(at=instant(at, "--at"), log_size=log_size))
    if as_json:
        print_json(told)
        return
    print_table(
        ["dataset", "manifests", "contract", "column lineage", "purposes"],
        [
            [
                f"{one['namespace']}/{one['name']}", f"{one['versions_with_manifest']}/{one['versions']}",
                _yes(one["contract"]), f"{one['writing_runs_with_column_lineage']}/{one['writing_runs']}",
                f"{one['reading_runs_with_purpose']}/{one['reading_runs']}",
            ]
            for one in told["datasets"]
        ],
    )  # fmt: skip


# --- printing and recording --------------------------------------------------------------------


def _print_ledger(record: dict[str, Json]) -> None:
    done = f"done {record['completed_at']}" + (", late" if record["late"] else "")
    typer.echo(
        f"{record['key_space']} {record['pseudonym']}: asked {record['requested_at']}, due {record['due']}, {done}"
    )
    rows = [
        ["version", f"{v['namespace']}/{v['name']}@{v['version']}", v["state"]] for v in record["versions"]
    ]
    rows += [["feature", f"{f['name']}@{f['version']}", f["state"]] for f in record["features"]]
    rows += [["model", f"{m['name']}@{m['version']}", _model_state(m)] for m in record["models"]]
    print_table(["what", "which", "state"], rows)
    for one in record["open"]:
        typer.echo(f"open: {one['kind']} {one['name']}@{one['version']}: {one['why']}")
    _print_gaps(record)


def _model_state(model: dict[str, Json]) -> str:
    decided = [f"{one['action']} by {one['decided_by']}" for one in model["decisions"]]
    return ", ".join([model["state"], *decided])


def _print_gaps(told: dict[str, Json]) -> None:
    for gap in told["gaps"]:
        typer.echo(f"gap: {gap['namespace']}/{gap['name']}: {gap['why']}")


def _lines(file: Path) -> list[str]:
    if str(file) == "-":
        text = sys.stdin.read()
    else:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputRefused(f"{file} cannot be read: {error}.", field="FILE") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputRefused("There is no key in it; expected one a line.", field="FILE")
    return lines


def _yes(value: Json) -> str:
    return "-" if value is None else "yes" if value else "no"
