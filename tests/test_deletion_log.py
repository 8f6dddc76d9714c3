from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.deletion_log.collect import DeletionLogCollector
from collectors.deletion_log.lines import LINES_AT_MOST, MAX_LINE_BYTES, chunks, numbered, split_lines
from collectors.deletion_log.read import READER
from compliance.canonical import pseudonym
from compliance.errors import InputRefused, NotFound
from compliance.facts import Defect, Reading, Received
from tests.collecting import NOON, Clock, Ran, read, run
from tests.moto_server import client, moto_server, real_denials, reset, use_credentials, user_with

KIND = "deletion-log/1"
SECRET = b"0123456789abcdef"
ALICE = "alice@example.com"


def pseudonymise(key_space: str, key: str) -> str:
    if key_space != "customer":
        raise NotFound(f"The key space {key_space!r} is not configured.")
    return pseudonym(SECRET, key)


def erasure(**changes: Any) -> dict[str, Any]:
    entry = {
        "key_space": "customer", "key": ALICE, "datasets": "*", "requested_at": "2026-11-01T00:00:00Z",
        "completed_at": "2026-11-02T00:00:00Z", "method": "delete", "request_id": "dsr-1",
    }  # fmt: skip
    return {name: value for name, value in (entry | changes).items() if value is not None}


def lines(*entries: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(entry).encode() + b"\n" for entry in entries)


def collector(path: Path | None = None, **options: Any) -> DeletionLogCollector:
    return DeletionLogCollector(path=path, pseudonymise=pseudonymise, clock=Clock(), **options)


def received(ran: Ran) -> list[dict[str, Any]]:
    return [dict(r.value) for r in readings(ran) if isinstance(r, Received)]


def readings(ran: Ran) -> list[Reading]:
    return read(READER, KIND, ran.responses)


# --- keys --------------------------------------------------------------------------------------


def test_a_raw_key_never_leaves_the_collector(tmp_path: Path) -> None:
    """The key is replaced by its pseudonym before anything is yielded, and that it was is stated."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure()))
    ran = run(collector(tmp_path))
    assert ALICE not in repr(ran)
    (response,) = ran.responses
    assert response.redactions == ("key replaced by its pseudonym on 1 lines",)
    (entry,) = received(ran)
    assert entry == erasure(key=None, pseudonym=pseudonym(SECRET, ALICE))


def test_a_key_inside_other_texts_goes_too(tmp_path: Path) -> None:
    """A request id or note that repeats the key does not smuggle it into the evidence."""
    entry = erasure(request_id=f"dsr for {ALICE.upper()}", note={"who": [ALICE]}, **{f"about {ALICE}": 1})
    (tmp_path / "a.jsonl").write_bytes(lines(entry))
    ran = run(collector(tmp_path))
    assert ALICE.lower() not in repr(ran).lower()
    assert received(ran)[0]["request_id"] == "dsr for [redacted]"
    assert ran.coverages[0].complete


def test_a_short_key_goes_where_it_is_the_whole_text(tmp_path: Path) -> None:
    """A short key may be part of any number or time, and goes only where nothing else stands."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure(key="11", request_id="11", method="rule 11")))
    (entry,) = received(run(collector(tmp_path)))
    assert (entry["request_id"], entry["method"]) == ("[redacted]", "rule 11")
    assert entry["completed_at"] == "2026-11-02T00:00:00Z"


def test_a_key_that_is_part_of_what_was_erased_withholds_the_line(tmp_path: Path) -> None:
    """Taking a key out never changes which datasets an erasure covers."""
    datasets = [{"namespace": "shop", "name": "orders_eu"}]
    (tmp_path / "a.jsonl").write_bytes(lines(erasure(key="orders", datasets=datasets)))
    ran = run(collector(tmp_path))
    assert received(ran) == []
    assert not ran.coverages[0].complete


def test_a_line_that_names_a_pseudonym_is_kept_byte_for_byte(tmp_path: Path) -> None:
    """Where there is nothing to replace, the line's own bytes are the evidence, spaces and unknown fields included."""
    line = (
        json.dumps(erasure(key=None, pseudonym="0" * 32, extra=[1.50]), indent=None)
        .replace(": ", " :  ")
        .encode()
    )
    (tmp_path / "a.jsonl").write_bytes(line + b"\n")
    (response,) = run(collector(tmp_path)).responses
    assert response.body == line + b"\n"
    assert response.redactions == ()


def test_an_entry_speaks_under_the_key_that_was_current(tmp_path: Path) -> None:
    """An entry that names no key id has that of its key space's current secret; one that does keeps its own."""
    old = erasure(key=None, pseudonym="0" * 32, key_id="0123456789abcdef")
    (tmp_path / "a.jsonl").write_bytes(lines(erasure(), old))
    ran = run(collector(tmp_path, key_ids={"customer": "fedcba9876543210"}))
    assert [entry["key_id"] for entry in received(ran)] == ["fedcba9876543210", "0123456789abcdef"]


@given(st.text(min_size=6).filter(lambda key: key.strip() and "\\" not in json.dumps(key)))
def test_no_key_is_ever_stored(key: str) -> None:
    """Whatever the key is, no stored byte shows it, in a line that is taken or one that is withheld."""
    line = json.dumps(erasure(key=key, note=f"erased {key}"), ensure_ascii=False).encode()
    for broken in (line, line[:-1], line.replace(b"customer", b"unknown")):
        for chunk in chunks([broken], pseudonymise):
            assert key.encode() not in chunk.body.replace(b"[redacted]", b"")


# --- lines that cannot be read -----------------------------------------------------------------

BAD = {
    "no JSON": b'{"key": "alice@example.com", ',
    "no object": b'["alice@example.com"]',
    "two documents": lines(erasure()).strip() * 2,
    "a key twice": b'{"key": "alice@example.com", "key": "x"}',
    "no key space": lines(erasure(key_space=None)).strip(),
    "a foreign key space": lines(erasure(key_space="card")).strip(),
    "no name of the record": lines(erasure(key=None)).strip(),
    "key and pseudonym": lines(erasure(pseudonym="0" * 32)).strip(),
    "a time without zone": lines(erasure(completed_at="2026-11-02T00:00:00")).strip(),
    "no time": lines(erasure(completed_at=None)).strip(),
    "no datasets": lines(erasure(datasets=None)).strip(),
    "a pseudonym of another form": lines(erasure(key=None, pseudonym="alice@example.com")).strip(),
    "no UTF-8": b'{"key": "alice@example.com\xff"}',
    "too long": json.dumps(erasure(note="x" * MAX_LINE_BYTES)).encode(),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_line_that_cannot_be_read_is_named_by_number_only(tmp_path: Path, bad: bytes) -> None:
    """Good lines count, the bad one is withheld whole, and the log was not seen whole."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure()) + bad + b"\n" + lines(erasure(request_id="dsr-2")))
    ran = run(collector(tmp_path))
    (coverage,) = ran.coverages
    assert (coverage.complete, coverage.got) == (False, 2)
    assert coverage.detail == "a.jsonl: line 2 cannot be read as an erasure"
    assert ALICE not in repr(ran)
    assert [entry["request_id"] for entry in received(ran)] == ["dsr-1", "dsr-2"]
    assert "withheld: line 2" in ran.responses[0].redactions


def test_lines_keep_their_numbers(tmp_path: Path) -> None:
    """Empty and withheld lines stand empty in the evidence, so that the others keep their place."""
    (tmp_path / "a.jsonl").write_bytes(b"\n{\n" + lines(erasure()))
    (response,) = run(collector(tmp_path)).responses
    assert response.body.split(b"\n")[:2] == [b"", b""]
    assert len(response.body.split(b"\n")) == 4


def test_an_erasure_before_its_request_is_taken_and_listed(tmp_path: Path) -> None:
    """What is odd but readable is a record and a defect that names the line."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure(requested_at="2026-11-03T00:00:00Z")))
    said = readings(run(collector(tmp_path)))
    assert [type(reading) for reading in said] == [Received, Defect]
    assert isinstance(said[1], Defect)
    assert said[1].what == "line 1: completed_at lies before requested_at"


def test_an_erasure_counts_from_its_completion(tmp_path: Path) -> None:
    """Its instant is when it was completed; one far ahead of its receipt counts as the receipt."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure(), erasure(completed_at="2027-01-01T00:00:00Z")))
    done, ahead, defect = readings(run(collector(tmp_path)))
    assert isinstance(done, Received)
    assert isinstance(ahead, Received)
    assert isinstance(defect, Defect)
    assert (done.instant.day, ahead.instant.date()) == (2, NOON.date())
    assert (done.kind, done.source, done.evidence) == ("erasure", "src", "7/0")


# --- files -------------------------------------------------------------------------------------


def test_every_file_of_the_folder_is_read(tmp_path: Path) -> None:
    """Subfolders too, in a stable order; hidden files and other suffixes are no part of the log."""
    for name in ("b.ndjson", "a.jsonl", "2026/c.json", ".hidden.jsonl", ".git/d.jsonl", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(lines(erasure(request_id=name)))
    ran = run(collector(tmp_path))
    assert [r.request["file"] for r in ran.responses] == ["2026/c.json", "a.jsonl", "b.ndjson"]
    (coverage,) = ran.coverages
    assert (coverage.scope, coverage.facts, coverage.complete, coverage.got) == (
        "deletion-log",
        ("erasure",),
        True,
        3,
    )


def test_a_single_file_is_a_log(tmp_path: Path) -> None:
    """The path may name one file."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure()))
    assert len(received(run(collector(tmp_path / "a.jsonl")))) == 1


def test_an_empty_folder_is_known_to_be_empty(tmp_path: Path) -> None:
    """Nothing was erased, by a folder that could be listed."""
    (coverage,) = run(collector(tmp_path)).coverages
    assert (coverage.complete, coverage.got) == (True, 0)


def test_a_folder_that_is_not_there_is_not_empty(tmp_path: Path) -> None:
    """A missing folder leaves the log unseen."""
    (coverage,) = run(collector(tmp_path / "gone")).coverages
    assert not coverage.complete
    assert coverage.detail == "file:list absent (404)"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_listed_is_not_empty(tmp_path: Path) -> None:
    """A subfolder without the right to list it leaves the log unseen, not empty."""
    (tmp_path / "closed").mkdir(mode=0o000)
    (coverage,) = run(collector(tmp_path)).coverages
    assert coverage.denied == ("file:list denied (403)",)


def test_a_folder_that_fails_while_listed_is_not_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error of the file system below the folder is not skipped over."""
    (tmp_path / "sub").mkdir()
    real = os.scandir

    def failing(path: Any) -> Any:
        if str(path).endswith("sub"):
            raise PermissionError(13, "denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", failing)
    (coverage,) = run(collector(tmp_path)).coverages
    assert coverage.denied == ("file:list denied (403)",)


def test_a_compressed_file_is_not_passed_over(tmp_path: Path) -> None:
    """It is not unpacked; that it could not be read is said."""
    (tmp_path / "a.jsonl.gz").write_bytes(b"\x1f\x8b\x08\x00rest")
    assert not run(collector(tmp_path)).coverages[0].complete


def test_a_growing_file_changes_only_its_last_chunk(tmp_path: Path) -> None:
    """A log that is appended to is stored again from its last full chunk on, not whole."""
    many = lines(*(erasure(request_id=f"dsr-{n}") for n in range(LINES_AT_MOST + 5)))
    (tmp_path / "a.jsonl").write_bytes(many)
    first = run(collector(tmp_path))
    (tmp_path / "a.jsonl").write_bytes(many + lines(erasure(request_id="last")))
    second = run(collector(tmp_path))
    assert [r.request["first_line"] for r in first.responses] == [1, LINES_AT_MOST + 1]
    marks = [[r.unchanged_as() for r in ran.responses] for ran in (first, second)]
    assert marks[0][0] == marks[1][0]
    assert marks[0][1] != marks[1][1]
    assert second.coverages[0].got == LINES_AT_MOST + 6


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7))
def test_lines_do_not_depend_on_how_the_bytes_arrive(parts: list[bytes], size: int) -> None:
    """However a stream is cut into parts, its lines are those of the whole."""
    whole = b"\n".join(parts)
    cut = [whole[start : start + size] for start in range(0, len(whole), size)]
    assert list(split_lines(cut)) == list(split_lines([whole]))
    assert b"\n".join(line or b"" for line in split_lines([whole])) == whole.removesuffix(b"\n")


def test_a_line_longer_than_a_line_may_be_is_never_held_whole() -> None:
    """Bytes beyond the limit are dropped as they come; the next line is read."""
    stream = [b"x" * 1000] * 100 + [b"x\nnext"]
    assert list(split_lines(stream)) == [None, b"next"]


def test_many_bad_lines_are_counted() -> None:
    """Twenty are named, the rest counted."""
    assert numbered([4]) == "line 4"
    assert numbered(list(range(1, 31))).endswith("19, 20 and 10 more")


def test_a_log_has_one_place() -> None:
    """Path or bucket, one of them."""
    with pytest.raises(InputRefused, match="either path or bucket"):
        collector()
    with pytest.raises(InputRefused, match="either path or bucket"):
        collector(Path("x"), bucket="b")


# --- in a bucket -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with moto_server() as url:
        yield url


@pytest.fixture
def moto(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    use_credentials(monkeypatch)
    reset(server)
    with client("s3", server) as s3:
        s3.create_bucket(Bucket="deletions")
        s3.put_object(Bucket="deletions", Key="log/a.jsonl", Body=lines(erasure()))
        s3.put_object(Bucket="deletions", Key="other/b.jsonl", Body=lines(erasure()))
    return server


def test_a_bucket_is_read_below_its_prefix(moto: str) -> None:
    """Objects below the prefix are the log."""
    ran = run(collector(bucket="deletions", prefix="log/", endpoint_url=moto))
    assert [r.request["file"] for r in ran.responses] == ["log/a.jsonl"]
    assert ran.coverages[0].complete
    assert ALICE not in repr(ran)


def test_a_denied_bucket_is_not_empty(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to list, or to read an object, the log was not seen whole."""
    lister = user_with(moto, "lister", "s3:ListBucket")
    use_credentials(monkeypatch, user_with(moto, "blind", "sts:GetCallerIdentity"))
    with real_denials(moto):
        (blind,) = run(collector(bucket="deletions", endpoint_url=moto)).coverages
        use_credentials(monkeypatch, lister)
        (half,) = run(collector(bucket="deletions", prefix="log/", endpoint_url=moto)).coverages
        access = collector(bucket="deletions", endpoint_url=moto).check()
    assert blind.denied == ("s3:ListObjectsV2 denied (403)",)
    assert half.denied == ("s3:GetObject log/a.jsonl denied (403)",)
    assert not blind.complete
    assert not half.complete
    assert [(a.permitted, a.request) for a in access] == [(False, "s3:GetObject log/a.jsonl")]


def test_a_bucket_that_is_not_there_is_not_empty(moto: str) -> None:
    """A missing bucket leaves the log unseen."""
    (coverage,) = run(collector(bucket="gone", endpoint_url=moto)).coverages
    assert coverage.detail == "s3:ListObjectsV2 absent (404)"


def test_check_tells_whether_the_log_can_be_read(tmp_path: Path) -> None:
    """The folder is listed and its first file opened."""
    (tmp_path / "a.jsonl").write_bytes(lines(erasure()))
    assert [(a.permitted, a.detail) for a in collector(tmp_path).check()] == [(True, "1 files")]
    assert [a.permitted for a in collector(tmp_path / "gone").check()] == [False]
