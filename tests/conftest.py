"""How hypothesis searches, and the server that tests of more than one module share.

Hypothesis works without a clock, and in continuous integration the same way each time.
"""

from __future__ import annotations

import os

from hypothesis import settings

from tests.postgres_server import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

# A slow machine is no failure: what must be fast is measured in benchmarks/.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
