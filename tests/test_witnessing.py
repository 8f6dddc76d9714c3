"""The store's side of witnessing: cosignatures asked for, verified, kept, and checked again."""

import subprocess
import sys
from pathlib import Path

import pytest

from compliance.errors import SourceFailed, StoreTampered
from compliance.log import EvidenceLog
from compliance.note import Checkpoint, Verifier
from compliance.settings import EvidenceSettings
from compliance.verify import OWN_KEY
from compliance.vouched import vouched_by, vouched_for
from compliance.vouching import vouch
from compliance.witnessing import all_witnessed, cosigned_sizes, submit
from tests.logs import ORIGIN, START, make, observation
from tests.vouchers import WITNESS, serving_witness


def settings(url: str, vkey: str) -> EvidenceSettings:
    return EvidenceSettings.model_validate({"witnesses": [{"url": url, "vkey": vkey}]})


def folder_of(home: Path) -> Path:
    return home / "log"


def said(log: EvidenceLog, home: Path, size: int) -> str:
    return vouched_by(vouched_for(folder_of(home), size, Verifier.parse(log.vkey), log.root), size)


def test_a_published_checkpoint_is_cosigned_once(tmp_path: Path) -> None:
    """Each size that is published when the standing work runs is cosigned, kept, and not asked for again."""
    home = tmp_path / "home"
    with make(home, 2) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, told):
        asked = settings(url, witness.vkey)
        assert vouch(log, folder_of(home), asked, START) == [
            f"The witness {WITNESS} cosigned at 2026-11-23T12:00:00Z."
        ]
        assert vouch(log, folder_of(home), asked, START) == []
        log.append([observation(b"more")])
        assert len(vouch(log, folder_of(home), asked, START)) == 1
        assert told == [f"cosigned {ORIGIN} at {size} entries" for size in (2, 3)]
        kept = list(all_witnessed(folder_of(home), Verifier.parse(log.vkey)))
        assert [one.checkpoint for one in kept if not isinstance(one, StoreTampered)] == [
            Checkpoint(ORIGIN, size, log.root(size)) for size in (2, 3)
        ]


def test_a_witness_that_knows_more_than_the_store_remembers_is_proven_from_there(tmp_path: Path) -> None:
    """Where the store lost its cosignatures it is told the size, and proves from that."""
    home = tmp_path / "home"
    with make(home, 5) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, folder_of(home), url=url, vkey=witness.vkey)
        (folder_of(home) / "cosigned" / "5").unlink()
        log.append([observation(b"more")])
        submit(log, folder_of(home), url=url, vkey=witness.vkey)
        assert cosigned_sizes(folder_of(home)) == [6]


def test_a_store_that_went_back_or_forked_is_told_by_its_witness(tmp_path: Path) -> None:
    """An older copy of the store, and one that grew otherwise, are refused in sentences that say what to do."""
    home, older = tmp_path / "home", tmp_path / "older"
    with make(home, 5) as log:
        subprocess.run(["cp", "-a", str(home), str(older)], check=True)
    with (
        EvidenceLog.open(home, clock=lambda: START) as log,
        serving_witness(tmp_path / "w", log.vkey) as (url, witness, _),
    ):
        log.append([observation(b"more")])
        submit(log, folder_of(home), url=url, vkey=witness.vkey)
        with EvidenceLog.open(older, clock=lambda: START) as behind:
            with pytest.raises(StoreTampered, match="the store went back"):
                submit(behind, folder_of(older), url=url, vkey=witness.vkey)
            behind.append([observation(b"otherwise")])
            with pytest.raises(StoreTampered, match="does not continue what it cosigned"):
                submit(behind, folder_of(older), url=url, vkey=witness.vkey)
            behind.append([observation(b"otherwise still")])
            with pytest.raises(StoreTampered, match="does not continue what it cosigned"):
                vouch(behind, folder_of(older), settings(url, witness.vkey), START)


def test_a_witness_out_of_reach_or_under_another_key_is_a_failure(tmp_path: Path) -> None:
    """Nothing is kept of a witness that does not answer, or whose answer does not verify under the key configured."""
    home = tmp_path / "home"
    with make(home, 1) as log, make(tmp_path / "other", 1) as other:
        with (
            serving_witness(tmp_path / "w", log.vkey) as (url, witness, _),
            serving_witness(tmp_path / "v", other.vkey, name="witness.example/w2") as (_, stranger, _),
        ):
            with pytest.raises(SourceFailed, match="no cosignature under its key"):
                submit(log, folder_of(home), url=url, vkey=stranger.vkey)
            with pytest.raises(SourceFailed, match="403"):
                submit(other, folder_of(home), url=url, vkey=witness.vkey)
        with pytest.raises(SourceFailed, match="cannot be reached"):
            submit(log, folder_of(home), url=url, vkey=witness.vkey)
    assert cosigned_sizes(folder_of(home)) == []


def test_an_independent_program_accepts_the_cosignature(tmp_path: Path) -> None:
    """``proofbundle`` counts the witness on a proof that carries the cosigned checkpoint, and none on one without."""
    home = tmp_path / "home"
    with make(home, 9) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, folder_of(home), url=url, vkey=witness.vkey)
        bare, vkey = log.prove(4), log.vkey
        (tmp_path / "leaf").write_bytes(log.leaf(4))
    note = (folder_of(home) / "cosigned" / "9").read_text()
    (tmp_path / "bare").write_text(bare)
    (tmp_path / "cosigned").write_text(bare.replace(bare.partition("\n\n")[2], note))
    program = Path(sys.executable).with_name("proofbundle")
    codes = [
        subprocess.run(
            [program, "verify-proof", tmp_path / name, "--payload-file", tmp_path / "leaf", "--log-vkey", vkey,
             "--witness-vkey", witness.vkey, "--threshold", "1"],
            check=False, capture_output=True,
        ).returncode
        for name in ("cosigned", "bare")
    ]  # fmt: skip
    assert codes[0] == 0
    assert codes[1] != 0


def test_no_byte_kept_of_a_witness_changes_unnoticed(tmp_path: Path) -> None:
    """Every single changed byte of a cosigned checkpoint, or of the list of witnesses, is told."""
    home = tmp_path / "home"
    with make(home, 1) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, folder_of(home), url=url, vkey=witness.vkey)
        verifier = Verifier.parse(log.vkey)
    for name in ("cosigned/1", "witnesses"):
        path = folder_of(home) / name
        right = path.read_bytes()
        for at in range(len(right)):
            path.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
            assert any(isinstance(one, StoreTampered) for one in all_witnessed(folder_of(home), verifier)), (
                name,
                at,
            )
        path.write_bytes(right)
    assert not any(isinstance(one, StoreTampered) for one in all_witnessed(folder_of(home), verifier))


def test_who_vouches_is_said(tmp_path: Path) -> None:
    """Nobody, a witness for all of it, or a witness for what it saw and this machine's key for the rest."""
    home = tmp_path / "home"
    with make(home, 3) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        assert said(log, home, 3) == OWN_KEY
        submit(log, folder_of(home), url=url, vkey=witness.vkey)
        sentence = f"vouched for up to entry 2 by witness {WITNESS} (2026-11-23T12:00:00Z)"
        assert (said(log, home, 3), said(log, home, 1)) == (sentence, sentence)
        log.append([observation(b"more")])
        assert said(log, home, 4) == f"{sentence}; from entry 3 on {OWN_KEY}"
        with pytest.raises(StoreTampered, match="the log was rewritten"):
            vouched_for(folder_of(home), 3, Verifier.parse(log.vkey), lambda _: bytes(32))
