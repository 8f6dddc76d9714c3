"""No single byte of what the log keeps can change unnoticed: over all of log/ and payloads/, one at a time."""

import random
import shutil
from pathlib import Path

import pytest

from compliance.verify import verify_store
from tests.logs import make, observation


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed store of 270 entries: full and partial tiles, inline, large and sealed payloads, known items."""
    home = tmp_path_factory.mktemp("closed")
    with make(home, 262) as log:
        for number in range(4):
            log.append([observation(b"%d" % number, known=(b"%016d" % number,))])
        log.append([observation(bytes(5000)), observation(b"sealed" * 1000, sealed=True)])
        log.append([observation(b"large " * 1000), observation(None)])
    return home


def files_of(home: Path) -> list[Path]:
    """Everything with a byte in it, below log/ and payloads/."""
    found = [path for part in ("log", "payloads") for path in (home / part).rglob("*")]
    return sorted(path for path in found if path.is_file() and path.stat().st_size)


def change_some(home: Path, seed: int, count: int) -> None:
    """Change one random byte of a random file, verify, put it back, and so on."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice
    files = files_of(home)
    for path in files:
        path.chmod(0o644)
    for _ in range(count):
        path = chance.choice(files)
        body = path.read_bytes()
        at = chance.randrange(len(body))
        path.write_bytes(body[:at] + bytes([body[at] ^ chance.randrange(1, 256)]) + body[at + 1 :])
        found = verify_store(home)
        assert not found.ok, f"byte {at} of {path.relative_to(home)} changed unnoticed"
        path.write_bytes(body)
    assert verify_store(home).ok


def test_a_changed_byte_anywhere_is_caught(closed: Path, tmp_path: Path) -> None:
    """A hundred random bytes over everything that the log keeps; each makes verification fail."""
    home = Path(shutil.copytree(closed, tmp_path / "copy"))
    assert {path.relative_to(home).parts[0] for path in files_of(home)} == {"log", "payloads"}
    change_some(home, 1, 100)


@pytest.mark.soak
def test_ten_thousand_changed_bytes_are_each_caught(closed: Path, tmp_path: Path) -> None:
    """The same, ten thousand times."""
    change_some(Path(shutil.copytree(closed, tmp_path / "copy")), 2, 10_000)
