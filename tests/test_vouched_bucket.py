"""Outsiders check a log in a bucket as they check one in a folder: witness, rotation, bundle."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from compliance.bucket import Bucket
from compliance.bundle import verify_bundle, write_bundle
from compliance.log import EvidenceLog
from compliance.place import BucketPlace
from compliance.settings import EvidenceSettings, Settings
from compliance.verifying import verify_configured
from compliance.vouched import vouched_sizes
from compliance.witnessing import submit
from tests.logs import ORIGIN, Clock, observation
from tests.moto_server import client, moto_server, use_credentials
from tests.test_bundle import by_script
from tests.test_rotation import rotate
from tests.vouchers import WITNESS, serving_witness


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    use_credentials(monkeypatch)
    with moto_server() as url, client("s3", url) as s3:
        name = f"b{uuid4().hex[:12]}"
        s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        made = Bucket(name, endpoint_url=url)
        yield made
        made.close()


def test_witness_rotation_and_bundle_of_a_log_in_a_bucket(bucket: Bucket, tmp_path: Path) -> None:
    """Cosignatures, former keys and bundles verify where payloads and tiles lie under Object Lock."""
    home, out, clock = tmp_path / "home", tmp_path / "out", Clock()
    place = BucketPlace(Bucket(bucket.name, endpoint_url=bucket.endpoint_url), clock)
    with (
        EvidenceLog.create(home, origin=ORIGIN, clock=clock, place=place) as log,
        serving_witness(tmp_path / "w", log.vkey) as (url, witness, _),
    ):
        log.append([observation(b"large " * 2000), observation(b"small")])
        clock.move(seconds=5)
        first = log.vkey
        rotate(log, home)
        clock.move(seconds=5)
        witness.trust(log.vkey)
        submit(log, home / "log", url=url, vkey=witness.vkey)
        log.append([observation(b"later")])
        write_bundle(log, home / "log", out, indexes=range(log.size), size=log.size, selection={})
    assert vouched_sizes(home / "log") != []
    for key in (None, first):
        assert verify_bundle(out, vkey=key).problems == ()
    done = by_script(out, first)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"vouched for by witness {WITNESS}" in done.stdout
    settings = Settings(
        home=home, evidence=EvidenceSettings(bucket=bucket.name, endpoint_url=bucket.endpoint_url)
    )
    found = verify_configured(settings, vkey=first)
    assert found.problems == ()
    assert found.vouched_by.startswith("vouched for up to entry")
