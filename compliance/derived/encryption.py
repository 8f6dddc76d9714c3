"""The KMS key that each dataset's contract names, joined with what KMS says of it.

Pure. The contract's member ``encryption_key`` is a key ARN, a key id or an alias. A contract that
names none leaves open which key it is, if any: then what KMS says is unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compliance.derived.declared import Declared, dataset_id
from compliance.derived.joining import Looked, Origin, derived, look, need, of_facts
from compliance.derived.work import work_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received, Unseen

DATASET_KEY = FactSchema(
    "dataset_key",
    "A dataset with a contract, joined with the KMS key that the contract names.",
    (
        Field("dataset", "string", "NAMESPACE/NAME of the dataset."),
        Field("personal", "bool", "Whether it is said to hold records of any kind."),
        Field("key_named", "string", "Member encryption_key of the contract.", optional=True),
        Field("found", "bool", "Whether KMS has that key in an account and region that was listed."),
        Field("manager", "string", "AWS or CUSTOMER.", optional=True),
        Field("state", "string", "State of the key.", optional=True),
        Field("region", "string", "Region of the key.", optional=True),
        Field(
            "region_permitted",
            "bool",
            "Whether the contract permits it; absent if it names no region.",
            optional=True,
        ),
    ),
    inputs=("contract", "kms_key"),
    adds=("lineage", "manifest"),
)

_OF_KMS = ("found", "manager", "state", "region", "region_permitted")


def dataset_keys(base: FactBase) -> Iterator[Fact]:
    """Every dataset that has a contract in force."""
    work = work_of(base)
    declared = Declared.of(base, work.same)
    keys = _by_name(base)
    listed = bool(base.scopes("kms_key")) and all(state.cause is None for state in base.scopes("kms_key"))
    # A key that hides its names may be the one that a contract names.
    named = ("key_id", "aliases")
    listed = listed and not any(name in key.unseen for key in base.facts("kms_key") for name in named)
    for dataset in sorted(declared.contracts.by_key):
        contracts = declared.contracts.in_force(dataset, base.at)
        if contracts:
            looked = {"dataset": dataset_id(dataset), "personal": bool(work.key_spaces(dataset))}
            origin = Origin(contracts[-1].source, "", base.at, tuple(c.evidence for c in contracts))
            yield _fact(looked, contracts, keys, origin, listed=listed)


def _by_name(base: FactBase) -> Mapping[str, Fact]:
    """Every key by its ARN, its id and its aliases."""
    found: dict[str, Fact] = {}
    for key in base.facts("kms_key"):
        names = [key.resource, str(key.value.get("key_id", key.resource)), *key.value.get("aliases", ())]
        found |= dict.fromkeys(names, key)
    return found


def _fact(
    about: Mapping[str, Looked],
    contracts: Sequence[Received],
    keys: Mapping[str, Fact],
    origin: Origin,
    *,
    listed: bool,
) -> Fact:
    named = next((text for c in contracts if (text := c.value.get("encryption_key"))), None)
    key = None if named is None else keys.get(str(named))
    looked = {**about, "key_named": named}
    name = str(about["dataset"])
    if key is None:
        return derived(DATASET_KEY, name, looked | _without_key(named, listed=listed), origin)
    seen = of_facts(key)
    joined = Origin(seen.source, seen.scope, seen.observed_at, origin.evidence + seen.evidence)
    return derived(DATASET_KEY, name, looked | _of_key(key, contracts), joined)


def _of_key(key: Fact, contracts: Sequence[Received]) -> dict[str, Looked]:
    regions = {region for c in contracts for region in c.value.get("residency") or ()}
    region = need(key, "region")
    permitted: Looked = region if isinstance(region, Unseen) else region in regions
    return {
        "found": True, "manager": look(key, "manager"), "state": look(key, "state"), "region": region,
        "region_permitted": permitted if regions else None,
    }  # fmt: skip


def _without_key(named: str | None, *, listed: bool) -> dict[str, Looked]:
    if named is None:
        return dict.fromkeys(_OF_KMS, Unseen("missing", "the contract names no encryption_key"))
    if not listed:
        return dict.fromkeys(
            _OF_KMS, Unseen("incomplete", f"{named} was not seen, and the keys were not listed whole")
        )
    return dict.fromkeys(_OF_KMS) | {"found": False}
