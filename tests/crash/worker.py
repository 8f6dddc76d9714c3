"""Carries out the runs that are due, into an evidence log, until all have ended or it is killed.

Run as ``worker.py DATABASE HOME SOURCE,SOURCE`` in the checkout. Each run ends as a collection does:
its account is appended under the run's name, then the row is ended. At its end it writes the names of
all accounts that are in the log to ``HOME/kept``.
"""

from __future__ import annotations

import hmac
import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import text

from compliance.database import sqlite_engine
from compliance.durable import exclusive
from compliance.errors import StoreExists
from compliance.evidence import CollectorName, Observation
from compliance.log import EvidenceLog
from compliance.postgres import Postgres
from compliance.runs import claim_next, end

LEASE = timedelta(seconds=1)


def clock() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


def opened(home: Path) -> EvidenceLog:
    """The log, made by whoever comes first."""
    with exclusive(home / "making"):
        try:
            return EvidenceLog.create(home / "store", origin="worker.example/log", clock=clock)
        except StoreExists:
            return EvidenceLog.open(home / "store", clock=clock)


def main(url: str, home: str, sources: str) -> None:
    """Work."""
    engine = Postgres.parse(url).engine() if url.startswith("postgresql") else sqlite_engine(Path(url))
    unfinished = text("SELECT count(*) FROM collection_run WHERE finished_at IS NULL")
    with opened(Path(home)) as log:
        while True:
            run = claim_next(engine, sources.split(","), clock(), LEASE)
            if run is not None:
                known = hmac.digest(log.dedupe_key, run.name.encode(), "sha256")[:16]
                body = json.dumps(run.name).encode()
                made = Observation("collection/1", run.source, CollectorName("w", "1"), body, known=(known,))
                log.append([made])
                end(engine, run, "done", "", clock())
                sys.stdout.write(f"{run.name}\n")
                sys.stdout.flush()
                continue
            with engine.connect() as connection:
                if connection.execute(unfinished).scalar() == 0:
                    break
            time.sleep(0.05)
        kept = [json.loads(log.body(entry) or b"") for _, entry in log.entries(0)]
    (Path(home) / "kept").write_text("\n".join(kept))
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
