"""The procedure in docs/verify-by-hand.md does what it says, run as it is written."""

import re
import subprocess
from pathlib import Path

import pytest

from compliance.canonical import sha256_hex
from tests.logs import ORIGIN, make, observation

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
