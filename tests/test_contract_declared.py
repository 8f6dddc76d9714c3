"""CONTRACT section 3, what is declared over HTTP: consents, erasures, contracts, purposes, and manifests."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.contract_events import consent, contract, erasure, known_as, manifest
from tests.served import Served, bytes_below, problem, serving

PURPOSE = {"id": "marketing", "lawful_basis": "consent", "controller": "Small Bank"}
GOOD: dict[str, list[dict[str, Any]]] = {
    "/consents": [consent("C-1", "granted", 1), consent("C-2", "withdrawn", 2)],
    "/erasures": [erasure("C-1", 10), erasure("C-2", 11, ["t", "u"])],
    "/contracts": [contract("t", ["service"], retention_days=30, residency=["eu"], key_spaces=["customer"]),
                   contract("u", [], fields=[{"name": "id", "sensitivity": "personal", "key_space": "customer"}])],
    "/purposes": [PURPOSE, {"id": "fraud", "lawful_basis": "legal-obligation", "controller": "B", "retention_days": 9}],
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served store."""
    with serving(tmp_path_factory) as served:
        yield served


# --- the four registers --------------------------------------------------------------------------


@pytest.mark.parametrize("path", GOOD)
def test_a_body_may_be_an_object_an_array_or_lines(store: Served, path: str) -> None:
    """Each of the four takes one object, a JSON array and NDJSON, also gzipped, and answers 2xx with counts."""
    first, second = ({**one, "note": "kept"} for one in GOOD[path])
    lines = f"{json.dumps(first)}\n{json.dumps({**second, 'note': 'other'})}\n"
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/x-ndjson"}
    assert store.sent(path, first)["items"] == 1
    assert store.sent(path, [first, second])["items"] == 2
    assert store.sent(path, gzip.compress(lines.encode()), headers=packed)["items"] == 2


@pytest.mark.parametrize("path", GOOD)
def test_the_same_again_changes_nothing(store: Served, path: str) -> None:
    """Sending the same again, in another packing, is 2xx and appends nothing."""
    items = [{**one, "note": "again"} for one in GOOD[path]]
    store.sent(path, items)
    size = store.size()
    store.sent(path, list(reversed(items)))
    store.sent(path, "\n".join(json.dumps(item) for item in items).encode())
    assert store.size() == size


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("/consents", {"action": "maybe"}, "action"), ("/consents", {"at": "2026-03-02T00:00:00"}, "at"),
        ("/consents", {"pseudonym": "C-1"}, "pseudonym"), ("/consents", {"purpose": None}, "purpose"),
        ("/consents", {"key_space": 7}, "key_space"), ("/erasures", {"completed_at": "2026-03-02T00:00:00"}, "completed_at"),
        ("/erasures", {"requested_at": None}, "requested_at"), ("/erasures", {"datasets": [{"name": "x"}]}, "datasets/0/namespace"),
        ("/erasures", {"datasets": "some"}, "datasets"), ("/contracts", {"valid_from": "2026-03-02T00:00:00"}, "valid_from"),
        ("/contracts", {"permitted_purposes": "all"}, "permitted_purposes"), ("/contracts", {"name": ""}, "name"),
        ("/contracts", {"retention_days": "long"}, "retention_days"), ("/contracts", {"fields": [{"sensitivity": "x"}]}, "fields/0/name"),
        ("/purposes", {"lawful_basis": "because"}, "lawful_basis"), ("/purposes", {"controller": None}, "controller"),
        ("/purposes", {"valid_from": "2026-03-02T00:00:00"}, "valid_from"), ("/purposes", {"id": None}, "id"),
    ],
)  # fmt: skip
def test_one_wrong_item_refuses_the_body_by_its_field(
    store: Served, path: str, change: dict[str, Any], field: str
) -> None:
    """A wrong third item gets 4xx problem details naming the field, and nothing of the body is applied."""
    size, fresh = store.size(), [{**one, "note": field} for one in GOOD[path]]
    wrong = {name: value for name, value in {**GOOD[path][0], **change}.items() if value is not None}
    assert problem(store.post(path, [*fresh, wrong]), 422, f"/2/{field}")
    lines = "\n".join(json.dumps(one) for one in [*fresh, wrong])
    answer = store.post(path, lines.encode())
    assert problem(answer, 422)
    assert "line 3" in answer.json()["field"]
    assert store.size() == size


def test_a_lookup_after_a_refusal_knows_nothing_of_it(store: Served) -> None:
    """Half of a refused body is not applied: the good item before the bad one is sent later as new."""
    fresh = consent("C-half", "granted", 77)
    problem(store.post("/consents", [fresh, {**fresh, "action": "x"}]), 422, "/1/action")
    size = store.size()
    store.sent("/consents", fresh)
    assert store.size() == size + 1


# --- manifests -----------------------------------------------------------------------------------


def put(
    store: Served,
    name: str,
    body: bytes,
    query: str = "key_space=customer",
    version: str = "1",
    **request: Any,
) -> Any:
    """PUT a manifest of a version of a dataset in ``lake``."""
    path = f"/api/v1/members/lake/{quote(name, safe='')}/{quote(version, safe='')}?{query}"
    return store.ask("PUT", path, content=body, **request)


def holders(store: Served, key: str) -> set[tuple[str, str]]:
    """Names and versions of the datasets that are confirmed to contain a key."""
    answer = store.usage(key)
    return {(one["name"], one["version"]) for one in answer["datasets"] if one["certainty"] == "confirmed"}


def test_parquet_of_both_encodings_and_lines_say_the_same(store: Served) -> None:
    """A manifest is Parquet with one column pseudonym, fixed 16 bytes or 32 hex digits, or NDJSON."""
    digits = [known_as("C-pq-1"), known_as("C-pq-2")]
    columns = {
        "binary": pa.array([bytes.fromhex(one) for one in digits], pa.binary(16)),
        "text": pa.array(digits, pa.string()),
    }
    for name, column in columns.items():
        packed = io.BytesIO()
        parquet.write_table(pa.table({"pseudonym": column}), packed)
        assert put(store, f"parquet-{name}", packed.getvalue()).is_success
    assert put(store, "lines", manifest("C-pq-1", "C-pq-2")).is_success
    gzipped = put(store, "gzipped", gzip.compress(manifest("C-pq-1")), headers={"Content-Encoding": "gzip"})
    assert gzipped.is_success
    assert holders(store, "C-pq-1") == {
        (n, "1") for n in ("parquet-binary", "parquet-text", "lines", "gzipped")
    }
    assert holders(store, "C-pq-3") == set()


@pytest.mark.parametrize("name", ["a/b", "with space", "größe-表", "n" * 2000, "50%", "a?b#c", "a\r\nb"])
def test_a_manifest_of_any_name_is_found_under_it(store: Served, name: str) -> None:
    """Names percent-encoded in the path are taken as they are, whatever they hold."""
    key = f"C-name-{name[:5]}"
    answer = put(store, name, manifest(key), version=f"v/{name}")
    assert answer.is_success, answer.text
    assert holders(store, key) == {(name, f"v/{name}")}


def test_a_manifest_sent_again_changes_nothing_and_a_later_version_is_exact(store: Served) -> None:
    """The same manifest again appends nothing; kept as a difference, the next version is as exact as the first."""
    keys = [f"C-diff-{number}" for number in range(50)]
    assert put(store, "diff", manifest(*keys), version="1").is_success
    size = store.size()
    assert put(store, "diff", manifest(*reversed(keys)), version="1").is_success
    assert store.size() == size
    assert put(store, "diff", manifest(*keys[1:], "C-diff-new"), version="2").is_success
    assert holders(store, keys[0]) == {("diff", "1")}
    assert holders(store, keys[1]) == {("diff", "1"), ("diff", "2")}
    assert holders(store, "C-diff-new") == {("diff", "2")}


def test_a_partial_manifest_confirms_but_never_excludes(store: Served) -> None:
    """With completeness=partial a member is confirmed, and of another nobody says that it is not in there."""
    store.sent("/contracts", contract("part", ["service"], key_spaces=["customer"]))
    assert put(store, "part", manifest("C-in"), "key_space=customer&completeness=partial").is_success
    assert holders(store, "C-in") >= {("part", "1")}
    assert put(store, "part", manifest("C-in"), "key_space=customer&completeness=some").status_code == 422


def test_the_members_command_sends_pseudonyms_alone(store: Served) -> None:
    """``muniment members`` makes a manifest from a CSV file on the client's side and posts it; keys never travel."""
    file = store.command.folder / "customers.csv"
    file.write_text("id,name\nC-csv-1,Ann\nC-csv-2,Bob\n", encoding="utf-8")
    token = store.command.folder / "token.txt"
    token.write_text(store.token(), encoding="utf-8")
    store.command.ok(
        "members", "lake", "from csv", "2026/03", "--key-space", "customer", "--key-column", "id", "customers.csv",
        "--url", store.url, "--token-file", "token.txt",
    )  # fmt: skip
    assert holders(store, "C-csv-1") == {("from csv", "2026/03")}
    assert not any(b"C-csv-1" in content for _, content in bytes_below(store.home))


@pytest.mark.parametrize(
    "body",
    [
        b'"C-100"\n', b'"' + b"0" * 31 + b'"\n', b"0" * 32, b"{}", b"[]", b'"' + b"g" * 32 + b'"', b"PAR1 no parquet",
        b'"' + b"0" * 32 + b'"\n"x"\n',
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_read_is_refused_without_repeating_it(store: Served, body: bytes) -> None:
    """A wrong line is 4xx with problem details; what stood there may be a raw key, so it is not repeated."""
    size = store.size()
    answer = put(store, "wrong", body)
    problem(answer, 422)
    assert "C-100" not in answer.text
    assert store.size() == size


def test_parquet_of_another_shape_is_refused(store: Served) -> None:
    """Parquet without the column, or with pseudonyms of another width, is refused."""
    size = store.size()
    for column, name in (
        (pa.array([b"\0" * 15], pa.binary(15)), "pseudonym"),
        (pa.array(["0" * 32]), "id"),
        (pa.array([1]), "pseudonym"),
    ):
        packed = io.BytesIO()
        parquet.write_table(pa.table({name: column}), packed)
        problem(put(store, "wrong", packed.getvalue()), 422)
    assert store.size() == size


def test_a_manifest_needs_a_key_space_that_is_known(store: Served) -> None:
    """Without key_space, or with one that is not configured and no key id, it is refused by that name."""
    problem(put(store, "t", manifest("C-1"), ""), 422, "key_space")
    problem(put(store, "t", manifest("C-1"), "key_space=starship"), 422, "key_space")
    problem(store.ask("PUT", "/api/v1/members/lake/t?key_space=customer", content=manifest("C-1")), 422)


def test_a_time_in_the_registers_may_bear_any_zone(store: Served) -> None:
    """Times are RFC 3339 with a zone, of which Z is one; T and Z may be small, and digits of a second many."""
    for right in ("2026-03-02T01:01:00+01:00", "2026-03-02t00:01:00z", "2026-03-02T00:01:00.123456789-05:30"):
        store.sent("/consents", {**consent("C-zone", "granted", 1), "at": right})
    for wrong in (
        "2026-03-02",
        "2026-03-02 00:01:00",
        "2026-03-02T00:01:00.5",
        "1772409660",
        "2026-13-02T00:00:00Z",
        5,
    ):
        problem(store.post("/consents", {**consent("C-zone", "granted", 1), "at": wrong}), 422, "/at")
