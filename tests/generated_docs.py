"""The parts of the documentation that are made from the program: settings, commands and kinds of fact.

``make docs`` writes them between the markers ``<!-- made: NAME -->`` and ``<!-- end -->``; a test compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from collectors.registry import READERS
from compliance.derived import DERIVATIONS
from compliance.facts import FactSchema, Field
from compliance.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
OPERATOR = ROOT / "docs" / "operator.md"
CONTROLS = ROOT / "docs" / "controls.md"
PREFIX = "MUNIMENT_"
END = "<!-- end -->"


def table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table; a bar in a cell is escaped."""
    lines = [columns, ("---",) * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# --- settings ------------------------------------------------------------------------------------


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The group of settings that a field's type holds, singly or in a list or map."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := model_in(part)) is not None), None)


def place(name: str, annotation: Any) -> str:
    """How a group is written in front of its fields: ``sources[].``, ``key_spaces.NAME.``, ``scope.``."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return place(name, next(part for part in get_args(annotation) if part is not type(None)))
    if origin is dict:
        return f"{name}.NAME."
    depth = 0
    while get_origin(annotation) is tuple:
        annotation, depth = get_args(annotation)[0], depth + 1
    return f"{name}{'[]' * depth}."


def settings(model: type[BaseModel] = Settings, before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every single setting with its dotted path."""
    for name, field in model.model_fields.items():
        group = model_in(field.annotation)
        if group is None:
            yield before + name, field
        else:
            yield from settings(group, before + place(name, field.annotation))


def variable(path: str) -> str:
    """The environment variable of a setting; what stands in a list has none of its own."""
    if "[]" in path:
        return ""
    return f"`{PREFIX}{path.replace('.', '__').upper()}`"


def default(field: FieldInfo) -> str:
    """The default as a person would write it."""
    if field.is_required():
        return "required"
    value = field.default
    if value in (None, (), "") and not isinstance(value, bool):
        return ""
    return f"`{value}`"


def settings_table() -> str:
    """One row for each setting."""
    rows = [
        (f"`{path}`", variable(path), default(field), field.description or "") for path, field in settings()
    ]
    return table(("setting", "environment", "default", "meaning"), rows)


# --- commands ------------------------------------------------------------------------------------


def commands(app: typer.Typer) -> Iterator[tuple[str, str]]:
    """Every command as it is called, with the first sentence of its help."""
    found = [
        (command.name or name_of(command.callback), command.callback) for command in app.registered_commands
    ]
    for name, callback in found:
        yield name, first_paragraph(callback)
    for group in app.registered_groups:
        inner = group.typer_instance
        if inner is not None:
            yield from ((f"{group.name} {name}", text) for name, text in commands(inner))


def name_of(callback: Callable[..., Any] | None) -> str:
    """The name that Typer gives to a command that states none."""
    return callback.__name__.replace("_", "-") if callback else ""


def first_paragraph(callback: Callable[..., Any] | None) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(((callback and callback.__doc__) or "").split("\n\n")[0].split())


def commands_table(app: typer.Typer) -> str:
    """One row for each command."""
    return table(("command", "does"), [(f"`muniment {name}`", text) for name, text in sorted(commands(app))])


def parse(app: typer.Typer, words: list[str]) -> None:
    """Understand a call without carrying it out. Raises LookupError for what the program does not know."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    context: Any = None
    while rest and rest[0] in getattr(command, "commands", {}):
        context = typer.Context(command, parent=context, info_name=command.name)
        command = command.commands[rest.pop(0)]
    if rest == ["--help"]:
        return
    if hasattr(command, "commands"):
        raise LookupError(f"`muniment {' '.join(words)}` names no command")
    try:
        command.make_context(command.name, rest, parent=context)
    except typer.TyperException as error:
        raise LookupError(f"`muniment {' '.join(words)}`: {error}") from error


# --- facts ---------------------------------------------------------------------------------------


def schemas() -> list[FactSchema]:
    """The schema of every kind of fact, base ones first, each in order of name."""
    base = {schema.name: schema for reader in READERS for schema in reader.schemas}
    derived = {name: derivation.schema for name, derivation in DERIVATIONS.items()}
    return [found[name] for found in (base, derived) for name in sorted(found)]


def typed(field: Field) -> str:
    """A field with its type, as it is written in the documentation."""
    members = f"{{{', '.join(typed(one) for one in field.fields)}}}" if field.fields else ""
    return f"{field.name}: {field.type}{members}{'?' if field.optional else ''}"


def facts_table() -> str:
    """One row for each kind of fact."""
    rows = [
        (
            f"`{schema.name}`", schema.doc, ", ".join(f"`{typed(one)}`" for one in schema.fields),
            ", ".join(f"`{name}`" for name in schema.inputs) or ("a source" if schema.name not in DERIVATIONS else "the configured sources"),
        )
        for schema in schemas()
    ]  # fmt: skip
    return table(("fact", "is", "fields", "from"), rows)


# --- writing -------------------------------------------------------------------------------------


def part(text: str, name: str) -> str:
    """The generated part of that name in a document."""
    match = re.search(rf"<!-- made: {name} -->\n(.*?){END}", text, re.DOTALL)
    if match is None:
        raise LookupError(f"the document has no part named {name}")
    return match[1].strip()


def with_part(text: str, name: str, content: str) -> str:
    """The document with that part replaced."""
    mark = f"<!-- made: {name} -->\n"
    before, after = text.split(mark)
    return f"{before}{mark}{content}\n{after[after.index(END) :]}"


def write(app: typer.Typer) -> None:
    """Write every generated part."""
    text = OPERATOR.read_text()
    text = with_part(text, "settings", settings_table())
    OPERATOR.write_text(with_part(text, "commands", commands_table(app)))
    CONTROLS.write_text(with_part(CONTROLS.read_text(), "facts", facts_table()))


if __name__ == "__main__":
    from compliance.cli import app as muniment

    write(muniment)
