"""The form in which two answers are compared: what the contract fixes, in one order."""

from __future__ import annotations

from collections.abc import Mapping

from compliance.canonical import Json, content_bytes, parse_time

OF_DATASET = ("namespace", "name", "version", "certainty", "influence")
FIXED = frozenset(
    {
        "purpose-undeclared", "purpose-not-permitted", "consent-missing", "consent-withdrawn", "used-after-erasure",
        "reappeared-after-erasure",
    }
)  # fmt: skip
"""The codes that the contract fixes; the second reading knows no others."""
OF_USE = ("run_id", "purpose", "lawful_basis", "certainty", "influence")


def comparable(answer: Mapping[str, Json], *, gaps: bool = True) -> dict[str, Json]:
    """An answer without its wording, evidence and paths; without ``gaps``, only whether there are any."""
    said = {
        "datasets": _sorted(_dataset(one) for one in answer["datasets"]),
        "uses": _sorted(_use(one) for one in answer["uses"]),
        "complete": answer["complete"],
        "undescribed": answer["undescribed"],
        "relied_on": sorted(answer["relied_on"]),
    }
    return said | ({"gaps": _gaps(answer)} if gaps else {})


def differences(
    one: Mapping[str, Json], other: Mapping[str, Json]
) -> dict[str, tuple[list[Json], list[Json]]]:
    """Where two answers differ: under each heading what only the first and what only the second says."""
    first, second = comparable(one), comparable(other)
    found = {}
    for key in first:
        left, right = (value if isinstance(value, list) else [value] for value in (first[key], second[key]))
        if left != right:
            found[key] = (
                [item for item in left if item not in right],
                [item for item in right if item not in left],
            )
    return found


def _sorted(items: object) -> list[Json]:
    return sorted(items, key=content_bytes)  # type: ignore[call-overload,no-any-return]


def _time(value: Json) -> str | None:
    return None if value is None else parse_time(value).isoformat()


def _codes(thing: Mapping[str, Json]) -> list[str]:
    return sorted(one["code"] for one in thing["violations"] if one["code"] in FIXED)


def _dataset(one: Mapping[str, Json]) -> dict[str, Json]:
    return {key: one[key] for key in OF_DATASET} | {
        "columns": sorted(one["columns"]),
        "masked_columns": sorted(one["masked_columns"]),
        "written_at": _time(one["written_at"]),
        "violations": _codes(one),
    }


def _use(one: Mapping[str, Json]) -> dict[str, Json]:
    job = one["job"]
    return {key: one[key] for key in OF_USE} | {
        "job": job and {"namespace": job["namespace"], "name": job["name"]},
        "consumers": _sorted(
            {key: who[key] for key in ("kind", "name", "version")} for who in one["consumers"]
        ),
        "started_at": _time(one["started_at"]),
        "ended_at": _time(one["ended_at"]),
        "violations": _codes(one),
    }


def _gaps(answer: Mapping[str, Json]) -> list[Json]:
    """Namespace, name and version of each gap, once."""
    keys = {content_bytes([one["namespace"], one["name"], one["version"]]): one for one in answer["gaps"]}
    return [[one["namespace"], one["name"], one["version"]] for _, one in sorted(keys.items())]
