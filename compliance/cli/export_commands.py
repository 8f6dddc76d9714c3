"""The command that hands evidence to somebody outside, with proofs."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from compliance.answers import Answers
from compliance.bundle import Bundle, BundleVerification, verify_bundle
from compliance.canonical import Json, parse_time
from compliance.cli.composition import machine_clock, opened
from compliance.cli.evidence_commands import evidence
from compliance.cli.output import instant, print_json
from compliance.errors import InputRefused, StoreExists
from compliance.exporting import Wanted, export, findings_of
from compliance.log import EvidenceLog
from compliance.place import FolderPlace, place_of
from compliance.settings import Settings
from compliance.store import Store
from compliance.vouched import not_continued
from web.issuing import issue_report

DATE_ALONE = len("2026-11-23")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def register(_: typer.Typer) -> None:
    """Add the commands of this module to their group."""
    evidence.command("export")(export_evidence)


def export_evidence(
    out: Annotated[Path, typer.Option("--out", help="New folder, or file that ends in .zip")],
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="INDEX or INDEX/ITEM; default: all")
    ] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind, such as aws-kms/1")] = None,
    source: Annotated[str | None, typer.Option("--source", help="Only this source")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Only from this day or instant on")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Only up to this day (included) or instant")] = None,
    finding: Annotated[
        tuple[str, str] | None,
        typer.Option("--finding", metavar="CHECK RESOURCE", help="What a finding cites"),
    ] = None,
    control: Annotated[
        str | None, typer.Option("--control", help="What the findings of a control cite")
    ] = None,
    framework: Annotated[
        str | None, typer.Option("--framework", help="What the findings of a framework cite")
    ] = None,
    report: Annotated[
        int | None, typer.Option("--report", min=0, help="What a report cites, by its entry")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", help="Instant of the findings; default: now")] = None,
    log_size: Annotated[
        int | None, typer.Option("--log-size", min=1, help="Only the first N entries; default: all")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(
            "--since", help="File with an earlier checkpoint that the log is to be proven to continue"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write one folder or ZIP of entries, payloads, proofs and keys that an outsider verifies with standard tools."""
    wanted = Wanted(
        ids=tuple(ids or ()), findings=() if finding is None else (finding,), control=control, framework=framework, report=report,
        kind=kind, source=source, start=instant(from_, "--from"), end=instant(to, "--to"),
    )  # fmt: skip
    if to is not None and wanted.end is not None and len(to) == DATE_ALONE:
        wanted = Wanted(**(vars(wanted) | {"end": wanted.end + timedelta(days=1)}))
    with opened() as (_, answers):
        basis = answers.basis(at=instant(at, "--at"), log_size=log_size)
        told(export(answers, basis, wanted, out, since=kept_checkpoint(since)), out, as_json=as_json)


def write_report_bundle(
    store: Store,
    answers: Answers,
    framework: str,
    *,
    from_: datetime | None,
    to: datetime | None,
    out: Path,
    at: datetime | None,
    log_size: int | None,
    library: str | None,
    who: str,
) -> Bundle:
    """Issue the audit report of a framework and write it with all that it cites, findings and statuses as data."""
    if out.exists():
        raise StoreExists(
            f"{out} is there already; name a new file that ends in .zip, or a new folder.", field=str(out)
        )
    issued = issue_report(
        store, answers, framework, from_=from_, to=to, as_pdf=False, at=at, log_size=log_size, library=library,
        who=who,
    )  # fmt: skip
    index = int(issued.evidence)
    said = store.log.entry(index).detail
    judged = answers.basis(at=parse_time(said["as_of"]), log_size=said["log_size"], library=said["library"])
    more = {
        "report.html": issued.content,
        "status.json": _as_bytes(answers.status(judged, framework=framework)),
        "findings.json": _as_bytes(findings_of(answers, judged, framework)),
    }
    return export(
        answers, answers.basis(at=judged.at, library=judged.library), Wanted(report=index), out, more
    )


def _as_bytes(value: Json) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def told(written: Bundle, out: Path, *, as_json: bool) -> None:
    """Say what was written."""
    if as_json:
        print_json({"path": str(out), **vars(written)})
        return
    typer.echo(
        f"Wrote {written.entries} entries and {written.payloads} payload files of the log of {written.size} entries to {out};"
        f" SHA-256 of its MANIFEST {written.manifest}."
    )
    if written.absent:
        typer.echo(f"{written.absent} payload(s) are gone; payloads/ABSENT in the bundle says why.")
    typer.echo("Whoever receives it runs `sh verify.sh` in it, or `muniment verify` on it.")


def kept_checkpoint(path: Path | None) -> str | None:
    """The text of a checkpoint that somebody kept. Raises InputRefused where it cannot be read."""
    try:
        return None if path is None else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"{path} cannot be read as a checkpoint: {error}.", field="--since") from error


def continuation_faults(settings: Settings, path: Path | None, note: str) -> list[str]:
    """What contradicts an earlier checkpoint in the configured store, or in one in another folder."""
    place = place_of(settings, machine_clock) if path is None else FolderPlace(path)
    home = settings.home if path is None else path
    with closing(place), EvidenceLog.open(home, clock=machine_clock, read_only=True, place=place) as log:
        return not_continued(log.verifier, log.size, log.root, note)


def verify_exported(path: Path, *, vkey: str | None, since: str | None, as_json: bool) -> None:
    """Verify a bundle and say what was found. Exit 1 if anything is wrong."""
    found = verify_bundle(path, vkey=vkey, since=since)
    if as_json:
        print_json({**vars(found), "problems": list(found.problems)})
    else:
        _say(found)
    if not found.ok:
        raise typer.Exit(1)


def _say(found: BundleVerification) -> None:
    typer.echo(
        f"{found.entries} entries, {found.payloads} payloads, {found.bytes} bytes of {found.origin or 'no log'};"
        f" root {found.root} of {found.size} entries; {found.vouched_by}."
    )
    for problem in found.problems:
        typer.echo(f"problem: {problem}", err=True)
    typer.echo("The bundle verifies." if found.ok else "The bundle does not verify.")
