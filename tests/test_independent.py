"""Programs of others accept the log, its proofs and its bundles: Go's ``note`` and ``tlog``, and ``proofbundle``."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from compliance.bundle import write_bundle
from compliance.witnessing import submit
from tests.logs import ORIGIN, make
from tests.vouchers import serving_witness

SOURCE = Path(__file__).parent / "go" / "verify_log.go"
PACKAGES = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
PROOFBUNDLE = Path(sys.executable).with_name("proofbundle")
Done = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def go_verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built offline on Debian's packages."""
    go = shutil.which("go")
    if go is None or not PACKAGES.is_dir():
        pytest.skip("needs Debian's golang-go and golang-golang-x-mod-dev")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        "PATH": "/usr/bin:/bin", "HOME": str(folder), "GOCACHE": str(folder / "cache"), "GO111MODULE": "off",
        "GOPATH": "/usr/share/gocode", "CGO_ENABLED": "0",
    }  # fmt: skip
    program = folder / "verify_log"
    subprocess.run([go, "build", "-o", program, SOURCE], check=True, env=environment)
    return program


def run(*command: object) -> Done:
    return subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 700])
def test_go_verifies_every_entry_by_the_tiles(go_verifier: Path, tmp_path: Path, count: int) -> None:
    """Signature, tiles, bundles, inclusion of each entry, and consistency of sizes, hold in another implementation."""
    make(tmp_path / "home", count).close()
    done = run(go_verifier, tmp_path / "home" / "log")
    assert (done.returncode, done.stdout) == (0, f"verified {count} entries\n"), done.stderr


@pytest.mark.parametrize("name", ["checkpoint", "vkey", "tile/0/000.p/7", "tile/entries/000.p/7"])
def test_go_finds_a_changed_byte(go_verifier: Path, tmp_path: Path, name: str) -> None:
    """The other implementation refuses what was changed: it is no rubber stamp."""
    make(tmp_path / "home", 7).close()
    path = tmp_path / "home" / "log" / name
    body = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(body[:30] + bytes([body[30] ^ 1]) + body[31:])
    assert run(go_verifier, tmp_path / "home" / "log").returncode == 1


def test_others_verify_the_proofs_of_a_bundle(go_verifier: Path, tmp_path: Path) -> None:
    """Each proof file in a bundle verifies with Go and with ``proofbundle``, its cosignature with the latter."""
    home, out = tmp_path / "home", tmp_path / "out"
    with make(home, 40) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, home / "log", url=url, vkey=witness.vkey)
        write_bundle(log, home / "log", out, indexes=[0, 17, 39], size=40, selection={})
        vkey, cosigner = log.vkey, witness.vkey
    for index in (0, 17, 39):
        leaf, proof = out / "entries" / f"{index}.json", out / "proofs" / f"{index}.tlog-proof"
        accepted = [
            run(go_verifier, "proof", vkey, leaf, proof),
            run(PROOFBUNDLE, "verify-proof", proof, "--payload-file", leaf, "--log-vkey", vkey,
                "--expected-origin", ORIGIN, "--witness-vkey", cosigner, "--threshold", 1),
        ]  # fmt: skip
        assert [done.returncode for done in accepted] == [0, 0], accepted
    other = out / "entries" / "0.json"
    refused = [
        run(go_verifier, "proof", vkey, other, proof),
        run(PROOFBUNDLE, "verify-proof", proof, "--payload-file", other, "--log-vkey", vkey),
    ]
    assert all(done.returncode for done in refused)
