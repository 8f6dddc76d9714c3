"""Commands about how long content is kept: retention, legal holds, erasure."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Annotated

import typer

from compliance.cli.composition import local_user, opened
from compliance.cli.key_commands import keys
from compliance.cli.output import print_json, print_table
from compliance.erasing import erase as erase_keys
from compliance.erasing import keys_of_subject
from compliance.errors import InputRefused
from compliance.expiring import due, expire
from compliance.holding import covered, decide, holds_in_force, place_hold, release_hold
from compliance.masters import KmsWrapping, replace_master
from compliance.store import Store

MASTER_REPLACED = "master/1"
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is recorded, sealed")]
Pseudonym = Annotated[
    str | None, typer.Option("--pseudonym", help="The subject's pseudonym, in place of KEY")
]

hold = typer.Typer(help="Legal holds: what must be kept whatever its retention.", no_args_is_help=True)
retention = typer.Typer(help="How long evidence is kept, and what may go.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(hold, name="hold")
    app.add_typer(retention, name="retention")
    app.command()(erase)
    keys.command("rewrap")(rewrap)


def erase(
    key_space: Annotated[
        str | None, typer.Argument(metavar="[KEY_SPACE]", help="Key space of the subject")
    ] = None,
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="The subject's key; - reads it from standard input")
    ] = None,
    pseudonym: Pseudonym = None,
    class_: Annotated[
        str | None, typer.Option("--class", help="All that a source sent in a month, SOURCE/YYYY-MM")
    ] = None,
    reason: Reason = "",
    list_: Annotated[
        bool, typer.Option("--list", help="List the classes that there are, and erase nothing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Destroy the data key of a subject or a class, so that what it seals cannot be read; proofs stay."""
    with opened() as (store, _):
        if list_:
            _list_classes(store, as_json=as_json)
            return
        done = erase_keys(
            store, _keys(store, key_space, key, pseudonym, class_), who=local_user(), reason=reason
        )
        store.projections.catch_up()
    if as_json:
        print_json(done.as_json())
        return
    typer.echo(
        f"Erased the content of {done.entries} entries by entry {done.index}: {', '.join(done.keys)}."
        " Backups made before hold the key still: see Erasure in the operator's documentation."
    )


def _keys(
    store: Store, key_space: str | None, key: str | None, pseudonym: str | None, class_: str | None
) -> list[str]:
    if (class_ is None) == (key_space is None):
        raise InputRefused("Name a subject by KEY_SPACE and KEY, or a class by --class.", field="class")
    if class_ is not None:
        return [class_]
    return keys_of_subject(store, key_space or "", key=_read(key), pseudonym=pseudonym)


def _read(key: str | None) -> str | None:
    return sys.stdin.readline().rstrip("\r\n") if key == "-" else key


def _list_classes(store: Store, *, as_json: bool) -> None:
    count = Counter(one.key or "" for one in covered(store, "sealed_by IS NOT NULL"))
    rows = [
        {"class": name, "entries": number, "erased": store.log.data_keys.fingerprint(name) is None}
        for name, number in sorted(count.items())
        if not name.startswith(("subject:", "muniment:"))
    ]
    if as_json:
        print_json(rows)
        return
    cells = [[str(row["class"]), str(row["entries"]), "yes" if row["erased"] else "no"] for row in rows]
    print_table(["class", "entries", "erased"], cells)


def rewrap(
    kms: Annotated[
        str | None, typer.Option("--kms", help="Wrap the new one by this AWS KMS key (id, ARN or alias)")
    ] = None,
    region: Annotated[str, typer.Option("--region", help="Region of the KMS key")] = "us-east-1",
    endpoint_url: Annotated[
        str | None, typer.Option("--endpoint-url", help="Endpoint in place of AWS's own")
    ] = None,
    reason: Reason = "the master key was replaced",
) -> None:
    """Replace the master key, which wraps data keys: backups without it can then open nothing that they hold."""
    wrapping = None if kms is None else KmsWrapping(kms, region, endpoint_url)
    with opened() as (store, _):
        data_keys, folder = store.log.data_keys, store.settings.home / "keys"
        done = replace_master(folder, kms=wrapping, rewrap=data_keys.rewrap)
        detail = {"data_keys": done, "wrapped_by": "file" if kms is None else "kms"}
        index = decide(store, MASTER_REPLACED, detail, who=local_user(), reason=reason)
    typer.echo(
        f"{done} data keys are wrapped by a new master key; entry {index} says so. Destroy every copy of the old"
        " one that you keep elsewhere, and keep a copy of the new one where you can destroy it too."
    )


# --- holds -------------------------------------------------------------------------------------


@hold.command("place")
def hold_place(
    reason: Reason = "",
    source: Annotated[list[str] | None, typer.Option("--source", help="Only what this source sent")] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="Only this kind, such as consents/1")
    ] = None,
    key_space: Annotated[
        str | None, typer.Option("--key-space", help="Only one subject: their key space")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="Their key; - reads it from standard input")
    ] = None,
    pseudonym: Pseudonym = None,
    as_json: AsJson = False,
) -> None:
    """Hold evidence: nothing of it is erased or expires until the hold is released. All of it, if nothing is named."""
    with opened() as (store, _):
        subjects: list[tuple[str, str]] = []
        if key_space is not None:
            raw = _read(key)
            if (raw is None) == (pseudonym is None):
                raise InputRefused("With --key-space give either --key or --pseudonym.", field="key")
            named = (
                [pseudonym]
                if pseudonym
                else [p for _, p in store.key_spaces.pseudonyms(key_space, raw or "")]
            )
            subjects = [(key_space, name) for name in named]
        placed = place_hold(
            store, who=local_user(), reason=reason, sources=source or (), kinds=kind or (), subjects=subjects
        )
    if as_json:
        print_json(placed.as_json())
    else:
        typer.echo(f"Placed hold {placed.id} by entry {placed.index}.")


@hold.command("release")
def hold_release(
    name: Annotated[str, typer.Argument(metavar="ID", help="The hold, as place and list name it")],
    reason: Reason = "",
) -> None:
    """Release a hold."""
    with opened() as (store, _):
        index = release_hold(store, name, who=local_user(), reason=reason)
    typer.echo(f"Released hold {name} by entry {index}.")


@hold.command("list")
def hold_list(as_json: AsJson = False) -> None:
    """List the holds in force."""
    with opened() as (store, _):
        holds = holds_in_force(store)
    if as_json:
        print_json([one.as_json() for one in holds])
        return
    print_table(
        ["hold", "entry", "sources", "kinds", "subjects"],
        [
            [one.id, str(one.index), " ".join(one.sources) or "all", " ".join(one.kinds) or "all",
             str(len(one.keys) or "all")]
            for one in holds
        ],
    )  # fmt: skip


# --- retention ---------------------------------------------------------------------------------


@retention.command("list")
def retention_list(as_json: AsJson = False) -> None:
    """List for how long each kind of evidence is kept, and by which duty."""
    with opened() as (store, _):
        kinds = Counter(one.kind for one in covered(store))
        duties = store.duties()
        rows = [
            {
                "kind": kind,
                "entries": number,
                "days": duties.of(kind).span.days,
                "duty": duties.of(kind).because,
            }
            for kind, number in sorted(kinds.items())
        ]
    if as_json:
        print_json(rows)
    else:
        names = ["kind", "entries", "days", "duty"]
        print_table(names, [[str(row[name]) for name in names] for row in rows])


@retention.command("expire")
def retention_expire(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would go, and let nothing go")
    ] = False,
    reason: Reason = "the longest duty to keep it has ended",
    as_json: AsJson = False,
) -> None:
    """Let go of content whose longest duty has ended. Each is named by an entry; proofs stay."""
    with opened() as (store, _):
        found = due(store)
        said = [] if dry_run else expire(store, who=local_user(), reason=reason)
        store.projections.catch_up()
    if as_json:
        print_json({"due": [one.as_json() for one in found], "entries": [str(index) for index in said]})
        return
    print_table(
        ["entry", "kind", "ended", "duty", "kept by"],
        [
            [
                str(one.entry.index),
                one.entry.kind,
                f"{one.ended:%Y-%m-%d}",
                one.duty.because,
                one.kept_by or "-",
            ]
            for one in found
        ],
    )
    going = sum(one.kept_by is None for one in found)
    by = f" by entry {', '.join(map(str, said))}" if said else ""
    typer.echo(f"{going} {'would go' if dry_run else 'went'}{by}; {len(found) - going} kept all the same.")
