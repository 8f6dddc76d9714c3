"""Large bodies lie on the disk while they arrive, and nobody can read them there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.errors import StoreUnavailable
from tests.web_world import web_world
from web.spool import BLOCK, Spool


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([0, 1, 7, BLOCK - 1, BLOCK, BLOCK + 1]), max_size=5))
def test_what_was_written_is_read(tmp_path: Path, sizes: list[int]) -> None:
    """However it arrived, it comes back whole, once."""
    spool = Spool(tmp_path)
    chunks = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    for chunk in chunks:
        spool.write(chunk)
    assert spool.size == sum(sizes)
    assert spool.read() == b"".join(chunks)


def test_a_large_body_is_on_the_disk_and_unreadable_there(tmp_path: Path) -> None:
    """At most a block is held in memory; the file has no name, and its bytes tell nothing."""
    spool = Spool(tmp_path)
    for _ in range(8):
        spool.write(b"C-100042 " * (BLOCK // 9))
    assert len(spool._waiting) <= BLOCK
    assert spool._file is not None
    spool._file.seek(0)
    lying = spool._file.read()
    assert len(lying) > 6 * BLOCK
    assert b"C-100042" not in lying
    assert list(tmp_path.iterdir()) == []
    spool.close()


def test_a_disk_that_takes_no_more_is_told(tmp_path: Path) -> None:
    """A folder that is not there stands for every disk that cannot be written to."""
    with pytest.raises(StoreUnavailable, match="Taking in a large body failed"):
        Spool(tmp_path / "nowhere").write(bytes(3 * BLOCK))


def test_a_large_body_is_taken_in_and_one_beyond_the_limit_refused(tmp_path: Path) -> None:
    """The limit is a setting; what exceeds it is 413, whether its length is stated or not."""
    event = '{"key_space": "customer", "key": "C-%d", "purpose": "p", "action": "granted", "at": "2026-11-01T00:00:00Z"}\n'
    lines = "".join(event % number for number in range(9_900)).encode()
    assert len(lines) > BLOCK
    with web_world(tmp_path / "store", evidence={"max_body_mib": 2}) as world:
        headers = world.bearer("ingest") | {"Content-Type": "application/x-ndjson"}
        answer = world.client.post("/api/v1/consents", content=lines, headers=headers)
        assert (answer.status_code, answer.json()["items"]) == (201, 9_900)
        answer = world.client.post("/api/v1/consents", content=(lines for _ in range(3)), headers=headers)
        assert (answer.status_code, "larger than 2 MiB" in answer.text) == (413, True)
