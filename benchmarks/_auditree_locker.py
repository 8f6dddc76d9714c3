"""Evidence of 1 KiB into auditree-framework's git locker, one commit for each; run in an environment of its own.

``_auditree_locker.py FOLDER SECONDS`` prints the number of commits made, and the seconds.
"""

from __future__ import annotations

import logging
import sys
import time
from importlib import import_module

RawEvidence = import_module("compliance.evidence").RawEvidence
"""Of auditree-framework, whose package bears the same name as ours."""
Locker = import_module("compliance.locker").Locker

CONTENT = "x" * 1024


def main(folder: str, seconds: str) -> None:
    """Add and commit until the time is over."""
    logging.disable(logging.CRITICAL)
    locker = Locker(name="benchmark", local_path=folder)
    locker.init()
    locker.init_config()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < float(seconds):
        evidence = RawEvidence(f"evidence{done}.txt", "raw", 86400, "benchmark")
        evidence.set_content(CONTENT)
        locker.add_evidence(evidence)
        locker.checkin()
        done += 1
    print(done, time.perf_counter() - started)


if __name__ == "__main__":
    main(*sys.argv[1:])
