"""RFC 3161 time-stamps of checkpoints, with ``openssl ts`` as the authority."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.errors import InputRefused, SourceFailed, StoreTampered
from compliance.note import Verifier
from compliance.settings import EvidenceSettings
from compliance.timestamps import all_stamps, is_due, read_certificates, stamp, stamps
from compliance.vouched import vouched_by, vouched_for
from compliance.vouching import vouch
from tests.logs import make, observation
from tests.vouchers import make_authority, serving_authority

AN_HOUR = timedelta(hours=1)


def test_a_checkpoint_is_stamped_and_openssl_agrees(tmp_path: Path) -> None:
    """A stamp is verified, kept, and verifies with ``openssl ts -verify`` by the files that lie there."""
    folder = tmp_path / "home" / "log"
    with make(tmp_path / "home", 3) as log, serving_authority(tmp_path / "tsa") as (url, root):
        taken = stamp(log.checkpoint(), folder, url=url, roots=read_certificates(root))
        verifier, size, tree = Verifier.parse(log.vkey), log.size, log.root
        assert (taken.checkpoint.size, taken.authority) == (3, "CN=Test time-stamp authority")
        assert stamps(folder, size, verifier) == list(all_stamps(folder, verifier)) == [taken]
        said = vouched_by(vouched_for(folder, 3, verifier, tree), 3)
        assert said.startswith(
            "vouched for up to entry 2 by time-stamp authority CN=Test time-stamp authority (20"
        )
    (response,) = folder.glob("stamped/*.tsr")
    subprocess.run(
        ["openssl", "ts", "-verify", "-data", folder / "stamped" / "3.note", "-in", response, "-CAfile", root],
        check=True, capture_output=True,
    )  # fmt: skip


def test_a_stamp_is_taken_once_an_interval_and_when_the_log_grew(tmp_path: Path) -> None:
    """Neither a log that stands still nor one that was stamped within the interval is stamped again."""
    folder = tmp_path / "home" / "log"
    with make(tmp_path / "home", 3) as log, serving_authority(tmp_path / "tsa") as (url, root):
        values = {"time_stamps": {"url": url, "root_file": str(root), "every": "1h"}}
        asked = EvidenceSettings.model_validate(values)
        assert len(vouch(log, folder, asked, log._clock())) == 1
        (newest,) = stamps(folder, 3, Verifier.parse(log.vkey))
        later = newest.at + AN_HOUR
        assert vouch(log, folder, asked, later) == []
        log.append([observation(b"more")])
        assert vouch(log, folder, asked, later - timedelta(seconds=1)) == []
        assert len(vouch(log, folder, asked, later)) == 1
        assert is_due(newest, 4, AN_HOUR, later)


def test_what_does_not_verify_is_not_kept(tmp_path: Path) -> None:
    """A stamp under another root, or no stamp at all, is a failure of the authority and leaves nothing."""
    folder = tmp_path / "home" / "log"
    other = make_authority(tmp_path / "other", "Somebody else")
    with (
        make(tmp_path / "home", 1) as log,
        serving_authority(tmp_path / "tsa") as (url, _),
        pytest.raises(SourceFailed, match="no good stamp"),
    ):
        stamp(log.checkpoint(), folder, url=url, roots=read_certificates(other))
    assert not (folder / "stamped").exists()
    with pytest.raises(InputRefused, match="PEM"):
        read_certificates(tmp_path / "other" / "serial")


def test_no_byte_kept_of_a_stamp_changes_unnoticed(tmp_path: Path) -> None:
    """Changed bytes of what was stamped, of the response, or of the certificates are told."""
    folder = tmp_path / "home" / "log"
    with make(tmp_path / "home", 1) as log, serving_authority(tmp_path / "tsa") as (url, root):
        stamp(log.checkpoint(), folder, url=url, roots=read_certificates(root))
        verifier = Verifier.parse(log.vkey)
    for path in sorted((folder / "stamped").iterdir()):
        right = path.read_bytes()
        for at in range(0, len(right), 7):
            path.write_bytes(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :])
            assert any(isinstance(one, StoreTampered) for one in all_stamps(folder, verifier)), (
                path.name,
                at,
            )
        path.write_bytes(right)
    assert len(list(all_stamps(folder, verifier))) == 1
