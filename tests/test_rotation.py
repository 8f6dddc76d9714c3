"""Signing keys change, and what each signed at its time stays good; a key may lie in AWS KMS."""

import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from compliance.backup import backup
from compliance.bundle import verify_bundle, write_bundle
from compliance.canonical import canonical
from compliance.errors import InputRefused, SourceFailed, StoreUnavailable
from compliance.evidence import CollectorName, Observation
from compliance.log import EvidenceLog
from compliance.logkeys import ROTATION, EcdsaKey, keys_text, with_keys
from compliance.note import Checkpoint, ProofFile, Signer, Verifier, open_checkpoint, split_note
from compliance.signing import KmsKey, KmsSigner, create_signing_key, signing_key
from compliance.verify import verify_store
from compliance.witnessing import submit
from tests.logs import ORIGIN, make, observation, reopen
from tests.moto_server import REGION, moto_server, reset, use_credentials
from tests.test_bundle import by_script, refresh
from tests.vouchers import serving_witness


def rotate(log: EvidenceLog, home: Path, kms: KmsKey | None = None) -> int:
    signer = create_signing_key(home / "keys", log.origin, kms=kms)
    detail = {"former": log.vkey, "current": str(signer.verifier)}
    said = Observation(ROTATION, "muniment", CollectorName("muniment", "1"), canonical(detail), detail=detail)
    return log.rotate(signer, said)


def test_former_proofs_stay_good(tmp_path: Path) -> None:
    """After rotations the log goes on under the new key, and verifies; old checkpoints verify under old keys."""
    with make(tmp_path, 4) as log:
        first, old_proof = log.verifier, log.prove(1)
        assert rotate(log, tmp_path) == 4
        second, between = log.verifier, log.checkpoint()
        log.append([observation(b"more")])
        rotate(log, tmp_path)
        log.append([observation(b"last")])
        current = log.verifier
        assert log.size == 8
    assert len({first.public, second.public, current.public}) == 3
    assert verify_store(tmp_path).problems == ()
    for old in (first, second):
        assert verify_store(tmp_path, vkey=str(old)).problems == ()
    with reopen(tmp_path) as log:
        assert [(one.key, one.last) for one in log.verifier.former] == [(second, 7), (first, 5)]
        assert log.verifier.verified(ProofFile.parse(old_proof).note)
        for key in (first, second):
            assert open_checkpoint(between, key) == Checkpoint(ORIGIN, 5, log.root(5))
        log.append([observation(b"after opening")])
    assert verify_store(tmp_path).ok


def test_a_key_that_was_given_up_signs_nothing_more(tmp_path: Path) -> None:
    """What a former key signs beyond its last size is refused, though its signature is right."""
    with make(tmp_path, 2) as log:
        assert log._keys is not None
        former = log._keys.signer
        rotate(log, tmp_path)
        for size, good in ((3, True), (4, False)):
            note = former.signed(Checkpoint(ORIGIN, size, bytes(32)).text())
            if good:
                assert log.verifier.verified(note)
            else:
                with pytest.raises(InputRefused, match="had given up by then"):
                    log.verifier.verified(note)


def test_the_former_private_key_is_destroyed_and_the_new_one_is_the_owners_alone(tmp_path: Path) -> None:
    """One private key remains, mode 0600; it is that of log/vkey."""
    with make(tmp_path, 1) as log:
        before = (tmp_path / "keys" / "log-signing.pem").read_bytes()
        rotate(log, tmp_path)
        vkey = log.verifier
    (left,) = (tmp_path / "keys").glob("log-signing*")
    assert left.read_bytes() != before
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert signing_key(tmp_path / "keys", ORIGIN).verifier == vkey
    assert (tmp_path / "log" / "vkey").read_text() == f"{vkey}\n"


def test_other_processes_go_on_with_the_new_key(tmp_path: Path) -> None:
    """Who has the log open while its key is rotated elsewhere reads on and appends under the new key."""
    with make(tmp_path, 2) as log, reopen(tmp_path) as other, reopen(tmp_path, read_only=True) as reader:
        rotate(log, tmp_path)
        log.append([observation(b"one")])
        assert (reader.size, other.size) == (4, 4)
        other.append([observation(b"two")])
        log.append([observation(b"three")])
        assert reader.size == 6
        assert reader.vkey == other.vkey == log.vkey
        open_checkpoint(other.checkpoint(), Verifier.parse(log.vkey))
    assert verify_store(tmp_path).ok


@pytest.mark.parametrize("after", [0, 1, 2, 3, 4])
def test_a_rotation_cut_short_leaves_a_store_that_opens(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of its writes is the last, the store opens under the one key or the other, and can be rotated again."""
    log = make(tmp_path, 2)
    place, written = log._place, list[str]()
    right = type(place).replace

    def cut(_: object, path: str, body: bytes) -> None:
        if len(written) == after:
            raise StoreUnavailable("cut short")
        written.append(path)
        right(place, path, body)

    with monkeypatch.context() as patch:
        patch.setattr(type(place), "replace", cut)
        with suppress(StoreUnavailable):
            rotate(log, tmp_path)
        log.close()
    assert written == ["rotated/3", "vkeys", "checkpoint", "vkey"][:after]
    with reopen(tmp_path) as log:
        log.append([observation(b"on")])
        assert verify_store(tmp_path).problems == ()
        rotate(log, tmp_path)
        log.append([observation(b"on")])
    assert verify_store(tmp_path).problems == ()


def test_who_invents_a_former_key_is_caught(tmp_path: Path) -> None:
    """A former key that no entry gave up, or whose last checkpoint is not there, does not verify."""
    with make(tmp_path, 3) as log:
        vkey = log.vkey
    invented = Signer(ORIGIN, Ed25519PrivateKey.generate()).verifier
    (tmp_path / "log" / "vkeys").write_text(f"{vkey}\n{invented} 2\n")
    said = " ".join(problem.what for problem in verify_store(tmp_path).problems)
    assert "no entry says so" in said
    assert "log/rotated/2 cannot be relied on" in said


def test_no_byte_of_the_list_of_keys_changes_unnoticed(tmp_path: Path) -> None:
    """Each changed byte of ``log/vkeys`` and ``rotated/SIZE`` is a problem of verification or of reading."""
    with make(tmp_path, 1) as log:
        rotate(log, tmp_path)
    for name in ("vkeys", "rotated/2"):
        path = tmp_path / "log" / name
        right = path.read_bytes()
        for at in range(0, len(right), 5):
            path.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
            assert not verify_store(tmp_path).ok, (name, at)
        path.write_bytes(right)
    assert verify_store(tmp_path).ok


def test_a_copy_has_the_former_keys_and_what_others_vouched_for(tmp_path: Path) -> None:
    """A backup verifies under the former key too, and brings cosignatures along."""
    home = tmp_path / "home"
    with make(home, 2) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, home / "log", url=url, vkey=witness.vkey)
        old = log.vkey
        rotate(log, home)
        witness.trust(log.vkey)
        submit(log, home / "log", url=url, vkey=witness.vkey)
        backup(home, tmp_path / "copy")
    found = verify_store(tmp_path / "copy", vkey=old)
    assert (found.ok, found.vouched_by.startswith("vouched for up to entry 2 by witness")) == (True, True)


def test_the_list_of_keys_is_read_back() -> None:
    """What is written of several keys is read again; another log's keys are refused."""
    keys = [Signer(ORIGIN, Ed25519PrivateKey.generate()).verifier for _ in range(3)]
    text = f"{keys[0]}\n{keys[1]} 7\n{keys[2]} 3\n"
    read = with_keys(keys[0], text)
    assert keys_text(read) == text
    stranger = Signer("other.example/log", Ed25519PrivateKey.generate()).verifier
    for wrong in (f"{keys[0]}\n{stranger} 7\n", "", f"{keys[0]}", f"{keys[0]}\n\n", f"{keys[0]}\nx 3\n"):
        with pytest.raises(InputRefused):
            with_keys(keys[0], wrong)


# --- AWS KMS -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with moto_server() as url:
        yield url


def kms_key(url: str, spec: str = "ECC_NIST_P256", usage: str = "SIGN_VERIFY") -> str:
    client = boto3.client("kms", region_name=REGION, endpoint_url=url)
    key_id: str = client.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]  # type: ignore[arg-type]
    return key_id


def test_a_kms_key_on_p256_signs_beside_the_file(
    tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each checkpoint bears an Ed25519 line and, of note type 0x02, one from KMS; both are verified."""
    use_credentials(monkeypatch)
    key = KmsKey.find(ORIGIN, kms_key(moto), region=REGION, endpoint_url=moto)
    assert key.beside
    with make(tmp_path, 2) as log:
        rotate(log, tmp_path, key)
        log.append([observation(b"under both")])
        note = log.checkpoint()
    _, lines = split_note(note)
    assert [raw[:4] for _, raw in lines] == [log.verifier.key_id, key.line_key.key_id]
    assert verify_store(tmp_path).problems == ()
    with reopen(tmp_path) as log:
        assert isinstance(log._secret().signer, KmsSigner)
        log.append([observation(b"again")])
        der = EcdsaKey.parse(str(log.verifier.beside[0])).spki
    assert verify_store(tmp_path).problems == ()
    (tmp_path / "key.der").write_bytes(der)
    (tmp_path / "text").write_text(split_note(note)[0])
    (tmp_path / "signature").write_bytes(lines[1][1][4:])
    subprocess.run(
        ["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", "key.der", "-signature", "signature", "text"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    changed = note[:-6] + ("A" if note[-6] != "A" else "B") + note[-5:]
    (tmp_path / "log" / "checkpoint").write_text(changed)
    assert not verify_store(tmp_path).ok


def test_a_kms_key_that_cannot_sign_is_refused(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of another kind is refused by what it is; one that is not there says so."""
    use_credentials(monkeypatch)
    for spec, usage in (
        ("ECC_NIST_P384", "SIGN_VERIFY"),
        ("RSA_2048", "SIGN_VERIFY"),
        ("RSA_2048", "ENCRYPT_DECRYPT"),
    ):
        with pytest.raises(InputRefused, match="expected one of"):
            KmsKey.find(ORIGIN, kms_key(moto, spec, usage), region=REGION, endpoint_url=moto)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        KmsKey.find(ORIGIN, "00000000-0000-0000-0000-000000000000", region=REGION, endpoint_url=moto)


def test_when_kms_does_not_sign_nothing_is_appended(
    tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is gone stops appends with a sentence; what was appended before stays readable and verifies."""
    use_credentials(monkeypatch)
    with make(tmp_path, 1) as log:
        rotate(log, tmp_path, KmsKey.find(ORIGIN, kms_key(moto), region=REGION, endpoint_url=moto))
        reset(moto)
        with pytest.raises(StoreUnavailable, match="does not sign"):
            log.append([observation(b"no")])
        assert log.size == 2
    assert verify_store(tmp_path).ok
    with reopen(tmp_path, read_only=True) as log:
        assert log.body(log.entry(0)) == b"entry 0"


class Ed25519InKms:
    """What AWS KMS answers for a key of the spec ECC_NIST_EDWARDS25519, which the stand-in does not have."""

    def __init__(self) -> None:
        self.private = Ed25519PrivateKey.generate()

    def get_public_key(self, KeyId: str) -> dict[str, object]:  # noqa: N803 (the name is the API's)
        """The public half in DER."""
        der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {
            "KeyId": KeyId,
            "KeySpec": "ECC_NIST_EDWARDS25519",
            "KeyUsage": "SIGN_VERIFY",
            "PublicKey": der,
        }

    def sign(self, **asked: object) -> dict[str, bytes]:
        """The signature of what is asked for as AWS asks for it."""
        assert (asked["MessageType"], asked["SigningAlgorithm"]) == ("RAW", "ED25519_SHA_512")
        message = asked["Message"]
        assert isinstance(message, bytes)
        return {"Signature": self.private.sign(message)}


def test_a_kms_key_on_ed25519_signs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No private key remains on the machine, and checkpoints are as deterministic as those of a file."""
    held = Ed25519InKms()
    monkeypatch.setattr("compliance.signing.boto3.client", lambda *_, **__: held)
    with make(tmp_path, 2) as log:
        rotate(log, tmp_path, KmsKey.find(ORIGIN, "alias/log", region=REGION))
        log.append([observation(b"more")])
        assert log.checkpoint(3) == log.checkpoint(3)
    assert [path.suffix for path in (tmp_path / "keys").glob("log-signing*")] == [".kms"]
    with reopen(tmp_path) as log:
        log.append([observation(b"again")])
    assert verify_store(tmp_path).problems == ()
    assert "PRIVATE" not in "".join(p.read_text() for p in (tmp_path / "keys").glob("log-signing*"))


def test_a_witness_follows_a_rotation(tmp_path: Path) -> None:
    """The checkpoint of the hand-over bears both keys' signatures, so the old trust carries to it and no further."""
    home = tmp_path / "home"
    with make(home, 2) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        rotate(log, home)
        submit(log, home / "log", url=url, vkey=witness.vkey)
        log.append([observation(b"more")])
        with pytest.raises(SourceFailed, match="403"):
            submit(log, home / "log", url=url, vkey=witness.vkey)
        witness.trust(log.vkey)
        submit(log, home / "log", url=url, vkey=witness.vkey)
    assert verify_store(home).ok


def test_a_bundle_proves_who_followed_whom(tmp_path: Path) -> None:
    """From the key that was known before, a bundle and its script lead by entries and double signatures to the present one."""
    home, out = tmp_path / "home", tmp_path / "out"
    with make(home, 3) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, home / "log", url=url, vkey=witness.vkey)
        first = log.vkey
        rotate(log, home)
        log.append([observation(b"between")])
        rotate(log, home)
        log.append([observation(b"last")])
        write_bundle(log, home / "log", out, indexes=[1, 6], size=log.size, selection={})
        current = log.vkey
    for known in (first, current):
        assert verify_bundle(out, vkey=known).problems == ()
        done = by_script(out, known)
        assert (done.returncode, done.stderr) == (0, "")
    assert (out / "checkpoints" / "SIZES").read_text().split() == ["3", "4", "6", "7"]
    invented = Signer(ORIGIN, Ed25519PrivateKey.generate()).verifier
    lines = (out / "vkeys" / "log").read_text()
    (out / "vkeys" / "log").write_text(f"{lines}{invented} 3\n")
    refresh(out)
    assert by_script(out, str(invented)).returncode == 1
    assert not verify_bundle(out, vkey=str(invented)).ok
    (out / "vkeys" / "log").write_text(lines)
    for name in ("entries/3.json", "proofs/3.tlog-proof"):
        (out / name).unlink()
    refresh(out)
    assert "no entry of the bundle says" in by_script(out).stderr
    assert any("no entry says so" in problem for problem in verify_bundle(out).problems)


def test_a_bundle_of_a_log_signed_in_kms_too(
    tmp_path: Path, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script verifies ECDSA lines with openssl; one that is wrong refuses the bundle."""
    use_credentials(monkeypatch)
    home, out = tmp_path / "home", tmp_path / "out"
    with make(home, 2) as log:
        rotate(log, home, KmsKey.find(ORIGIN, kms_key(moto), region=REGION, endpoint_url=moto))
        log.append([observation(b"more")])
        write_bundle(log, home / "log", out, indexes=range(4), size=4, selection={})
    assert verify_bundle(out).problems == ()
    done = by_script(out)
    assert (done.returncode, done.stderr) == (0, "")
    path = out / "checkpoints" / "4"
    note = path.read_text()
    path.write_text(note[:-9] + ("A" if note[-9] != "A" else "B") + note[-8:])
    refresh(out)
    assert "does not belong to it" in by_script(out).stderr
    assert not verify_bundle(out).ok
