"""Appends until it is killed, saying on standard output what was acknowledged.

Run as ``appender.py HOME NAME THREADS [COUNT]`` in the checkout. Each line is ``INDEX SHA256`` of
an entry's leaf, written after ``append`` returned. With COUNT each thread stops after so many. With
MUNIMENT_DATABASE_URL in the environment the head is there.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from compliance.evidence import CollectorName, Observation
from compliance.head_postgres import PostgresHeadPlace
from compliance.log import EvidenceLog
from compliance.postgres import Postgres

LARGE = 6000
"""Every seventh body is larger than rides inline, so that payload files are written too."""


def main(home: str, name: str, threads: str, count: str = "") -> None:
    """Append in so many threads."""
    url = os.environ.get("MUNIMENT_DATABASE_URL")
    head = PostgresHeadPlace(Postgres.parse(url)) if url else None
    log = EvidenceLog.open(Path(home), clock=lambda: datetime.now(UTC), head=head)
    limit = int(count) if count else None

    def run(thread: int) -> None:
        numbers = range(limit) if limit is not None else itertools.count()
        for number in numbers:
            body = f"{name} {thread} {number} ".encode() + bytes(LARGE if number % 7 == 3 else 10)
            made = Observation(
                "lineage/1", name, CollectorName("appender", "1"), body, sealed=number % 5 == 2
            )
            (index,) = log.append([made])
            assert index is not None
            digest = hashlib.sha256(log.leaf(index)).hexdigest()
            sys.stdout.write(f"{index} {digest}\n")
            sys.stdout.flush()

    workers = [threading.Thread(target=run, args=(number,)) for number in range(int(threads))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    log.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
