"""Reads the column ``pseudonym`` of a Parquet file, in a process of its own with a memory limit.

Started as a script by ``collectors.members.parquet``: standard input is the file, standard output
the members as 16-byte records, standard error one sentence with exit code 1 where the file is
refused. It imports nothing of this project, so that hostile bytes meet as little as possible.
"""

import resource
import sys
from collections.abc import Iterator

COLUMN = "pseudonym"
WIDTH = 16
BATCH = 65_536


class RefusedError(Exception):
    """The file is not what it should be; the text says why and starts with the field."""


def main(memory: int, most: int) -> int:
    """Copy the members from standard input to standard output; ``most`` is the most records taken."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # Imported under the limit; arrow's own threads would each reserve address space.
    import pyarrow as pa  # noqa: PLC0415
    from pyarrow import parquet  # noqa: PLC0415

    pa.set_cpu_count(1)
    try:
        table = parquet.ParquetFile(pa.BufferReader(sys.stdin.buffer.read()))
        _check(table, most)
        for batch in table.iter_batches(batch_size=BATCH, columns=[COLUMN], use_threads=False):
            for record in _records(batch.column(0)):
                sys.stdout.buffer.write(record)
        sys.stdout.buffer.flush()
    except RefusedError as refused:
        sys.stderr.write(str(refused))
        return 1
    except (pa.ArrowException, OSError, ValueError) as error:
        sys.stderr.write(f"body: the file is no readable Parquet ({type(error).__name__})")
        return 1
    except MemoryError:
        sys.stderr.write("body: the file needs more memory than is allowed for reading it")
        return 1
    return 0


def _check(table, most: int) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 (pyarrow is imported later)
    names = table.schema_arrow.names
    if names != [COLUMN]:
        shown = ", ".join(names[:10]) or "none"
        raise RefusedError(f"{COLUMN}: expected this one column, found: {shown}")
    if table.metadata.num_rows > most:
        raise RefusedError(f"{COLUMN}: {table.metadata.num_rows} rows; at most {most} are taken")


def _records(column) -> Iterator[bytes]:  # type: ignore[no-untyped-def]  # noqa: ANN001 (pyarrow is imported later)
    for value in column.to_pylist():
        if value is None:
            raise RefusedError(f"{COLUMN}: holds a null")
        yield _record(value)


def _record(value: object) -> bytes:
    if isinstance(value, str):
        # `fromhex` would skip spaces, so the width is checked on both sides.
        if len(value) == 2 * WIDTH and value.isascii() and value.isalnum():
            try:
                return bytes.fromhex(value)
            except ValueError:
                pass
        raise RefusedError(f"{COLUMN}: holds a text that is not 32 hex digits")
    if isinstance(value, bytes):
        if len(value) == WIDTH:
            return value
        raise RefusedError(f"{COLUMN}: holds a value of {len(value)} bytes; expected 16")
    raise RefusedError(
        f"{COLUMN}: holds values of type {type(value).__name__}; expected 16 bytes or 32 hex digits"
    )


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
