"""The name under which Muniment is installed: ``muniment``. Importing it does nothing.

In the wheel the program's packages (``compliance``, ``web`` …) lie in ``_app`` beside this file, where
they stand in nobody's way. In a checkout there is no ``_app``: the packages are on the path already.
What pipelines import (``muniment.pseudonym``) is complete in itself and needs neither.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("_app")
"""The folder of the program's packages in an installed wheel."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command line with these arguments (default: the process's own), and exit with its code."""
    if PROGRAM.is_dir():
        _put_first(str(PROGRAM))
    importlib.import_module("compliance.cli").main(arguments)


def _put_first(folder: str) -> None:
    """Put a folder first on the path of this process and of those it starts."""
    sys.path[:] = [folder, *(path for path in sys.path if path != folder)]
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in inherited if path and path != folder]
    os.environ["PYTHONPATH"] = os.pathsep.join([folder, *others])
