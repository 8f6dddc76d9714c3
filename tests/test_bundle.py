"""Bundles: made deterministically, verified by the program, by ``verify.sh``, and caught when changed."""

import hashlib
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from compliance.bundle import Bundle, verify_bundle, write_bundle
from compliance.errors import InputRefused, NotFound, StoreExists, StoreTampered
from compliance.log import EvidenceLog
from compliance.note import Checkpoint
from compliance.timestamps import read_certificates, stamp
from compliance.verify import OWN_KEY
from compliance.vouched import not_continued
from compliance.witnessing import submit
from tests.logs import ORIGIN, START, make, observation
from tests.vouchers import WITNESS, serving_authority, serving_witness

SHELLS = [shell for shell in ("dash", "bash") if shutil.which(shell)]
NEEDED = ("openssl", "sha256sum")


def export(log: EvidenceLog, home: Path, out: Path, *indexes: int, size: int | None = None) -> Bundle:
    return write_bundle(
        log,
        home / "log",
        out,
        indexes=indexes or range(log.size),
        size=size or log.size,
        selection={"all": True},
    )


def by_script(
    folder: Path, *arguments: str, shell: str = "sh", **more: str
) -> subprocess.CompletedProcess[str]:
    variables = {"PATH": "/usr/bin:/bin"} | more
    return subprocess.run(
        [shutil.which(shell) or shell, "verify.sh", *arguments],
        check=False, capture_output=True, text=True, cwd=folder, env=variables,
    )  # fmt: skip


@pytest.fixture(scope="module")
def vouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 11 entries: 5 of them cosigned, 9 cosigned and stamped, with a large and a sealed payload."""
    home = tmp_path_factory.mktemp("vouched")
    store = home / "home"
    with (
        make(store, 5) as log,
        serving_witness(home / "w", log.vkey) as (url, witness, _),
        serving_authority(home / "tsa") as (tsa, root),
    ):
        submit(log, store / "log", url=url, vkey=witness.vkey)
        log.append([observation(b"large " * 2000), observation(b"personal", sealed=True), observation(None)])
        log.append(
            [observation(b'{"payload":{"sha256":"%s"}}' % (b"0" * 64), detail={"payload": {"sha256": "x"}})]
        )
        submit(log, store / "log", url=url, vkey=witness.vkey)
        stamp(log.checkpoint(), store / "log", url=tsa, roots=read_certificates(root))
        log.append([observation(b"later"), observation(b"last")])
    return store


@pytest.fixture(scope="module")
def bundle(vouched: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of that store, as a folder."""
    folder = tmp_path_factory.mktemp("bundle") / "out"
    with EvidenceLog.open(vouched, clock=lambda: START, read_only=True) as log:
        export(log, vouched, folder)
    return folder


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_verifies_a_bundle(bundle: Path, shell: str) -> None:
    """Entries, payloads, checkpoints, cosignatures and time-stamps are verified, and it is said who vouches for what."""
    done = by_script(bundle, shell=shell)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(
        f"9 of the entries, in the log of 9 entries: vouched for by witness {WITNESS} (2026-11-23T12:00:00Z), time-stamp"
    )
    assert lines[1] == f"2 of the entries, in the log of 11 entries: {OWN_KEY}"
    assert lines[-1].startswith(
        f"VERIFIED: 11 entries and 10 payloads of {ORIGIN}; vouched for by witness {WITNESS}"
    )
    assert lines[-1].endswith("2 of the entries by this machine's key only")


def test_the_script_needs_nothing_but_sh_openssl_and_sha256sum(bundle: Path, tmp_path: Path) -> None:
    """With a search path that holds these alone it comes to the same answer."""
    for name in NEEDED:
        (tmp_path / name).symlink_to(shutil.which(name) or name)
    done = by_script(bundle, shell=SHELLS[0], PATH=str(tmp_path), TMPDIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == by_script(bundle, shell=SHELLS[0]).stdout


def test_the_program_verifies_a_bundle(bundle: Path) -> None:
    """``verify_bundle`` finds the same as the script, in a folder and in a ZIP."""
    found = verify_bundle(bundle)
    assert (found.ok, found.problems, found.entries, found.payloads) == (True, (), 11, 10)
    assert (found.size, found.origin, found.first_bad_index) == (11, ORIGIN, None)
    assert found.vouched_by.startswith(f"vouched for by witness {WITNESS}")
    assert found.vouched_by.endswith("2 of the entries by this machine's key only")


def test_where_nobody_vouches_that_is_said(tmp_path: Path) -> None:
    """Without cosignature or time-stamp, program and script say: this machine's key only."""
    with make(tmp_path / "home", 3) as log:
        export(log, tmp_path / "home", tmp_path / "out")
    assert by_script(tmp_path / "out").stdout.splitlines()[-1] == (
        f"VERIFIED: 3 entries and 3 payloads of {ORIGIN}; {OWN_KEY}"
    )
    assert verify_bundle(tmp_path / "out").vouched_by == OWN_KEY


def test_the_key_known_from_elsewhere_decides(bundle: Path, vouched: Path, tmp_path: Path) -> None:
    """The log's key that is given must be that of the bundle; another refuses it."""
    vkey = (vouched / "log" / "vkey").read_text().strip()
    with make(tmp_path / "other", 1) as other:
        foreign = other.vkey
    assert "is the one that you gave" in by_script(bundle, vkey).stdout
    assert by_script(bundle, foreign).returncode == 1
    assert (verify_bundle(bundle, vkey=vkey).ok, verify_bundle(bundle, vkey=foreign).ok) == (True, False)


@pytest.mark.parametrize(
    ("count", "wanted"), [(1, [0]), (2, [1]), (300, [0, 255, 256, 299]), (513, [511, 512])]
)
def test_entries_at_any_place_of_a_log_of_any_size(tmp_path: Path, count: int, wanted: list[int]) -> None:
    """The script's arithmetic of proofs holds at the edges of tiles and trees, at the size and at an earlier one."""
    with make(tmp_path / "home", count) as log:
        export(log, tmp_path / "home", tmp_path / "out", *wanted)
        export(log, tmp_path / "home", tmp_path / "early", wanted[0], size=wanted[0] + 1)
    for name in ("out", "early"):
        assert by_script(tmp_path / name).returncode == 0
        assert verify_bundle(tmp_path / name).problems == ()


@pytest.mark.parametrize("sizes", [(1, 2, 3), (4, 7, 8), (5, 6, 256, 300), (255, 256, 257)])
def test_each_checkpoint_continues_the_one_before(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    """The script verifies RFC 6962 consistency between all sizes that others vouched for."""
    home = tmp_path / "home"
    with make(home) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        for size in sizes:
            log.append([observation(b"%d" % n) for n in range(log.size, size)])
            submit(log, home / "log", url=url, vkey=witness.vkey)
        firsts = [0, *sizes[:-1]]
        export(log, home, tmp_path / "out", *firsts)
    held = (tmp_path / "out" / "checkpoints" / "SIZES").read_text().split()
    assert held == [str(size) for size in sizes]
    assert by_script(tmp_path / "out").returncode == 0
    assert verify_bundle(tmp_path / "out").problems == ()
    consistency = tmp_path / "out" / "consistency" / f"{sizes[-2]}-{sizes[-1]}"
    right = consistency.read_text()
    consistency.write_text("".join(right.splitlines(keepends=True)[:-1]))
    refresh(tmp_path / "out")
    assert "does not continue" in by_script(tmp_path / "out").stderr
    assert any("does not continue" in problem for problem in verify_bundle(tmp_path / "out").problems)


def test_equal_selections_give_equal_bytes(vouched: Path, tmp_path: Path) -> None:
    """Two ZIPs of the same entries at the same size are the same file."""
    with EvidenceLog.open(vouched, clock=lambda: START, read_only=True) as log:
        made = [export(log, vouched, tmp_path / f"{name}.zip", 3, 5) for name in "ab"]
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert made[0] == made[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "out")
        assert hashlib.sha256(archive.read("MANIFEST")).hexdigest() == made[0].manifest
    assert by_script(tmp_path / "out").returncode == 0


def refresh(folder: Path) -> None:
    """Write MANIFEST anew, as somebody would who changes a bundle."""
    files = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "MANIFEST"
    )
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in files]
    (folder / "MANIFEST").write_text("".join(lines))


def changed(path: Path, at: int) -> bytes:
    body = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(body[:at] + bytes([body[at] ^ 0x20]) + body[at + 1 :])
    return body


def test_a_changed_byte_anywhere_is_caught(bundle: Path, tmp_path: Path) -> None:
    """One changed byte in any file of a bundle is found, by the program and by the script."""
    folder = tmp_path / "out"
    shutil.copytree(bundle, folder)
    dice = random.Random(1)  # noqa: S311 (the same places each time)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        at = dice.randrange(path.stat().st_size)
        right = changed(path, at)
        assert not verify_bundle(folder).ok, (path.name, at)
        if path.name != "verify.sh":
            assert by_script(folder).returncode == 1, (path.name, at)
        assert subprocess.run(
            ["sha256sum", "-c", "MANIFEST"], cwd=folder, check=False, capture_output=True
        ).returncode or (path.name == "MANIFEST")
        path.write_bytes(right)
    assert verify_bundle(folder).ok


def test_every_byte_of_manifest_counts(bundle: Path, tmp_path: Path) -> None:
    """Letters that become capitals, separators and line ends: the program takes MANIFEST in one form only."""
    folder = tmp_path / "out"
    shutil.copytree(bundle, folder)
    text = (folder / "MANIFEST").read_text()
    line = text.index("\n") + 1
    # A whole line, and the last one's end; the others are of the same form.
    for at in [*range(0, line, 3), 64, 65, line - 1, len(text) - 1]:
        right = changed(folder / "MANIFEST", at)
        assert not verify_bundle(folder).ok, at
        (folder / "MANIFEST").write_bytes(right)


PARTS = ("entries", "proofs", "payloads", "checkpoints", "consistency", "vkeys", "checkpoint")


def test_a_change_with_a_manifest_to_fit_is_caught_by_the_proofs(bundle: Path, tmp_path: Path) -> None:
    """Who changes an entry, proof, payload, checkpoint, cosignature or time-stamp and writes MANIFEST anew is caught."""
    folder = tmp_path / "out"
    shutil.copytree(bundle, folder)
    dice = random.Random(2)  # noqa: S311 (the same places each time)
    missed, tried = [], dict[str, int]()
    for part in PARTS:
        for path in sorted(p for p in [folder / part, *(folder / part).rglob("*")] if p.is_file()):
            if path.suffix == ".tsr":
                continue  # parts of a response bear no signature; MANIFEST is what catches those
            right = changed(path, dice.randrange(path.stat().st_size))
            refresh(folder)
            if verify_bundle(folder).ok or (tried.get(part, 0) < 2 and by_script(folder).returncode == 0):
                missed.append(path.relative_to(folder).as_posix())
            tried[part] = tried.get(part, 0) + 1
            path.write_bytes(right)
    assert missed == []


def test_every_byte_of_a_zip_counts(vouched: Path, tmp_path: Path) -> None:
    """Changes of the ZIP's own structure are found like those of its members."""
    with EvidenceLog.open(vouched, clock=lambda: START, read_only=True) as log:
        export(log, vouched, tmp_path / "x.zip", 9)
    assert verify_bundle(tmp_path / "x.zip").ok
    dice = random.Random(3)  # noqa: S311 (the same places each time)
    size = (tmp_path / "x.zip").stat().st_size
    for at in [*dice.sample(range(size), 120), *range(size - 60, size)]:
        right = changed(tmp_path / "x.zip", at)
        assert not verify_bundle(tmp_path / "x.zip").ok, at
        (tmp_path / "x.zip").write_bytes(right)


def test_files_added_or_taken_away_are_found(bundle: Path, tmp_path: Path) -> None:
    """A bundle is what MANIFEST lists: no file more, none less."""
    folder = tmp_path / "out"
    shutil.copytree(bundle, folder)
    (folder / "entries" / "99.json").write_text("{}")
    assert (verify_bundle(folder).ok, by_script(folder).returncode) == (False, 1)
    (folder / "entries" / "99.json").unlink()
    (folder / "proofs" / "3.tlog-proof").unlink()
    assert (verify_bundle(folder).ok, by_script(folder).returncode) == (False, 1)


def test_what_cannot_be_exported_is_refused(vouched: Path, tmp_path: Path) -> None:
    """Entries beyond the size, sizes beyond the log, and targets that are there are refused; nothing is left behind."""
    with EvidenceLog.open(vouched, clock=lambda: START, read_only=True) as log:
        with pytest.raises(NotFound, match="no entry 11 among the first 11"):
            export(log, vouched, tmp_path / "a.zip", 11)
        with pytest.raises(InputRefused, match="cannot be made of 12"):
            export(log, vouched, tmp_path / "a.zip", 0, size=12)
        (tmp_path / "full").mkdir()
        (tmp_path / "full" / "x").write_text("")
        (tmp_path / "there.zip").write_text("")
        for name in ("full", "there.zip"):
            with pytest.raises(StoreExists):
                export(log, vouched, tmp_path / name, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "there.zip"]


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_bundle_does_not_verify(tmp_path: Path, content: bytes) -> None:
    """A file that is no ZIP, or an empty one, is told to be none."""
    (tmp_path / "x.zip").write_bytes(content)
    found = verify_bundle(tmp_path / "x.zip")
    assert not found.ok
    assert found.problems
    with pytest.raises(NotFound):
        verify_bundle(tmp_path / "none.zip")


def test_whoever_kept_a_checkpoint_can_tell(tmp_path: Path) -> None:
    """A bundle made since a checkpoint proves that the log continues it; a log that does not is refused everywhere."""
    home, out = tmp_path / "home", tmp_path / "out"
    with make(home, 5) as log:
        kept = log.checkpoint()
        log.append([observation(b"more"), observation(b"still more")])
        bare = tmp_path / "bare"
        export(log, home, bare, 6)
        write_bundle(log, home / "log", out, indexes=[6], size=7, selection={}, since=kept)
        later, vkey = log.checkpoint(), log.vkey
    (tmp_path / "kept").write_text(kept)
    done = by_script(out, vkey, str(tmp_path / "kept"))
    assert (done.returncode, "continues the checkpoint of 5 entries that you kept" in done.stdout) == (
        0,
        True,
    )
    assert verify_bundle(out, since=kept).problems == ()
    assert "ask for a bundle made with --since" in by_script(bare, vkey, str(tmp_path / "kept")).stderr
    assert not verify_bundle(bare, since=kept).ok
    with make(tmp_path / "again", 4) as other:
        foreign = other.checkpoint()
        with pytest.raises(InputRefused):
            write_bundle(
                other,
                tmp_path / "again" / "log",
                tmp_path / "x",
                indexes=[0],
                size=4,
                selection={},
                since=kept,
            )
    (tmp_path / "later").write_text(later.replace("\n7\n", "\n8\n"))
    assert "went back" in by_script(out, vkey, str(tmp_path / "later")).stderr
    (tmp_path / "other").write_text(foreign.replace("\n4\n", "\n5\n"))
    assert "was rewritten" in by_script(out, vkey, str(tmp_path / "other")).stderr
    assert "was rewritten" in verify_bundle(out, since=foreign.replace("\n4\n", "\n5\n")).problems[0]


def test_a_rewritten_log_cannot_be_exported_since_what_was_kept(tmp_path: Path) -> None:
    """The holder of the key who makes another past is refused by the checkpoint of the first one."""
    home = tmp_path / "home"
    with make(home, 3) as log:
        assert log._keys is not None
        forged = log._keys.signer.signed(Checkpoint(ORIGIN, 2, bytes(32)).text())
        for note, said in (
            (forged, "was rewritten"),
            (log._keys.signer.signed(Checkpoint(ORIGIN, 9, bytes(32)).text()), "of 9"),
        ):
            with pytest.raises(StoreTampered, match=said):
                write_bundle(
                    log, home / "log", tmp_path / "out", indexes=[0], size=3, selection={}, since=note
                )
            assert not_continued(log.verifier, 3, log.root, note)
        assert not_continued(log.verifier, 3, log.root, log.checkpoint(2)) == []
