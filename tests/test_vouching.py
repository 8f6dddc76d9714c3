"""What others vouch for is shown where answers are: pages, reports, and the log over HTTP."""

from pathlib import Path

from compliance.log import EvidenceLog
from compliance.verify import OWN_KEY
from compliance.vouching import who_vouches
from compliance.witnessing import submit
from tests.logs import Clock, make
from tests.vouchers import WITNESS, serving_witness
from tests.web_world import web_world


def test_the_log_over_http_hands_out_what_others_vouch_for(tmp_path: Path) -> None:
    """Cosigned checkpoints, time-stamps and their keys are listed and served to an auditor, and nothing else is."""
    home = tmp_path / "store"
    with (
        web_world(home) as world,
        serving_witness(tmp_path / "w", world.store.log.vkey, clock=Clock()) as (url, witness, _),
    ):
        headers = world.bearer("auditor")
        assert world.client.get("/log/vouched", headers=headers).json() == {
            "cosigned": [],
            "witnesses": [],
            "stamped": [],
        }
        size = world.store.log.size
        folder = world.store.settings.home / "log"
        assert who_vouches(world.store.log, folder, size) == OWN_KEY
        submit(world.store.log, folder, url=url, vkey=witness.vkey)
        assert world.client.get("/log/vouched", headers=headers).json()["cosigned"] == [size]
        served = world.client.get(f"/log/cosigned/{size}", headers=headers)
        assert f"\u2014 {WITNESS} " in served.text
        assert world.client.get("/log/witnesses", headers=headers).text == f"{witness.vkey}\n"
        for path in ("cosigned/999", "stamped/1.note", "cosigned/../head.db", "vouching.lock"):
            assert world.client.get(f"/log/{path}", headers=headers).status_code == 404
        assert world.client.get(f"/log/cosigned/{size}").status_code == 401
        assert who_vouches(world.store.log, folder, size).startswith(
            f"vouched for up to entry {size - 1} by witness {WITNESS}"
        )


def test_who_vouches_needs_no_key(tmp_path: Path) -> None:
    """A reader without the store's keys is told the same."""
    home = tmp_path / "home"
    with make(home, 3) as log, serving_witness(tmp_path / "w", log.vkey) as (url, witness, _):
        submit(log, home / "log", url=url, vkey=witness.vkey)
        said = who_vouches(log, home / "log", 3)
    with EvidenceLog.open(home, clock=Clock(), read_only=True) as log:
        assert who_vouches(log, home / "log", 3) == said != OWN_KEY
