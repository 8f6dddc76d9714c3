"""Where OpenLineage events hold SQL, whose literals may be raw record keys. Pure.

The ``sql`` job facet (SQLJobFacet 1-1-0 states a dialect), tests that are SQL (TestRunFacet),
predicates and scan filters of table formats, and literals of parsed Spark plans.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collectors.pushed.redaction import SqlText
from collectors.pushed.spans import Path
from compliance.canonical import Json

PREDICATES = frozenset({"predicate", "predicates", "filterDescription"})
"""Members of facets that hold an expression: Delta's operation parameters, Iceberg's scan report."""
SQL_CONTENT = frozenset({"sql", "expression"})
SPARK_LITERAL = ".catalyst.expressions.Literal"


def sql_texts(event: Json) -> Iterator[SqlText]:
    """Every SQL text in the event's facets."""
    stack: list[tuple[Path, Json]] = [((), event)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, Mapping):
            yield from _in_object(path, value)
            stack += [((*path, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            stack += [((*path, number), inner) for number, inner in enumerate(value)]


def _in_object(path: Path, value: Mapping[str, Json]) -> Iterator[SqlText]:
    if not any(str(part).lower().endswith("facets") for part in path):
        return
    if path[-1] == "sql" and isinstance(value.get("query"), str):
        yield SqlText((*path, "query"), _text(value.get("dialect")))
    if isinstance(value.get("content"), str) and _text(value.get("contentType")) in SQL_CONTENT:
        yield SqlText((*path, "content"))
    if str(value.get("class", "")).endswith(SPARK_LITERAL) and value.get("value") is not None:
        yield SqlText((*path, "value"), is_literal=True)
    for name in value:
        if name == "sql" or name in PREDICATES:
            yield from _expressions((*path, name), value[name])


def _expressions(path: Path, value: Json) -> Iterator[SqlText]:
    if isinstance(value, str):
        yield SqlText(path)
    elif isinstance(value, list):
        yield from (SqlText((*path, number)) for number, inner in enumerate(value) if isinstance(inner, str))


def _text(value: Json) -> str | None:
    return value.lower() if isinstance(value, str) else None
