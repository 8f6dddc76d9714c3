"""Commands about the keys that sign the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from compliance.canonical import Json, canonical
from compliance.cli.composition import local_user, open_store
from compliance.cli.output import print_json, print_table
from compliance.durable import refusing
from compliance.evidence import Observation
from compliance.logkeys import ROTATION
from compliance.settings import load_settings
from compliance.signing import KmsKey, create_signing_key
from compliance.store import ITSELF, Store

keys = typer.Typer(help="The keys that sign the log.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(keys, name="key")


@keys.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """The key that signs the log, and the former ones with the last size that each signed."""
    store = open_store(load_settings())
    try:
        verifier = store.log.verifier
    finally:
        store.close()
    rows: list[dict[str, Json]] = [{"vkey": str(verifier), "signs": True, "last_size": None}]
    rows += [{"vkey": str(key), "signs": True, "last_size": None} for key in verifier.beside]
    rows += [{"vkey": str(one.key), "signs": False, "last_size": one.last} for one in verifier.former]
    if as_json:
        print_json(rows)
        return
    print_table(
        ["verifier key", "signs", "last size"],
        [[row["vkey"], "yes" if row["signs"] else "no", str(row["last_size"] or "-")] for row in rows],
    )


@keys.command("rotate")
def rotate(
    kms: Annotated[
        str | None, typer.Option("--kms", help="Sign with this AWS KMS key (id, ARN or alias)")
    ] = None,
    region: Annotated[str, typer.Option("--region", help="Region of the KMS key")] = "us-east-1",
    endpoint_url: Annotated[
        str | None, typer.Option("--endpoint-url", help="Endpoint in place of AWS's own")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign the log with a new key from here on. What the former key signed stays verifiable."""
    settings = load_settings()
    store = open_store(settings)
    try:
        said = rotated(store, settings.home / "keys", kms, region, endpoint_url)
    finally:
        store.close()
    if as_json:
        print_json(said)
        return
    typer.echo(
        f"The log is signed by a new key from {said['size']} entries on; entry {said['entry']} says so."
    )
    typer.echo(f"Verifier key (hand it to your auditor and your witnesses): {said['current']}")
    typer.echo("The former private key is destroyed here. Back-ups made before still hold it.")


def rotated(
    store: Store, folder: Path, kms: str | None, region: str, endpoint_url: str | None
) -> dict[str, Json]:
    """Make a key, have the log signed by it, and say what was done."""
    log = store.log
    found = None if kms is None else KmsKey.find(log.origin, kms, region=region, endpoint_url=endpoint_url)
    former = log.vkey
    with refusing("Writing the new signing key"):
        signer = create_signing_key(folder, log.origin, kms=found)
    detail: dict[str, Json] = {"former": former, "current": str(signer.verifier)}
    if signer.verifier.beside:
        detail["beside"] = [str(key) for key in signer.verifier.beside]
    body = canonical(detail | {"who": local_user()})
    index = log.rotate(signer, Observation(ROTATION, "muniment", ITSELF, body, detail=detail, sealed=True))
    return {**detail, "entry": index, "size": log.verifier.former[0].last}
