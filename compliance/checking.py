"""Verification as standing work: it runs on a schedule in a serving process, and says in the log what it found.

The result is an entry of kind ``check/1``: at the first time, whenever it differs from the last one, and
once a day, so that silence is noticed too. Where the log itself cannot be appended to, the result is
still told on the page and in the process's own log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text

from compliance.canonical import Json, canonical, from_micros, sha256_hex
from compliance.evidence import Observation
from compliance.standing import projections_equal_a_rebuild
from compliance.store import ITSELF, Store
from compliance.verify import Verification
from compliance.verifying import verify_configured

CHECK = "check/1"
AT_LEAST_EVERY = timedelta(days=1)
PROBLEMS_LOGGED = 20
"""More are counted, not listed, so that the entry stays small."""
NO_ANCHOR = (
    "no second place keeps the last signed size (MUNIMENT_EVIDENCE__ANCHOR), so a store that was rolled back to"
    " an older backup would not be noticed here"
)

logger = logging.getLogger("muniment.checking")


def check_store(store: Store, *, projections: bool = False) -> tuple[Verification, list[str]]:
    """Verify a store that may be in use; the verification, and everything that is wrong in sentences.

    With ``projections`` they are compared with a rebuild, if the log itself verifies: else there is
    nothing to compare them with.
    """
    found = verify_configured(store.settings)
    problems = [str(problem) for problem in found.problems]
    if projections and not problems:
        problems += projections_equal_a_rebuild(store)
    return found, problems


def as_json(found: Verification, problems: list[str]) -> dict[str, Json]:
    """A result as the command prints it and the log keeps it."""
    return {
        "ok": not problems, "size": found.size, "root": found.root, "entries": found.entries,
        "payloads": found.payloads, "bytes": found.bytes, "checkpoints": found.checkpoints,
        "first_bad_index": found.first_bad_index, "vouched_by": found.vouched_by, "gone": list(found.gone),
        "problems": problems,
    }  # fmt: skip


def check_and_log(store: Store, *, projections: bool = False) -> bool:
    """Verify, and append the result where it is due; whether the store verifies."""
    found, problems = check_store(store, projections=projections)
    for problem in problems[:PROBLEMS_LOGGED]:
        logger.error("the store does not verify: %s", problem)
    body = as_json(found, problems) | {
        "check": "verify", "problem_count": max(found.problem_count, len(problems)), "projections": projections,
        "problems": problems[:PROBLEMS_LOGGED],
    }  # fmt: skip
    outcome = sha256_hex(canonical([not problems, body["problems"], projections]))
    if _is_due(store, outcome):
        detail = {"check": "verify", "ok": not problems, "outcome": outcome}
        store.log.append([Observation(CHECK, "muniment", ITSELF, canonical(body), detail=detail)])
    return not problems


def _is_due(store: Store, outcome: str) -> bool:
    last = last_check(store)
    if last is None:
        return True
    at, detail = last
    return detail.get("outcome") != outcome or store.clock() - at >= AT_LEAST_EVERY


def last_check(store: Store) -> tuple[datetime, Mapping[str, Json]] | None:
    """When the last result was logged, and what its entry says of it; None where there is none yet."""
    store.projections.catch_up()
    with store.projections.connect() as connection:
        row = connection.execute(
            text(
                "SELECT log_index, received_at FROM entry WHERE kind = :kind ORDER BY log_index DESC LIMIT 1"
            ),
            {"kind": CHECK},
        ).first()
    if row is None:
        return None
    return from_micros(row.received_at), store.log.entry(row.log_index).detail


def standing_of(store: Store) -> list[str]:
    """What the pages say of verification: the last result, and what the anchor does not do."""
    last = last_check(store)
    said = []
    if last is None:
        said.append("The store has not been verified by this service yet.")
    else:
        verdict = "It verified" if last[1].get("ok") else "It did NOT verify"
        said.append(f"{verdict} at the check logged on {last[0]:%Y-%m-%d %H:%M} UTC.")
    if store.anchor is None:
        said.append(f"{NO_ANCHOR[0].upper()}{NO_ANCHOR[1:]}.")
    elif store.anchor.failure is not None:
        said.append(f"The anchor was not told of the last checkpoint: {store.anchor.failure}")
    return said
