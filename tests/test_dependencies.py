"""Dependencies: what is imported is stated, and what is stated is imported."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("collectors", "compliance", "controls", "reports", "web")
COMES_WITH = {
    "anyio": "starlette",
    "botocore": "boto3",
    "pydantic": "fastapi",
    "pydantic-core": "pydantic",
    "sqlalchemy": "sqlmodel",
    "starlette": "fastapi",
}
"""Distributions that belong to the interface of another, and are imported on its account."""
NOT_IMPORTED = {"python-multipart": "FastAPI reads forms with it"}
"""Distributions that are needed without being imported."""


def canonical(name: str) -> str:
    """A distribution's name as an index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def modules(path: Path) -> set[str]:
    """The top-level name of every module that a file imports when it runs."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(), path.name)
    typing = {inner for node in ast.walk(tree) if is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if node in typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return {name.split(".")[0] for name in found}


def is_for_types(node: ast.AST) -> bool:
    """Whether a block is read by type checkers alone."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imported(*folders: str) -> set[str]:
    """Every distribution that modules of these folders import."""
    owners = importlib.metadata.packages_distributions()
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {canonical(owner) for path in paths for name in modules(path) for owner in owners.get(name, ())}


def stated(*, sample: bool = False) -> set[str]:
    """What the project says that it needs at run time, or for the sample organisation besides."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["optional-dependencies"]["sample"] if sample else project["dependencies"]
    return {canonical(Requirement(line).name) for line in lines}


def test_what_is_imported_is_stated() -> None:
    """Each distribution that the packages import is a stated dependency, or belongs to one that is."""
    known = stated() | set(COMES_WITH) | {"muniment"} | (stated(sample=True) & imported("compliance/sample"))
    assert imported(*PACKAGES) - known == set()


def test_what_is_stated_is_needed() -> None:
    """No dependency is stated that nothing imports."""
    assert stated() - imported(*PACKAGES) - set(NOT_IMPORTED) == set()


def test_the_sample_alone_imports_what_is_stated_for_it() -> None:
    """The product never imports what is installed for the sample organisation only."""
    inside = {path for folder in PACKAGES for path in (ROOT / folder).rglob("*.py")}
    outside = [path for path in inside if "sample" not in path.parts]
    names = {canonical(name).replace("-", "_") for name in stated(sample=True)}
    assert {path.name for path in outside if modules(path) & names} == set()


def test_what_comes_with_another_comes_with_something_stated() -> None:
    """Each distribution taken on another's account leads to one that is stated."""
    for name in COMES_WITH:
        owner = name
        while owner in COMES_WITH:
            owner = COMES_WITH[owner]
        assert owner in stated(), name
