"""Whether an answer can be performed again in full: not where content it drew on is gone by a later entry."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text

from compliance.bounds import BOUNDS
from compliance.canonical import Json
from compliance.projections import Projections


def gone_since(projections: Projections, log_size: int) -> Mapping[str, Json]:
    """What an answer by the first entries states of content that they had and that is gone now; nothing if none is.

    ``not_reperformable`` is a sentence for each entry by which content went: what was answered before it
    cannot be performed again in full.
    """
    said = gone_sentences(projections, log_size)
    return {"not_reperformable": list(said)} if said else {}


def gone_sentences(projections: Projections, log_size: int) -> tuple[str, ...]:
    """The same sentences, for pages and reports."""
    statement = text(
        "SELECT by_index, count(*), min(why) FROM unreadable"
        " WHERE log_index < :size AND by_index >= :size GROUP BY by_index ORDER BY by_index"
    )
    with projections.connect() as connection:
        rows = connection.execute(statement, {"size": log_size}).all()
    return tuple(
        f"of {count} of the first {log_size} entries: {why}; what was answered before can no longer be re-performed"
        " in full"
        for _, count, why in rows
    )


def bounded_between(projections: Projections, start: int, stop: int) -> bool:
    """Whether one of these entries took away what earlier ones had said."""
    names = {f"kind{number}": kind for number, kind in enumerate(BOUNDS)}
    statement = text(
        "SELECT 1 FROM entry WHERE log_index >= :start AND log_index < :stop"  # noqa: S608 (names of parameters)
        f" AND kind IN ({', '.join(f':{name}' for name in names)})"
    )
    with projections.connect() as connection:
        found = connection.execute(statement, {"start": start, "stop": stop, **names})
        return found.first() is not None
