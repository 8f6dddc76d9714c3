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

from collectors.attestations import accept as attestations
from collectors.consents import accept as consents
from collectors.contracts import accept as contracts
from collectors.erasures import accept as erasures
from collectors.exceptions import accept as exceptions
from collectors.purposes import accept as purposes
from collectors.registry import READERS
from compliance.canonical import strict_json
from compliance.library import load_library
from compliance.settings import Settings
from tests import generated_docs

ROOT = generated_docs.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCED = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
ENDPOINT = re.compile(
    r"/api/v1/[a-z-]+(?:/[a-z-]+)*|/log/(?:checkpoint|vkey)|/(?:healthz|readyz|metrics|openapi\.json)\b"
)
TARGET = re.compile(r"^([a-z]+):.*?  ## \S", re.MULTILINE)


def name(page: Path) -> str:
    """A page as tests are told apart by it."""
    return page.relative_to(ROOT).as_posix()


def fenced(page: Path, *languages: str) -> list[str]:
    """The blocks of a page in one of the languages."""
    return [text for language, text in FENCED.findall(page.read_text()) if language in languages]


def shown(page: Path) -> list[str]:
    """The commands that a page shows, without their comments and what is piped into them."""
    typed = "\n".join(fenced(page, "sh")).replace("\\\n", " ").splitlines()
    typed += [
        line[2:] for text in fenced(page, "console") for line in text.splitlines() if line.startswith("$ ")
    ]
    lines = [line.split("  #")[0].strip() for line in typed]
    return [line.split("|")[-1].strip().removeprefix(".venv/bin/") for line in lines if line]


def named_in_sentences(page: Path) -> list[str]:
    """The ``muniment`` calls in a page's sentences and tables that state no placeholder in capitals."""
    prose = FENCED.sub("", page.read_text())
    calls = re.findall(r"`(muniment [a-z][^`]*)`", prose)
    return [call for call in calls if not re.search(r"\b[A-Z]{2,}\b", call.partition("--")[0])]


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as code hosts make them."""
    headings = HEADING.findall(FENCED.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
def test_every_command_named_exists(page: Path) -> None:
    """A command that a sentence names is one of the program's; what a later version brings is said so by name."""
    cli = importlib.import_module("compliance.cli")
    known = {command for command, _ in generated_docs.commands(cli.app)} | {"recover"}
    known |= {command.split()[0] for command in known}
    called = {" ".join(call.split()[1:]) for call in named_in_sentences(page)}
    assert {call for call in called if not any(f"{call} ".startswith(f"{one} ") for one in known)} == set()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_endpoint_named_exists(page: Path) -> None:
    """Each endpoint that a page names is one that is served, or the base to which OPA adds ``/logs``."""
    web = importlib.import_module("web.app")
    served = {route.path for router in web.ROUTERS for route in router.routes}
    served |= {re.sub(r"/\{.*", "", path) for path in served} | {"/openapi.json", "/api/v1/opa"}
    assert set(ENDPOINT.findall(page.read_text())) - served == set()


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
    relative = [(link, part) for link, part in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link, _ in relative if not (page.parent / link).exists()] == []
    lost = [
        (link, part) for link, part in relative
        if part and part not in anchors(page.parent / link if link else page)
    ]  # fmt: skip
    assert lost == []


def test_every_page_is_listed() -> None:
    """A reader of docs/README.md finds every page beside it."""
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {page.name for page in (ROOT / "docs").glob("*.md")}
    assert {page for page in pages if page not in index} == set()


def test_the_table_of_facts_is_current() -> None:
    """The page on controls lists every kind of fact with its fields; ``make docs`` writes it."""
    written = generated_docs.part(generated_docs.CONTROLS.read_text(), "facts")
    assert written == generated_docs.facts_table()


def test_the_form_of_a_control_loads_as_it_is_shown() -> None:
    """The family in the page on controls is taken beside the shipped library, its examples judged."""
    written, *_ = fenced(generated_docs.CONTROLS, "yaml")
    folder = ROOT / "controls"
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.yaml")}
    schemas = {schema.name: schema for schema in generated_docs.schemas()}
    library = load_library({**files, "example-keys.yaml": written}, schemas)
    assert [check.id for check in library.control_of("EXK-01").checks] == ["example-rotation-on"]


def test_the_settings_shown_to_the_operator_load() -> None:
    """Each block of settings in the operator's page is valid as it stands."""
    for block in fenced(generated_docs.OPERATOR, "toml"):
        assert Settings.model_validate(tomllib.loads(block)) != Settings()


def test_bodies_that_are_shown_are_taken() -> None:
    """Each JSON body that a page shows being sent has the form that its endpoint demands."""
    forms = {"consents": consents, "erasures": erasures, "purposes": purposes, "attestations": attestations,
             "exceptions": exceptions}  # fmt: skip
    sent = {}
    for page in PAGES:
        for endpoint, body in re.findall(r"/api/v1/([a-z]+)\" -d '(.*?)'", page.read_text(), re.DOTALL):
            forms[endpoint].FORM.check(
                strict_json(re.sub(r'"key": "[^"]*"', f'"pseudonym": "{"0" * 32}"', body).encode())
            )
            sent[endpoint] = page
    assert sent.keys() == forms.keys()
    (contract,) = (
        text for text in fenced(ROOT / "docs" / "engineer.md", "json") if "permitted_purposes" in text
    )
    contracts.FORM.check(strict_json(contract.encode()))


def test_every_violation_has_its_rule() -> None:
    """Each code that an answer may state is explained, to the officer and in the rules, and no other."""
    folder = ROOT / "compliance" / "lineage"
    source = "".join((folder / name).read_text() for name in ("violations.py", "further.py"))
    stated = set(re.findall(r'(?:Violation|_about_consent)\(\s*"([a-z]+(?:-[a-z]+)+)"', source))
    assert len(stated) == 15
    for page in ("dpo.md", "record-usage.md"):
        rows = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / page).read_text(), re.MULTILINE)
        assert set(rows) == stated, page


def test_every_kind_of_entry_is_listed() -> None:
    """Whatever a reader reads, or the service itself appends, is in the table of kinds."""
    page = (ROOT / "docs" / "evidence-log.md").read_text()
    read = {kind for reader in READERS for kind in reader.kinds}
    own = {"library/1", "config/1", "lookup/1", "report/1", "access/1"}
    assert {kind for kind in read | own if f"`{kind}`" not in page} == set()


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
        "aws-s3",
        "mlflow",
        "scim",
        "github",
        "register",
        "deletion-log",
        "push",
    }


def test_the_example_configuration_shows_every_group() -> None:
    """Each setting of the first level is shown in the example, if only as a comment, but those for the environment."""
    text = (ROOT / "muniment.example.toml").read_text()
    for_the_environment = {"database_url", "database_url_file"}
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
