"""The control library and its plans of action as OSCAL documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from compliance.cli.composition import opened
from compliance.cli.controls_commands import controls
from compliance.cli.output import instant, write_file
from compliance.errors import StoreUnavailable
from reports.oscal import plan_of_action
from reports.oscal_library import library_documents
from web.issuing import provenance_of


def register(_: typer.Typer) -> None:
    """Add the command of this module to its group."""
    controls.command("oscal")(write_oscal)


def write_oscal(
    out: Annotated[Path, typer.Argument(help="Folder to write into; made where it is missing")],
    at: Annotated[str | None, typer.Option("--at", help="Instant of the plans of action; default: now")] = None,
    log_size: Annotated[int | None, typer.Option("--log-size", min=0, help="Only the first N entries")] = None,
) -> None:  # fmt: skip
    """Write OSCAL 1.2.1: catalogs, mapping collection, component definition, a plan of action for each framework in scope."""
    with opened() as (store, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        library, assessment = answers.library(basis), answers.assessment(basis)
        provenance = provenance_of(store, basis)
        documents = library_documents(library, provenance)
        for name, result in assessment.frameworks.items():
            if result.in_scope:
                documents[f"poam-{name}.json"] = plan_of_action(library, assessment, name, provenance)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{out} cannot be made: {error.strerror}.", field=str(out)) from error
    for file, document in documents.items():
        write_file(out / file, json.dumps(document, indent=2, ensure_ascii=False).encode())
    typer.echo(f"Wrote {len(documents)} documents into {out}.")
