"""The architecture as a test: who may import whom, how long a file may grow, and what never lies in the repository."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = frozenset({"collectors", "compliance", "controls", "reports", "web"})
BESIDE = frozenset({"benchmarks", "deploy", "tests"})
"""Folders of Python that is not part of the product."""
FOR_COLLECTORS = frozenset({"canonical", "errors", "evidence", "facts"})
"""What collectors may import of the domain."""

MOST_LINES = 400
LONGER_FILES: dict[str, str] = {
    "compliance/bundle/verify.sh": "goes into a bundle as one file, for somebody who has nothing else",
    "tests/sound_privacy.py": "one organisation in which all is in order, and a fault in it for each check",
    "tests/sound_security.py": "the same, of security",
    "tests/test_assessment.py": "the rules by which results come about and add up, read as one list",
    "tests/test_commit.py": "one fault at each write of an append, told in their order",
    "tests/test_library.py": "every fault of a file of the library, read as one list",
    "tests/test_log.py": "what the log promises, read as one list",
    "tests/test_pages.py": "one served store, and every page of it",
    "tests/worlds.py": "one generator; its parts draw on each other",
}
"""Files of code that are longer, each with its reason."""
MOST_LINES_OF_A_FUNCTION = 40
LONGER_FUNCTIONS = {
    "compliance/migrations/versions/v0001_operational_tables.py:upgrade": "one statement for each table, in order",
}
"""Functions that are longer (``file:name``), each with its reason."""

CODE = frozenset({".css", ".html", ".js", ".py", ".sh"})
IGNORED = frozenset(
    {".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", ".venvs", "var"}
)
VENDORED = "web/static/vendor/"


def tracked() -> list[str]:
    """Every file of the repository that is not ignored; where git does not answer, every file outside known folders."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split(
            "\0"
        )
    except (OSError, subprocess.CalledProcessError):
        found = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        listed = [path.as_posix() for path in found if not IGNORED.intersection(path.parts)]
    return sorted(name for name in listed if name and (ROOT / name).is_file() and "__pycache__" not in name)


FILES = tracked()
PYTHON = [name for name in FILES if name.endswith(".py")]


def contracts() -> configparser.ConfigParser:
    """The contracts of import-linter."""
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    return parser


def words(text: str) -> set[str]:
    """The lines of a setting with several values."""
    return {line.strip() for line in text.splitlines() if line.strip()}


def functions(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a file."""
    for node in ast.walk(ast.parse((ROOT / name).read_text(), name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's body, its docstring left out."""
    body = function.body
    if ast.get_docstring(function) is not None:
        body = body[1:]
    return 0 if not body else (body[-1].end_lineno or 0) - body[0].lineno + 1


def test_every_contract_is_kept() -> None:
    """Packages and layers import only downwards, pure modules stay pure, and there is no cycle."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_collectors_are_kept_from_all_but_four_modules() -> None:
    """The list of what collectors may not import names every module of the domain but canonical, errors, evidence, facts."""
    domain = {path.stem for path in (ROOT / "compliance").glob("*.py")} - {"__init__"}
    domain |= {path.parent.name for path in (ROOT / "compliance").glob("*/__init__.py")}
    forbidden = words(contracts()["importlinter:contract:collectors"]["forbidden_modules"])
    assert forbidden == {f"compliance.{module}" for module in domain - FOR_COLLECTORS}


def test_there_are_five_packages() -> None:
    """No sixth top-level package appears: the wheel, the contracts and the type check know five."""
    assert {name.split("/")[0] for name in PYTHON if "/" in name} - BESIDE == PACKAGES
    assert [name for name in PYTHON if "/" not in name] == []
    assert words(contracts()["importlinter"]["root_packages"]) == PACKAGES


def test_no_file_is_too_long() -> None:
    """A file of code has at most 400 lines, unless its reason is listed here."""
    counted = {
        name: len((ROOT / name).read_text().splitlines())
        for name in FILES
        if Path(name).suffix in CODE and not name.startswith(VENDORED)
    }
    assert {
        name: lines for name, lines in counted.items() if lines > MOST_LINES
    }.keys() == LONGER_FILES.keys()


def test_no_function_is_too_long() -> None:
    """A function has at most 40 lines besides its docstring, unless its reason is listed here."""
    long = {
        f"{name}:{function.name}"
        for name in PYTHON
        for function in functions(name)
        if length(function) > MOST_LINES_OF_A_FUNCTION
    }
    assert long == set(LONGER_FUNCTIONS)


@pytest.mark.parametrize("name", [name for name in PYTHON if Path(name).name.startswith("test_")])
def test_every_test_has_a_docstring(name: str) -> None:
    """Each test says in a sentence what it specifies."""
    bare = [f.name for f in functions(name) if f.name.startswith("test_") and not ast.get_docstring(f)]
    assert bare == []


# Each is written so that this file does not match it.
NEVER = {
    "the path of somebody's home": r"/(home|Users)/[a-z][a-z0-9_-]*/|(?<![a-z*])/root[/]",
    "the path of this checkout": re.escape(f"{ROOT}/"),
    "the address of a package registry": r"pypi\.(python\.)?org|files\.pythonhosted\.org|registry\.npmjs\.org",
    "an index option": r"--(extra-)?index-url[ =]",
    "a private key": "-----BEGIN (EC |RSA |OPENSSH )?PRIVATE[ ]KEY-----",
}


@pytest.mark.parametrize("what", NEVER)
def test_what_never_lies_in_the_repository(what: str) -> None:
    """No path of one machine, no registry and no private key is in any tracked file."""
    pattern = re.compile(NEVER[what])
    found = []
    for name in FILES:
        text = (ROOT / name).read_bytes().decode("utf-8", "replace")
        found += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert found == []


def test_locks_name_no_address() -> None:
    """A lock holds versions and hashes; where the files come from is the machine's own configuration."""
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        pinned = re.findall(r"^[a-zA-Z0-9][^\n]*==", text, re.MULTILINE)
        assert pinned
        assert len(pinned) == len(re.findall(r"^[^\s#][^\n]*\\\n    --hash=sha256:", text, re.MULTILINE)), (
            lock.name
        )
