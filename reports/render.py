"""Rendering: a frozen view and a template give HTML; WeasyPrint, in a process of its own, gives PDF.

Nothing is fetched while rendering: templates are self-contained, and any URL is refused. Equal views
give equal bytes: no wall clock and no random id stands in a document.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jinja2

from compliance.errors import StoreUnavailable
from reports.wording import day, in_words, moment

FOLDER = Path(__file__).parent
TIME_LIMIT_SECONDS = 180
"""A document that takes longer is given up: whole populations belong in data, not in a PDF."""

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(FOLDER / "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(moment=moment, day=day, in_words=in_words)


def html(template: str, view: object) -> str:
    """The document of a view as HTML; every value is escaped."""
    return _ENVIRONMENT.get_template(template).render(view=view)


def pdf(document: str) -> bytes:
    """The PDF of an HTML document. Raises StoreUnavailable where it cannot be made in time.

    A process of its own bounds memory and time, and keeps Pango and its fonts out of the server.
    """
    paths = [str(FOLDER.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    # The environment fixes the one date that WeasyPrint would take from the clock; it holds no secret of ours.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
    environment = {**inherited, "PYTHONPATH": os.pathsep.join(paths), "SOURCE_DATE_EPOCH": "0"}
    try:
        made = subprocess.run(
            [sys.executable, "-m", "reports.pdf_worker"],
            input=document.encode(), capture_output=True, check=False, timeout=TIME_LIMIT_SECONDS, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        message = (
            f"The PDF was not ready after {TIME_LIMIT_SECONDS} seconds; ask for a shorter period or for html."
        )
        raise StoreUnavailable(message) from error
    if made.returncode != 0 or not made.stdout.startswith(b"%PDF"):
        said = made.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1] if said else f"exit {made.returncode}"
        raise StoreUnavailable(
            f"The PDF cannot be made: {reason}. WeasyPrint needs Pango (libpango-1.0-0, libpangoft2-1.0-0)."
        )
    return made.stdout
