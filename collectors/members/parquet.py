"""Reading a manifest's Parquet file without trusting it: in a process with limits of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from collectors.members.accept import WIDTH, members_of_records
from compliance.errors import InputRefused

WORKER = Path(__file__).with_name("parquet_worker.py")
MAGIC = b"PAR1"
MEMORY = 1024 * 1024 * 1024
"""Address space of the process beside what the file and its records take, in bytes."""
SECONDS = 120.0
LARGEST_RATIO = 8
"""Bytes of address space for each byte of the file."""


def is_parquet(body: bytes) -> bool:
    """Whether the body starts as a Parquet file does."""
    return body.startswith(MAGIC)


def members_of_parquet(body: bytes, *, most_bytes: int) -> tuple[str, ...]:
    """The sorted members of a Parquet file with the one column ``pseudonym``.

    ``most_bytes`` bounds what the members may take, 16 bytes each. Raises InputRefused naming the
    field that is wrong.
    """
    command = [
        sys.executable,
        "-I",
        str(WORKER),
        str(MEMORY + LARGEST_RATIO * len(body)),
        str(most_bytes // WIDTH),
    ]
    environment = {
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PATH": os.environ.get("PATH", ""),
        "MALLOC_ARENA_MAX": "1",
    }
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter and script; the body is its input)
            command, input=body, capture_output=True, timeout=SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise InputRefused(
            f"The Parquet file could not be read within {SECONDS:.0f} s.", field="body"
        ) from error
    if done.returncode == 1 and done.stderr.startswith((b"pseudonym:", b"body:")):
        field, _, what = done.stderr.decode("utf-8", "replace").partition(": ")
        raise InputRefused(f"The manifest cannot be taken: {field}: {what}.", field=field)
    if done.returncode != 0:
        message = (
            "The Parquet file cannot be read within the limits of memory; send fewer members, or NDJSON."
        )
        raise InputRefused(message, field="body")
    return members_of_records(done.stdout)
