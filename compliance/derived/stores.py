"""Each bucket with the KMS key that it encrypts with; each image with what scanners found in it.

Pure. A key that was not seen in a whole listing of keys is not there; in a partial one it is unseen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from compliance.derived.joining import Looked, derived, look, need, of_facts
from compliance.derived.listed import grouped, unlisted
from compliance.facts import Fact, FactBase, FactSchema, Field, Unseen

STORED_BUCKET = FactSchema(
    "stored_bucket",
    "An S3 bucket with the KMS key of its default encryption.",
    (
        Field("name", "string", "Bucket name."),
        Field("account", "string", "AWS account."),
        Field("region", "string", "Region in which it lies."),
        Field("data_class", "string", "Its tag data-class.", optional=True),
        Field("zone", "string", "Its tag zone.", optional=True),
        Field("environment", "string", "Its tag environment.", optional=True),
        Field("owner", "string", "Its tag owner.", optional=True),
        Field("encryption", "string", "Default encryption.", optional=True),
        Field("key_manager", "string", "Who manages its key: AWS or CUSTOMER; absent without a key.", optional=True),
        Field("key_state", "string", "State of its key.", optional=True),
        Field("key_region", "string", "Region of its key.", optional=True),
        Field("key_class", "string", "Tag data-class of its key.", optional=True),
        Field("key_zones", "strings", "Zones of all buckets under the same key, sorted."),
        Field("key_environments", "strings", "Environments of all buckets under the same key, sorted."),
        Field("exposed", "bool", "Whether the public could be let in: not all four blocks of public access are on."),
        Field("tls_only", "bool", "Whether its policy refuses access without TLS."),
        Field("versioning", "string", "Enabled, Suspended or Off."),
        Field("object_lock_mode", "string", "Default retention: GOVERNANCE or COMPLIANCE.", optional=True),
        Field("object_lock_days", "int", "Days of the default retention.", optional=True),
        Field("logging_target", "string", "Bucket that gets its access log.", optional=True),
        Field("lifecycle_expiry_days", "int", "Days after which objects are deleted.", optional=True),
        Field("lifecycle_abort_days", "int", "Days after which unfinished uploads are aborted.", optional=True),
        Field("regions", "strings", "Regions in which it or a copy of it lies, sorted."),
    ),
    inputs=("s3_bucket", "kms_key"),
)  # fmt: skip
IMAGE_RISK = FactSchema(
    "image_risk",
    "A tagged image of a registry with what scanners found in it.",
    (
        Field("repository", "string", "Repository."),
        Field("tags", "strings", "Tags that name it."),
        Field("signed", "bool", "Whether a signature is attached."),
        Field("sbom", "bool", "Whether a software bill of materials is attached."),
        Field("provenance", "bool", "Whether a provenance attestation is attached."),
        Field(
            "scanned_at", "time", "When a scanner last said something of it; absent if never.", optional=True
        ),
        Field("serious", "int", "Critical and high findings that are open."),
        Field("oldest_serious_at", "time", "When the oldest of those was first found.", optional=True),
        Field("secrets", "int", "Secrets found in it."),
        Field("malware", "int", "Malware found in it."),
    ),
    inputs=("image", "scan_finding"),
)
_COPIED = (
    "data_class", "zone", "environment", "owner", "encryption", "object_lock_mode", "object_lock_days",
    "logging_target", "lifecycle_expiry_days", "lifecycle_abort_days",
)  # fmt: skip
_OF_KEY = {"key_manager": "manager", "key_state": "state", "key_region": "region", "key_class": "data_class"}
_OPEN = ("fail", "open")


def stored_buckets(base: FactBase) -> Iterator[Fact]:
    """Every bucket."""
    keys: dict[str, Fact] = {}
    for key in base.facts("kms_key"):
        keys |= dict.fromkeys(
            [key.resource, str(key.value.get("key_id")), *key.value.get("aliases", ())], key
        )
    hidden, buckets = unlisted(base, "kms_key"), list(base.facts("s3_bucket"))
    together = _by_key(buckets, keys)
    for bucket in buckets:
        looked: dict[str, Looked] = {
            name: need(bucket, name) for name in ("name", "account", "region", "tls_only", "versioning")
        } | {name: look(bucket, name) for name in _COPIED}
        looked |= {"exposed": _exposed(bucket), "regions": _regions(bucket)}
        found, told = _key(bucket, keys, hidden)
        looked |= told | _shared(bucket, together, keys)
        others = [found] if found else []
        yield derived(STORED_BUCKET, bucket.resource, looked, of_facts(bucket, *others))


def _key(
    bucket: Fact, keys: Mapping[str, Fact], hidden: Unseen | None
) -> tuple[Fact | None, dict[str, Looked]]:
    named = look(bucket, "kms_key_id")
    if isinstance(named, Unseen) or named is None:
        return None, dict.fromkeys(_OF_KEY, named)
    key = keys.get(str(named)) or keys.get(str(named).rpartition("/")[2])
    if key is None:
        return None, dict.fromkeys(_OF_KEY, hidden)
    return key, {name: look(key, source) for name, source in _OF_KEY.items()}


def _by_key(buckets: Sequence[Fact], keys: Mapping[str, Fact]) -> Mapping[str, Sequence[Fact]]:
    """Buckets by the key that they name, under whichever of its names; those that hide it under the empty text."""
    found: dict[str, list[Fact]] = {}
    for bucket in buckets:
        named = look(bucket, "kms_key_id")
        if named is not None:
            found.setdefault("" if isinstance(named, Unseen) else _one_name(str(named), keys), []).append(
                bucket
            )
    return found


def _one_name(named: str, keys: Mapping[str, Fact]) -> str:
    key = keys.get(named) or keys.get(named.rpartition("/")[2])
    return named if key is None else key.resource


def _shared(
    bucket: Fact, together: Mapping[str, Sequence[Fact]], keys: Mapping[str, Fact]
) -> dict[str, Looked]:
    named = look(bucket, "kms_key_id")
    unsure = (
        Unseen("incomplete", f"{together[''][0].resource} does not show its key") if "" in together else None
    )
    if isinstance(named, Unseen) or (named is not None and unsure is not None):
        hidden = named if isinstance(named, Unseen) else unsure
        return dict.fromkeys(("key_zones", "key_environments"), hidden)
    mates = [bucket] if named is None else together[_one_name(str(named), keys)]
    return {"key_zones": _values(mates, "zone"), "key_environments": _values(mates, "environment")}


def _values(buckets: Sequence[Fact], name: str) -> Looked:
    values = [look(one, name) for one in buckets]
    hidden = next((one for one in values if isinstance(one, Unseen)), None)
    return hidden or sorted({str(one) for one in values if one is not None})


def _exposed(bucket: Fact) -> Looked:
    blocked = need(bucket, "public_access_blocked")
    return blocked if isinstance(blocked, Unseen) else not blocked


def _regions(bucket: Fact) -> Looked:
    home, copies = need(bucket, "region"), need(bucket, "replication_regions")
    if isinstance(home, Unseen) or isinstance(copies, Unseen):
        return home if isinstance(home, Unseen) else copies
    return sorted({str(home), *map(str, copies)})


def image_risks(base: FactBase) -> Iterator[Fact]:
    """Every image that a tag names."""
    found = grouped(base.facts("scan_finding"), "target")
    lost = found.get("", [])
    hidden = unlisted(base, "scan_finding") or (
        Unseen("unreadable", f"{lost[0].resource} does not show its target") if lost else None
    )
    for image in base.facts("image"):
        mine = _of_image(image, found)
        looked: dict[str, Looked] = {
            name: need(image, name) for name in ("repository", "tags", "signed", "sbom", "provenance")
        }
        looked |= _risks(mine, hidden)
        # A finding that was resolved long ago does not make what was scanned today old.
        used = [one for one in mine if one.value.get("status") in _OPEN] + mine[-1:]
        origin = of_facts(image, *used).citing(name for one in mine for name in one.evidence)
        yield derived(IMAGE_RISK, image.resource, looked, origin)


def _of_image(image: Fact, found: Mapping[str, Sequence[Fact]]) -> list[Fact]:
    names = (image.resource, image.resource.rpartition("@")[2])
    named = [finding for name in dict.fromkeys(names) for finding in found.get(name, ())]
    return sorted(named, key=lambda finding: (finding.observed_at, finding.resource))


def _risks(mine: Sequence[Fact], hidden: Unseen | None) -> dict[str, Looked]:
    names = ("scanned_at", "serious", "oldest_serious_at", "secrets", "malware")
    fields = [need(one, name) for one in mine for name in ("status", "severity", "last_seen")]
    optional = [look(one, name) for one in mine for name in ("category", "first_seen")]
    blind = hidden or next((one for one in (*fields, *optional) if isinstance(one, Unseen)), None)
    if blind is not None:
        return dict.fromkeys(names, blind)
    still = [one for one in mine if one.value["status"] in _OPEN]
    serious = [one for one in still if one.value["severity"] in {"critical", "high"}]
    return {
        "scanned_at": max((str(one.value["last_seen"]) for one in mine), default=None),
        "serious": len(serious),
        "oldest_serious_at": min((str(_first(one)) for one in serious), default=None),
        "secrets": sum(one.value["category"] == "secret" for one in still),
        "malware": sum(one.value["category"] == "malware" for one in still),
    }  # fmt: skip


def _first(finding: Fact) -> object:
    return finding.value.get("first_seen") or finding.value["last_seen"]
