"""The control library as shipped, and an organisation in which every control of it is effective."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from collectors.registry import READERS
from compliance.derived import DERIVATIONS
from compliance.facts import Fact, FactSchema, ScopeState
from compliance.library import Library, load_library
from tests.derived_parts import ANN, BOB, CAM, EVERYTHING, LAKE, Book, ago
from tests.fact_base import AT, MemoryFacts, seen, whole
from tests.sound_privacy import LISTED as LISTED_OF_PRIVACY
from tests.sound_privacy import RESOURCES as RESOURCES_OF_PRIVACY
from tests.sound_security import LISTED as LISTED_OF_SECURITY
from tests.sound_security import RESOURCES as RESOURCES_OF_SECURITY

CONTROLS = Path(__file__).resolve().parents[1] / "controls"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role"
LISTED = (
    "iam_account",
    "iam_user",
    "iam_role",
    "kms_key",
    "model_version",
    *LISTED_OF_PRIVACY,
    *LISTED_OF_SECURITY,
)


def schemas() -> dict[str, FactSchema]:
    """The schema of every base and derived fact."""
    base = {schema.name: schema for reader in READERS for schema in reader.schemas}
    return base | {name: derivation.schema for name, derivation in DERIVATIONS.items()}


@cache
def shipped() -> Library:
    """The library that is shipped. Raises LibraryInvalid where an example comes out otherwise than it says."""
    files = {
        path.relative_to(CONTROLS).as_posix(): path.read_text() for path in sorted(CONTROLS.rglob("*.yaml"))
    }
    return load_library(files, schemas())


@dataclass
class Organisation:
    """Resources by type and name, records in a book: everything in order until a test breaks it."""

    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    scopes: list[ScopeState] = field(default_factory=lambda: [whole(type_) for type_ in LISTED])
    sources: list[Any] = field(default_factory=lambda: [EVERYTHING])

    def set(self, type_: str, resource: str, **changes: Any) -> None:
        """Change fields of one resource, or add one like the first of its type."""
        like = next(value for (kind, _), value in self.resources.items() if kind == type_)
        self.resources[type_, resource] = dict(self.resources.get((type_, resource), like)) | changes

    def base(self) -> MemoryFacts:
        """The organisation as a fact base."""
        facts = [seen(type_, name, value) for (type_, name), value in self.resources.items()]
        return self.book.base(facts=facts, scopes=self.scopes, sources=self.sources)

    def facts(self) -> list[Fact]:
        """Its collected facts."""
        return list(self.base().given)


USER, KEY, MODEL = (
    f"arn:aws:iam::{ACCOUNT}:user/ann",
    f"arn:aws:kms:eu-central-1:{ACCOUNT}:key/k1",
    "scorer/3",
)
RESOURCES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("iam_account", ACCOUNT): {
        "account": ACCOUNT, "users": 1, "root_mfa": True, "root_access_keys": 0, "password_min_length": 14,
        "password_reuse_prevention": 5, "password_max_age_days": None,
    },
    ("iam_user", USER): {
        "name": "ann", "account": ACCOUNT, "created": ago(400), "console_access": False, "mfa_active": True,
        "admin": False, "groups": [], "policies": [], "password_last_used": ago(3), "owner": "team",
        "access_keys": [{"active": False, "created": ago(200), "last_used": ago(100)}],
    },
    ("iam_role", f"{ROLE}/trainer"): {
        "name": "trainer", "account": ACCOUNT, "created": ago(100), "trusted_principals": ["ec2.amazonaws.com"],
        "trusts_anyone": False, "admin": False, "policies": [], "last_used": ago(1), "max_session_seconds": 3600,
        "owner": "ml-platform", "purpose": "training",
    },
    ("kms_key", KEY): {
        "key_id": "k1", "account": ACCOUNT, "region": "eu-central-1", "aliases": [], "manager": "CUSTOMER",
        "state": "Enabled", "usage": "ENCRYPT_DECRYPT", "spec": "SYMMETRIC_DEFAULT", "origin": "AWS_KMS",
        "created": ago(900), "deletion_date": None, "rotation_supported": True, "rotation_enabled": True,
        "rotation_period_days": 365, "policy_allows_anyone": False, "policy_principals": [f"{ROLE}/trainer"],
        "data_class": "personal", "owner": "data-platform",
    },
    ("model_version", MODEL): {
        "name": "scorer", "version": "3", "created": ago(2), "stage": None, "aliases": ["champion"],
        "approval": "approved", "approved_by": "m.okafor", "requested_by": "j.lind", "purpose": "support",
        "owner": "support-team", "risk_class": "limited", "run_id": None, "run_status": None, "datasets": [],
    },
    **RESOURCES_OF_SECURITY,
    **RESOURCES_OF_PRIVACY,
}  # fmt: skip
CONTRACT: Mapping[str, Any] = {
    "key_spaces": ["customer"], "retention_days": 30, "residency": ["eu-central-1"], "encryption_key": "k1",
    "fields": [
        {"name": "email", "sensitivity": "high"}, {"name": "diagnosis", "sensitivity": "health"},
        {"name": "offence", "sensitivity": "criminal"}, {"name": "guardian", "sensitivity": "child"},
    ],
}  # fmt: skip


def sound() -> Organisation:
    """An organisation in which every control is effective."""
    made = Organisation({name: dict(value) for name, value in RESOURCES.items()})
    book = made.book
    book.purpose("support", basis="consent", retention_days=90)
    for name in ("tickets", "features", "scores"):
        book.contract(name, ["support"], days=200, **CONTRACT)
    for who in (ANN, BOB):
        book.consent(who, "support", "granted", 150)
    tag = {"purpose": "support"}
    book.run("load", writes=["tickets"], days=30, tags=tag, columns=True)
    book.manifest("tickets", "load", [ANN, BOB, CAM], days=30)
    book.erasure("e1", CAM, ["tickets"], asked=25, done=20)
    book.run("clean", reads=[], writes=["tickets"], days=15, tags=tag, columns=True)
    book.manifest("tickets", "clean", [ANN, BOB], days=15)
    book.run("build", reads=["tickets"], writes=["features"], days=10, tags=tag, columns=True)
    book.manifest("features", "build", [ANN, BOB], days=10)
    book.run(
        "train", reads=["features"], writes=["scores"], days=5, tags=tag | {"model": "scorer@3"}, columns=True
    )
    book.manifest("scores", "train", [ANN, BOB], days=5)
    book.decision(
        "d1", [ANN], purpose="support", principal="agent", dataset={"namespace": LAKE, "name": "tickets"}
    )
    for control in shipped().controls:
        for one in control.attestations:
            value = {"attestation": one.id, "control": control.id, "signed_by": "signer", "signed_at": ago(10),
                     "statement": one.statement}  # fmt: skip
            book.put("attestation", value, 10)
    return made


Break = Callable[[Organisation], object]
__all__ = ["AT", "CONTROLS", "Break", "Organisation", "schemas", "shipped", "sound"]
