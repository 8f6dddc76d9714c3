"""A store to keep, hold, erase and expire content in, with its application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from collectors.deletion_log.collect import DeletionLogCollector
from collectors.registry import READERS
from compliance.answers import Answers
from compliance.canonical import format_time, pseudonym
from compliance.collecting import collect_once
from compliance.derived import DERIVATIONS
from compliance.erasing import erase, keys_of_subject
from compliance.evidence import CollectorName, Observation
from compliance.settings import Settings
from compliance.standing import projections_equal_a_rebuild
from compliance.store import Store
from compliance.verify import verify_store
from web.access import create_token
from web.app import create_app

SECRET = "00112233445566778899aabbccddeeff"
BEGIN = datetime(2026, 11, 23, 12, tzinfo=UTC)
ANN, BOB = "C-1", "C-2"
WHO: dict[str, Any] = {"who": "local:tester", "reason": "asked for it"}
YEAR = timedelta(days=366)


def known_as(key: str) -> str:
    """The pseudonym of a customer's key."""
    return pseudonym(bytes.fromhex(SECRET), key)


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        """Where it stands."""
        return self.now


@dataclass
class Bench:
    """A store with its answers and its application."""

    home: Path
    clock: Clock
    settings: Settings

    def __post_init__(self) -> None:
        self.open(Store.create)

    def open(self, how: Any = Store.open) -> None:
        """Make the store, or open it again."""
        self.store: Store = how(self.settings, readers=READERS, derivations=DERIVATIONS, clock=self.clock)
        self.answers = Answers(self.store)
        self.client = TestClient(create_app(self.store, self.answers))
        made = create_token(self.store, scopes=["ingest", "auditor", "dpo"], created_by="test", source="app")
        self.client.headers["Authorization"] = f"Bearer {made.token}"

    def consent(self, *keys: str, action: str = "granted") -> int:
        """The index of the entry that such a body becomes."""
        events = [
            {"key_space": "customer", "key": key, "purpose": "news", "action": action, "at": format_time(self.clock.now)}
            for key in keys
        ]  # fmt: skip
        answer = self.client.post("/api/v1/consents", json=events)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["entry"])

    def manifest(self, version: str, *keys: str) -> int:
        """The same of a membership manifest."""
        body = "".join(f'"{known_as(key)}"\n' for key in keys)
        url = f"/api/v1/members/lake/customers/{version}?key_space=customer"
        answer = self.client.put(url, content=body, headers={"Content-Type": "application/x-ndjson"})
        assert answer.is_success, answer.text
        return int(answer.json()["entry"])

    def collected(self, body: bytes, kind: str = "aws-kms/1") -> int:
        """The same of what a collector brought."""
        [index] = self.store.log.append([Observation(kind, "kms", CollectorName("test", "1"), body)])
        assert index is not None
        return index

    def received(self, kind: Any, log_size: int | None = None) -> int:
        """How many records of a kind are known."""
        return len(self.answers.facts(self.answers.basis(log_size=log_size)).received(kind))

    def erase(self, *keys: str) -> int:
        """The entry by which subjects were erased."""
        names = [
            name for key in keys for name in keys_of_subject(self.store, "customer", key=key, pseudonym=None)
        ]
        return erase(self.store, names, **WHO).index

    def body(self, index: int) -> bytes | None:
        """The content of an entry."""
        return self.store.log.body(self.store.log.entry(index), index)

    def sound(self) -> Sequence[str]:
        """What the verifier says is gone; the store verifies and equals a rebuild."""
        assert projections_equal_a_rebuild(self.store) == []
        found = verify_store(self.home)
        assert found.ok, found.problems
        return found.gone

    def digest(self, index: int) -> str:
        """The SHA-256 of an entry's payload."""
        payload = self.store.log.entry(index).payload
        assert payload is not None
        return payload.sha256

    def collect_deletions(self, folder: Path) -> int:
        """How many erasures are known after a run over a deletion log in a folder."""
        collector = DeletionLogCollector(
            path=folder, bucket=None, prefix="", endpoint_url=None, clock=self.clock,
            pseudonymise=self.store.key_spaces.pseudonym,
            key_ids={name: ids[0] for name, ids in self.store.key_spaces.key_ids().items()},
        )  # fmt: skip
        collect_once(
            collector, source="gone", log=self.store.log, former=self.store.former_items, clock=self.clock,
            sealed=True,
        )  # fmt: skip
        return self.received("erasure")
