"""The head of a closed store is sealed: none of its bytes changes unnoticed."""

import hashlib
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from compliance.verify import verify_store
from tests.logs import make, observation, reopen


def test_the_last_to_close_seals_the_head(tmp_path: Path) -> None:
    """The seal is the file's SHA-256, as sha256sum reads it, and is there only while nobody has written since."""
    seal = tmp_path / "log" / "head.sha256"
    with make(tmp_path, 3):
        assert not seal.exists()
    assert (
        seal.read_text().split()[0] == hashlib.sha256((tmp_path / "log" / "head.db").read_bytes()).hexdigest()
    )
    assert (
        subprocess.run(["sha256sum", "-c", "head.sha256"], cwd=tmp_path / "log", check=False).returncode == 0
    )
    with reopen(tmp_path) as log:
        assert verify_store(tmp_path).ok
        log.append([observation()])
        assert not seal.exists()
        with reopen(tmp_path) as other:
            other.append([observation()])
        assert verify_store(tmp_path).ok
    assert seal.exists()
    assert verify_store(tmp_path).ok


def test_opening_and_closing_leaves_the_seal(tmp_path: Path) -> None:
    """Who only reads changes no byte of the head."""
    make(tmp_path, 3).close()
    seal = tmp_path / "log" / "head.sha256"
    written = seal.stat().st_mtime_ns
    reopen(tmp_path).close()
    reopen(tmp_path, read_only=True).close()
    assert seal.stat().st_mtime_ns == written
    assert verify_store(tmp_path).ok


def test_no_byte_of_a_closed_head_can_change(tmp_path: Path) -> None:
    """Also bytes that say nothing, and digests that nothing else states, count."""
    with make(tmp_path, 3) as log:
        log.append([observation(known=(b"k" * 16,))])
    path = tmp_path / "log" / "head.db"
    whole = path.read_bytes()
    chance = random.Random(4)  # noqa: S311 - a repeatable choice
    for at in chance.sample(range(len(whole)), 60):
        changed = bytearray(whole)
        changed[at] ^= 1 << chance.randrange(8)
        path.write_bytes(bytes(changed))
        assert not verify_store(tmp_path).ok, at
    path.write_bytes(whole)
    assert verify_store(tmp_path).ok


@pytest.mark.parametrize("text", ["", "nonsense"])
def test_a_changed_seal_is_told(tmp_path: Path, text: str) -> None:
    """The seal itself cannot change either."""
    make(tmp_path, 3).close()
    (tmp_path / "log" / "head.sha256").write_text(text)
    assert "do not belong together" in str(verify_store(tmp_path).problems[0])


def test_a_killed_store_has_no_seal(tmp_path: Path) -> None:
    """What a crash leaves verifies without one, and is sealed once it was opened and closed."""
    with make(tmp_path / "home", 3) as log:
        log.append([observation()])
        shutil.copytree(tmp_path / "home", tmp_path / "left")
    assert not (tmp_path / "left" / "log" / "head.sha256").exists()
    assert verify_store(tmp_path / "left").ok
    with reopen(tmp_path / "left") as log:
        log.append([observation()])
    assert (tmp_path / "left" / "log" / "head.sha256").exists()
    assert verify_store(tmp_path / "left").ok
