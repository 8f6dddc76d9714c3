"""Chain of custody: what an entry says of how each piece of evidence came."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from compliance.collecting import _item
from compliance.evidence import Item, Response
from tests.logs import START

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
RESPONSE = Response(
    scope="123456789012", request={"service": "iam", "operation": "GetCredentialReport", "parameters": {}, "region": "us-east-1"},
    status=200, body=b"report", caller="arn:aws:iam::123456789012:role/reader", received_at=START, source_time=AT,
    redactions=("/secret",),
)  # fmt: skip


def test_an_item_names_request_caller_times_and_bytes() -> None:
    """Exact request, caller, source time and receipt, digest of the bytes as received, and what was taken out."""
    said = _item(RESPONSE, 0).as_json()
    assert said["request"] == {
        "service": "iam", "operation": "GetCredentialReport", "parameters": {}, "region": "us-east-1",
    }  # fmt: skip
    assert (said["caller"], said["status"], said["size"]) == (RESPONSE.caller, 200, 6)
    assert (said["observed_at"], said["received_at"]) == ("2026-11-20T08:00:00Z", "2026-11-23T12:00:00Z")
    assert said["redactions"] == ["/secret"]
    assert Item.from_json(said) == _item(RESPONSE, 0)


def test_a_source_without_a_time_of_its_own_is_dated_by_the_receipt() -> None:
    """Where there is one time alone it is stated once, and entries written before say the same."""
    said = _item(replace(RESPONSE, source_time=None, received_at=START + timedelta(seconds=1)), 0).as_json()
    assert said["observed_at"] == "2026-11-23T12:00:01Z"
    assert "received_at" not in said
    assert Item.from_json(said).received_at is None
