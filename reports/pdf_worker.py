"""A process that turns the HTML on its standard input into a PDF on its standard output, and ends."""

from __future__ import annotations

import resource
import sys

from weasyprint import HTML

MEMORY_LIMIT = 2 * 1024**3
"""Bytes of address space for data: a page takes about 2 MB."""


class FetchRefused(ValueError):
    """A document asked for a URL; our documents are self-contained."""


def refuse(url: str, *_: object, **__: object) -> dict[str, object]:
    """Fetch nothing, from anywhere."""
    raise FetchRefused(f"refused to fetch {url[:80]}")


def main() -> None:
    """Render once."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT, MEMORY_LIMIT))
    document = HTML(string=sys.stdin.buffer.read().decode(), url_fetcher=refuse)
    sys.stdout.buffer.write(document.write_pdf(pdf_identifier=b"muniment", pdf_tags=True))


if __name__ == "__main__":
    main()
