"""The anchor: a second place that knows what was signed last, against roll-back and fork."""

import shutil
from pathlib import Path

import pytest

from compliance.anchor import Anchor, AnchorFolder, anchor_place
from compliance.cli.composition import create_store, open_store
from compliance.errors import InputRefused, StoreTampered
from compliance.note import Checkpoint, split_note
from compliance.settings import EvidenceSettings, Settings
from compliance.verify import verify_store
from tests.logs import ORIGIN, Clock, make, observation, reopen
from tests.moto_server import client, moto_server, use_credentials


@pytest.fixture
def place(tmp_path: Path) -> AnchorFolder:
    """A folder that stands for another disk."""
    (tmp_path / "elsewhere").mkdir()
    return AnchorFolder(tmp_path / "elsewhere")


def known_size(place: AnchorFolder) -> int:
    note = place.read(ORIGIN)
    assert note is not None
    return Checkpoint.parse(split_note(note)[0]).size


def test_the_anchor_keeps_the_last_signed_checkpoint(tmp_path: Path, place: AnchorFolder) -> None:
    """What it holds is the checkpoint as published, byte for byte; a grown log replaces it."""
    with make(tmp_path / "home", 3) as log:
        anchor = Anchor(place, log)
        anchor.tell()
        assert place.read(ORIGIN) == log.checkpoint()
        log.append([observation(b"further")])
        anchor.tell()
        assert known_size(place) == 3, "told again within the same second"
        anchor.close()
        assert place.read(ORIGIN) == log.checkpoint()


def test_storage_that_is_behind_is_refused(tmp_path: Path, place: AnchorFolder) -> None:
    """A store restored from an older backup is whole in itself; the anchor tells, and says what to do."""
    with make(tmp_path / "home", 3) as log:
        shutil.copytree(tmp_path / "home", tmp_path / "older")
        log.append([observation(b"lost")])
        Anchor(place, log).tell()
    assert verify_store(tmp_path / "older").ok
    with reopen(tmp_path / "older") as older:
        with pytest.raises(
            StoreTampered, match=r"3 entries, but .* holds a signed checkpoint of 4.* recover"
        ):
            Anchor(place, older).guard()
        with pytest.raises(StoreTampered, match="is behind"):
            Anchor(place, older).tell()
    assert known_size(place) == 4
    found = verify_store(tmp_path / "older", anchor=place)
    assert [problem.what for problem in found.problems] == [
        f"the log has 3 entries, but 4 were signed ({place.named})"
    ]


def test_a_fork_is_refused(tmp_path: Path, place: AnchorFolder) -> None:
    """Of two copies that both go on, the one that the anchor does not know is refused, also when it is longer."""
    make(tmp_path / "home", 3).close()
    shutil.copytree(tmp_path / "home", tmp_path / "twin")
    with reopen(tmp_path / "home") as log:
        log.append([observation(b"this way")])
        Anchor(place, log).tell()
    with reopen(tmp_path / "twin") as twin:
        twin.append([observation(b"that way")])
        twin.append([observation(b"and on")])
        with pytest.raises(StoreTampered, match="a fork of the log that was signed"):
            Anchor(place, twin).guard()
    assert verify_store(tmp_path / "twin").ok
    assert not verify_store(tmp_path / "twin", anchor=place).ok


def test_an_anchor_that_cannot_be_reached_stops_nothing_and_is_told(tmp_path: Path) -> None:
    """Without its disk evidence still comes in; the failure is kept to be shown, and verification says so."""
    missing = AnchorFolder(tmp_path / "unmounted")
    with make(tmp_path / "home", 3) as log:
        anchor = Anchor(missing, log)
        anchor.take_up()
        anchor.tell()
        assert "mount the disk" in str(anchor.failure)
        assert not (tmp_path / "unmounted").exists()
        (tmp_path / "unmounted").mkdir()
        anchor.tell(always=True)
        assert str(anchor.failure) == "None"
    shutil.rmtree(tmp_path / "unmounted")
    assert not verify_store(tmp_path / "home", anchor=missing).ok


@pytest.mark.parametrize("text", ["", "nonsense", "other.example/log\n1\nAAAA\n\n\u2014 x AAAAAAAA\n"])
def test_an_anchor_that_holds_something_else_is_told(tmp_path: Path, place: AnchorFolder, text: str) -> None:
    """What is no checkpoint of this log is refused, and never written over."""
    with make(tmp_path / "home", 1) as log:
        place.write(ORIGIN, text)
        with pytest.raises(StoreTampered, match="hold"):
            Anchor(place, log).tell()
        assert place.read(ORIGIN) == text


def test_an_address_is_a_folder_or_a_bucket() -> None:
    """Another kind of address is refused when the store is opened."""
    with pytest.raises(InputRefused, match=r"neither a folder nor s3://"):
        anchor_place("ftp://example.org/anchor")


def test_a_bucket_can_be_the_anchor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a bucket the note lies under its prefix; a bucket that is not there stops nothing and is told."""
    use_credentials(monkeypatch)
    with moto_server() as url, make(tmp_path / "home", 2) as log:
        missing = Anchor(anchor_place("s3://missing/anchors", endpoint_url=url), log)
        missing.take_up()
        assert "cannot be reached" in str(missing.failure)
        with client("s3", url) as s3:
            s3.create_bucket(Bucket="elsewhere")
        place = anchor_place("s3://elsewhere/anchors/", endpoint_url=url)
        assert place.read(ORIGIN) is None
        anchor = Anchor(place, log)
        anchor.tell()
        assert place.read(ORIGIN) == log.checkpoint()
        place.write(ORIGIN, log.checkpoint().replace("\n2\n", "\n3\n"))
        with pytest.raises(StoreTampered, match="is behind"):
            anchor.guard()


def test_a_store_is_opened_only_where_its_anchor_agrees(tmp_path: Path) -> None:
    """With the anchor configured the store tells it while it works, and refuses to open when it is behind."""
    (tmp_path / "elsewhere").mkdir()
    evidence = EvidenceSettings(origin=ORIGIN, anchor=str(tmp_path / "elsewhere"))
    settings = Settings(home=tmp_path / "home", evidence=evidence)
    create_store(settings, Clock()).close()
    shutil.copytree(tmp_path / "home", tmp_path / "older")
    store = open_store(settings, Clock())
    store.log.append([observation(b"further")])
    store.close()
    assert known_size(AnchorFolder(tmp_path / "elsewhere")) == 3
    with pytest.raises(StoreTampered, match="is behind"):
        open_store(Settings(home=tmp_path / "older", evidence=evidence), Clock())
