"""The documentation: what it promises exists, and what exists is in it."""

from __future__ import annotations

import html
import importlib
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from compliance.settings import Settings
from tests import generated_docs

ROOT = generated_docs.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
TARGET = re.compile(r"^([a-z]+):.*?  ## \S", re.MULTILINE)


def name(page: Path) -> str:
    """A page as tests are told apart by it."""
    return page.relative_to(ROOT).as_posix()


def shown(page: Path) -> list[str]:
    """The commands that a page shows, without their comments and what is piped into them."""
    lines = [
        line.split("  #")[0].strip()
        for block in FENCED.findall(page.read_text())
        for line in block.splitlines()
    ]
    return [line.split("|")[-1].strip().removeprefix(".venv/bin/") for line in lines if line]


def pyproject() -> dict[str, Any]:
    """The project's own statement."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def requirements() -> set[str]:
    """Every package that the project names as needed, for whatever."""
    stated = pyproject()
    groups = [
        stated["project"]["dependencies"],
        *stated["project"]["optional-dependencies"].values(),
        *stated["dependency-groups"].values(),
        stated["build-system"]["requires"],
    ]
    return {Requirement(text).name.lower() for group in groups for text in group}


def test_every_setting_has_a_meaning() -> None:
    """The description of a setting is its line in the documentation, so none is without."""
    assert [path for path, field in generated_docs.settings() if not field.description] == []


def test_the_table_of_settings_is_current() -> None:
    """The operator's page lists every setting as the program knows it; ``make docs`` writes it."""
    written = generated_docs.part(generated_docs.OPERATOR.read_text(), "settings")
    assert written == generated_docs.settings_table()


def test_the_table_of_settings_tells_lists_from_maps() -> None:
    """A setting inside a list has no environment variable of its own; one inside a map has the map's key in it."""
    paths = dict(generated_docs.settings())
    assert "sources[].kind" in paths
    assert generated_docs.variable("sources[].kind") == ""
    assert (
        generated_docs.variable("key_spaces.NAME.secret_file") == "`MUNIMENT_KEY_SPACES__NAME__SECRET_FILE`"
    )


def test_the_table_of_commands_is_current() -> None:
    """The operator's page lists every command as the program knows it; ``make docs`` writes it."""
    cli = importlib.import_module("compliance.cli")
    written = generated_docs.part(generated_docs.OPERATOR.read_text(), "commands")
    assert written == generated_docs.commands_table(cli.app)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_shown_is_understood(page: Path) -> None:
    """Each ``muniment`` call that a page shows names a command, options and arguments that exist."""
    calls = [shlex.split(line)[1:] for line in shown(page) if line.startswith("muniment ")]
    if not calls:
        return
    cli = importlib.import_module("compliance.cli")
    for call in calls:
        generated_docs.parse(cli.app, call)


def test_a_command_that_does_not_exist_is_noticed() -> None:
    """The test of shown commands can fail: an unknown command or option is refused."""
    cli = importlib.import_module("compliance.cli")
    for call in (["collekt"], ["verify", "--quickly"], ["token", "create"]):
        with pytest.raises(LookupError):
            generated_docs.parse(cli.app, call)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_shown_exists(page: Path) -> None:
    """Each ``make`` call that a page shows, in a block or in a sentence, names targets of the Makefile."""
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))
    calls = [line for line in shown(page) if line.startswith("make")]
    calls += re.findall(r"`(make [a-z ]+)`", page.read_text())
    named = {word for call in calls for word in shlex.split(call)[1:] if word.isalpha()}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Each relative link and picture of a page is a file of this repository."""
    relative = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in relative if not (page.parent / link).exists()] == []


def test_the_readme_shows_how_to_run_and_test() -> None:
    """A stranger finds ``make run`` and ``make test`` in the README."""
    assert {"make run", "make test", "make setup"} <= set(shown(ROOT / "README.md"))


def test_every_target_is_described() -> None:
    """``make`` alone lists every target with what it does."""
    text = (ROOT / "Makefile").read_text()
    stated = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split()
    assert set(stated) == set(TARGET.findall(text))


def test_every_dependency_has_its_line() -> None:
    """Each package that is depended on is explained, with its rivals, in the decisions."""
    page = (ROOT / "docs" / "adr" / "dependencies.md").read_text().lower()
    cells = {
        part.strip() for row in re.findall(r"^\| ([^|]+) \|", page, re.MULTILINE) for part in row.split(",")
    }
    assert requirements() - cells == set()


def test_every_decision_says_what_it_costs() -> None:
    """Each decision is numbered in sequence, indexed, and names its rivals and negative consequences."""
    folder = ROOT / "docs" / "adr"
    decisions = sorted(folder.glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [
        f"{number:04}" for number in range(1, len(decisions) + 1)
    ]
    index = (folder / "README.md").read_text()
    for path in decisions:
        text = path.read_text()
        assert path.name in index
        assert "## Rivals" in text
        assert text.split("## Negative consequences\n")[1].count("\n- ") >= 2, path.name


@pytest.mark.parametrize("source", sorted((ROOT / "docs" / "pictures").glob("*.dot")), ids=name)
def test_every_picture_is_drawn_from_its_source(source: Path) -> None:
    """Each word of a drawing's source is in the drawing beside it; ``make pictures`` draws it."""
    drawn = html.unescape(source.with_suffix(".svg").read_text()).replace("\N{NO-BREAK SPACE}", " ")
    labels = re.findall(r'label="([^"]*)"', source.read_text())
    words = {word for label in labels for word in re.split(r"\\[nl]|\s", label) if word}
    assert {word for word in words if word not in drawn} == set()


def test_the_example_configuration_loads() -> None:
    """``muniment.example.toml`` is a valid configuration as it stands."""
    stated = tomllib.loads((ROOT / "muniment.example.toml").read_text())
    loaded = Settings.model_validate(stated)
    assert {source.kind for source in loaded.sources} == {
        "aws-iam",
        "aws-kms",
        "mlflow",
        "deletion-log",
        "push",
    }


def test_the_example_configuration_shows_every_group() -> None:
    """Each setting of the first level is shown in the example, if only as a comment, but those for the environment."""
    text = (ROOT / "muniment.example.toml").read_text()
    for_the_environment = {"database_url"}
    missing = {
        field
        for field in Settings.model_fields
        if not re.search(rf"^(# )?(\[\[?)?{field}\b", text, re.MULTILINE)
    }
    assert missing == for_the_environment


def test_the_changelog_has_a_place_for_what_is_new() -> None:
    """The changelog begins with what is not released yet."""
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
