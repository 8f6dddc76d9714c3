"""A witness remembers, and cosigns only what continues what it remembers."""

import stat
import threading
from pathlib import Path

import httpx
import pytest

from compliance.cosignature import Witness, cosignatures
from compliance.errors import NotFound, SourceFailed, StoreExists, StoreMissing
from compliance.log import EvidenceLog
from compliance.note import Checkpoint, to_base64
from compliance.witness import Refused, Submission, WitnessStore
from compliance.witness_http import fetcher, polled
from tests.logs import ORIGIN, Clock, make, observation
from tests.vouchers import WITNESS, serving_witness


def a_witness(folder: Path, log: EvidenceLog) -> WitnessStore:
    witness = WitnessStore.create(folder, name=WITNESS, clock=Clock())
    witness.trust(log.vkey)
    return witness


def submission(log: EvidenceLog, old: int, size: int | None = None) -> bytes:
    new = log.size if size is None else size
    return Submission(old, log.consistency(old, new), log.checkpoint(new)).text().encode()


def refusal(witness: WitnessStore, body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        witness.add_checkpoint(body)
    return caught.value


def test_a_growing_log_is_cosigned(tmp_path: Path) -> None:
    """The first checkpoint, the same again, and each that continues the last, get a cosignature that verifies."""
    with make(tmp_path / "home", 3) as log:
        witness = a_witness(tmp_path / "w", log)
        steps = [(0, 3), (3, 3)]
        for old, _ in steps:
            line = witness.add_checkpoint(submission(log, old))
            assert cosignatures(log.checkpoint() + line, [Witness.parse(witness.vkey)])
        log.append([observation(b"more %d" % n) for n in range(300)])
        witness.add_checkpoint(submission(log, 3))
        again = WitnessStore.open(tmp_path / "w", clock=Clock())
        assert again.last(ORIGIN) == Checkpoint(ORIGIN, 303, log.root(303))
        assert [(one.size, one.refused) for one in again.logs()] == [(303, 0)]


def test_a_log_that_goes_back_is_refused(tmp_path: Path) -> None:
    """A smaller checkpoint than the last is refused in a sentence, with the size that is remembered."""
    with make(tmp_path / "home", 7) as log:
        witness = a_witness(tmp_path / "w", log)
        witness.add_checkpoint(submission(log, 0))
        refused = refusal(witness, submission(log, 0, 5))
        assert (refused.code, refused.size) == (409, 7)
        assert "went back: it had 7 entries when last cosigned and now signs 5" in refused.message
        assert refusal(witness, Submission(7, [], log.checkpoint(5)).text().encode()).code == 400


def test_a_forked_log_is_refused_and_kept_as_proof(tmp_path: Path) -> None:
    """Another root at one size, or a rewritten past, is refused; what the log signed is kept."""
    with make(tmp_path / "home", 5) as log:
        witness = a_witness(tmp_path / "w", log)
        witness.add_checkpoint(submission(log, 0))
        assert log._keys is not None
        signer = log._keys.signer
        for size in (5, 6):
            forged = signer.signed(Checkpoint(ORIGIN, size, bytes([size]) * 32).text())
            refused = refusal(witness, Submission(5, [bytes(32)] * (size - 5), forged).text().encode())
            assert refused.code == (409 if size == 5 else 422)
            assert "forked" in refused.message or "rewritten" in refused.message
        assert witness.logs()[0].refused == 2
        assert witness.last(ORIGIN) == Checkpoint(ORIGIN, 5, log.root(5))


def test_strangers_are_not_cosigned(tmp_path: Path) -> None:
    """An unknown log is 404; a known name under another key, or with further lines in its text, is 403."""
    with make(tmp_path / "home", 2) as log, make(tmp_path / "other", 2) as other:
        witness = WitnessStore.create(tmp_path / "w", name=WITNESS, clock=Clock())
        with pytest.raises(NotFound, match="does not know the log"):
            witness.add_checkpoint(submission(log, 0))
        witness.trust(log.vkey)
        assert refusal(witness, submission(other, 0)).code == 403
        assert log._keys is not None
        longer = log._keys.signer.signed(Checkpoint(ORIGIN, 2, log.root(2)).text() + "extension\n")
        assert refusal(witness, Submission(0, [], longer).text().encode()).code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"old 0\n",
        b"old 00\n\nx",
        b"old -1\n\nx",
        b"old 0\nAAAA\n\nx",
        b"old 0\n\nx",
        b"old 0\n" + b"\n" * 9,
        b"old 1\n" + (to_base64(bytes(32)).encode() + b"\n") * 64 + b"\nx\n1\nx\n\nx",
    ],
)
def test_what_is_no_request_is_refused(tmp_path: Path, body: bytes) -> None:
    """Whatever has not the form of a request is 400, whoever sends it."""
    witness = WitnessStore.create(tmp_path, name=WITNESS, clock=Clock())
    assert refusal(witness, body).code == 400


def test_a_witness_keeps_its_key_and_its_memory(tmp_path: Path) -> None:
    """A second creation is refused, opening nothing is refused, and the key is readable by its owner alone."""
    WitnessStore.create(tmp_path / "w", name=WITNESS, clock=Clock())
    with pytest.raises(StoreExists):
        WitnessStore.create(tmp_path / "w", name=WITNESS, clock=Clock())
    with pytest.raises(StoreMissing):
        WitnessStore.open(tmp_path / "none", clock=Clock())
    assert stat.S_IMODE((tmp_path / "w" / "key.pem").stat().st_mode) == 0o600


def test_of_two_requests_at_once_one_is_cosigned(tmp_path: Path) -> None:
    """Check and record are one step: of requests that race, those whose old size has passed are refused."""
    with make(tmp_path / "home", 40) as log:
        witness = a_witness(tmp_path / "w", log)
        bodies = [submission(log, 0, size) for size in range(1, 41)]
        outcomes: list[int] = []

        def send(body: bytes) -> None:
            try:
                witness.add_checkpoint(body)
                outcomes.append(200)
            except Refused as refused:
                outcomes.append(refused.code)

        threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [200] + [409] * 39


def test_the_http_interface_is_that_of_the_specification(tmp_path: Path) -> None:
    """Signature lines at 200; the size known, with its own media type, at 409; sentences otherwise."""
    with make(tmp_path / "home", 4) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, told):
        assert httpx.get(f"{url}/vkey").text == f"{witness.vkey}\n"
        done = httpx.post(f"{url}/add-checkpoint", content=submission(log, 0))
        assert (done.status_code, done.text.startswith(f"\u2014 {WITNESS} ")) == (200, True)
        stale = httpx.post(f"{url}/add-checkpoint", content=submission(log, 0))
        assert (stale.status_code, stale.text, stale.headers["content-type"]) == (
            409,
            "4\n",
            "text/x.tlog.size",
        )
        assert httpx.post(f"{url}/add-checkpoint", content=b"nothing").status_code == 400
        assert httpx.post(f"{url}/other", content=b"").status_code == 404
        assert httpx.post(f"{url}/add-checkpoint", content=b"x" * 70_000).status_code == 413
        assert told[0] == f"cosigned {ORIGIN} at 4 entries"
        assert told[1].startswith("refused (409): ")


@pytest.mark.parametrize("sizes", [(1, 2), (255, 257), (3, 700), (256, 512)])
def test_a_log_is_polled_by_its_tiles_alone(tmp_path: Path, sizes: tuple[int, int]) -> None:
    """The consistency proof comes from published tiles, full and partial, and is checked like any other."""
    with make(tmp_path / "home", sizes[0]) as log:
        witness = a_witness(tmp_path / "w", log)
        fetch = fetcher(str(tmp_path / "home" / "log"))
        assert polled(witness, fetch).size == sizes[0]
        log.append([observation(b"more %d" % n) for n in range(sizes[1] - sizes[0])])
        assert polled(witness, fetch).size == sizes[1]
        note = log.checkpoint(sizes[0])
    (tmp_path / "home" / "log" / "checkpoint").write_text(note)
    with pytest.raises(Refused, match="went back"):
        polled(witness, fetch)
    with pytest.raises(SourceFailed, match="cannot be read"):
        polled(witness, fetcher(str(tmp_path / "nothing")))
