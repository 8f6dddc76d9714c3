"""The procedure in docs/verify-by-hand.md does what it says, run as it is written."""

import re
import subprocess
from pathlib import Path

import pytest

from compliance.bundle import write_bundle
from compliance.canonical import sha256_hex
from compliance.timestamps import read_certificates, stamp
from compliance.witnessing import submit
from tests.logs import ORIGIN, make, observation
from tests.vouchers import WITNESS, make_authority, serving_authority, serving_witness

PROCEDURE = Path(__file__).parents[1] / "docs" / "verify-by-hand.md"


def by_hand(log: Path, index: int, proof: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the document's code, joined, with the system's plain shell."""
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PROCEDURE.read_text(), flags=re.DOTALL))
    variables = {
        "PATH": "/usr/bin:/bin",
        "LOG": str(log),
        "INDEX": str(index),
        "PROOF": str(proof),
    } | environment
    return subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True, env=variables)


@pytest.mark.parametrize(("count", "index"), [(1, 0), (7, 0), (7, 6), (256, 200), (300, 3), (300, 299)])
def test_an_entry_is_verified_by_hand(tmp_path: Path, count: int, index: int) -> None:
    """An entry at any place in a log of any size is verified with openssl, sha256sum and a shell."""
    with make(tmp_path / "home", count) as log:
        (tmp_path / "proof").write_text(log.prove(index))
    done = by_hand(tmp_path / "home" / "log", index, tmp_path / "proof")
    digest = sha256_hex(b"entry %d" % index)
    assert (done.stderr, done.stdout) == (
        "",
        f"VERIFIED: entry {index} of {count} in {ORIGIN}, payload {digest}\n",
    )


def test_what_is_wrong_is_not_verified_by_hand(tmp_path: Path) -> None:
    """Another entry, proof, key or root, or a changed entry, is told from the right one."""
    with make(tmp_path / "home", 7) as log, make(tmp_path / "other", 7) as other:
        (tmp_path / "proof").write_text(log.prove(3))
        (tmp_path / "foreign").write_text(other.prove(3))
        text, vkey = log.prove(3), other.vkey
        leaf = log.leaf(3)
        folder = tmp_path / "home" / "log"
    (tmp_path / "short").write_text(re.sub(r"(?m)^(index 3\n).*\n", r"\1", text))
    (tmp_path / "unsigned").write_text(text.replace("\n7\n", "\n8\n"))
    assert by_hand(folder, 3, tmp_path / "proof").returncode == 0
    wrong = [
        by_hand(folder, 2, tmp_path / "proof"), by_hand(folder, 3, tmp_path / "foreign"),
        by_hand(folder, 3, tmp_path / "short"), by_hand(folder, 3, tmp_path / "unsigned"),
        by_hand(folder, 3, tmp_path / "proof", VKEY=vkey),
    ]  # fmt: skip
    bundle = folder / "tile" / "entries" / "000.p" / "7"
    bundle.chmod(0o644)
    bundle.write_bytes(bundle.read_bytes().replace(leaf, leaf.replace(b"lineage/1", b"lineage/2")))
    wrong.append(by_hand(folder, 3, tmp_path / "proof"))
    assert [(done.returncode, done.stdout) for done in wrong] == [(1, "")] * 6
    assert all(done.stderr.startswith("NOT VERIFIED: ") for done in wrong)


def test_a_sealed_payload_is_verified_as_it_is_stored(tmp_path: Path) -> None:
    """Verifying needs no key: the sealed bytes are what the entry vouches for."""
    with make(tmp_path / "home", 2) as log:
        log.append([observation(b"personal", sealed=True)])
        (tmp_path / "proof").write_text(log.prove(2))
    assert by_hand(tmp_path / "home" / "log", 2, tmp_path / "proof").returncode == 0


def test_witness_and_time_stamp_are_verified_by_hand(tmp_path: Path) -> None:
    """A cosignature and a time-stamp of the proof's checkpoint are verified, and refused where they are another's."""
    home, folder = tmp_path / "home", tmp_path / "home" / "log"
    with (
        make(home, 5) as log,
        serving_witness(tmp_path / "w", log.vkey) as (url, witness, _),
        serving_authority(tmp_path / "tsa") as (tsa, root),
    ):
        submit(log, folder, url=url, vkey=witness.vkey)
        stamp(log.checkpoint(), folder, url=tsa, roots=read_certificates(root))
        (tmp_path / "proof").write_text(log.prove(2))
        (tmp_path / "earlier").write_text(log.prove(2, 4))
    (response,) = (folder / "stamped").glob("*.tsr")
    given = {
        "WITNESS": witness.vkey, "COSIGNED": str(folder / "cosigned" / "5"), "STAMP": str(response),
        "STAMPED": str(folder / "stamped" / "5.note"), "TSA": str(root),
    }  # fmt: skip
    done = by_hand(folder, 2, tmp_path / "proof", **given)
    assert (done.stderr, done.returncode) == ("", 0)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"VERIFIED: entry 2 of 5 in {ORIGIN}")
    assert lines[1] == f"COSIGNED: by {WITNESS} at 2026-11-23T12:00:00Z"
    assert re.fullmatch(r"STAMPED: [A-Z][a-z]{2} .* GMT", lines[2])
    other = make_authority(tmp_path / "other")
    own = {"WITNESS": (folder / "vkey").read_text().strip()}
    for change in ({"TSA": str(other)}, {"COSIGNED": str(folder / "checkpoint")}, own):
        assert by_hand(folder, 2, tmp_path / "proof", **(given | change)).returncode == 1, change
    assert by_hand(folder, 2, tmp_path / "earlier", **given).returncode == 1


def test_a_bundle_is_verified_as_the_document_says(tmp_path: Path) -> None:
    """The commands for a bundle, run as they are written, end with the line that the document promises."""
    with make(tmp_path / "home", 9) as log:
        write_bundle(log, tmp_path / "home" / "log", tmp_path / "out", indexes=range(9), size=9, selection={})
        vkey = log.vkey
    (commands,) = re.findall(r"```bash\n(.*?)```", PROCEDURE.read_text(), flags=re.DOTALL)
    variables = {"PATH": "/usr/bin:/bin", "BUNDLE": str(tmp_path / "out"), "VKEY": vkey}
    done = subprocess.run(["sh", "-ec", commands], check=False, capture_output=True, text=True, env=variables)
    assert (done.returncode, done.stderr) == (0, "")
    expected = f"VERIFIED: 9 entries and 9 payloads of {ORIGIN}; vouched for by this machine's key only"
    assert done.stdout.splitlines()[-1] == expected
