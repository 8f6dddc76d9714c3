"""Reads entries of schema registry collections: subjects with their latest schema. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from collectors.fields import Fields, fragment, text, text_or_none, whole
from collectors.forge.reading import answer, by_resource, is_absent
from collectors.items import items_of
from collectors.schema_registry.fields_of import Described, described
from collectors.schema_registry.schemas import SUBJECT
from compliance.canonical import Json
from compliance.errors import InputRefused
from compliance.facts import FactSchema, Opened, Reading, Unseen

AVRO = "AVRO"
Said = Mapping[str, Json]


class SchemaRegistryReader:
    """Reads ``schema-registry/1``."""

    kinds: tuple[str, ...] = ("schema-registry/1",)
    schemas: tuple[FactSchema, ...] = (SUBJECT,)

    def read(self, opened: Opened) -> Iterable[Reading]:
        """A fact for each subject."""
        for subject, items in by_resource(items_of(opened)).items():
            latest, versions = answer(items, "latest"), answer(items, "versions")
            own = None if is_absent(items, "own-config") else answer(items, "own-config")
            config = own if own is not None else answer(items, "config")
            fields: Fields = {
                "subject": partial(str, subject),
                **{name: partial(_of, latest, read) for name, read in LATEST.items()},
                "versions": partial(_of, versions, _count),
                "compatibility": partial(_of, config, _level),
                "compatibility_own": partial(_own, own),
            }
            yield fragment(items[0], "schema_subject", subject, "subject", fields)


READER = SchemaRegistryReader()


def _of(said: Json | Unseen, read: Callable[[Json], Json]) -> Json | Unseen:
    return said if isinstance(said, Unseen) else read(said)


def _own(own: Json | Unseen | None) -> Json | Unseen:
    return own if isinstance(own, Unseen) else own is not None


def _count(said: Json) -> int:
    if not isinstance(said, list):
        raise InputRefused("no list of versions")
    return len(said)


def _level(said: Json) -> str:
    """The answer names it ``compatibilityLevel``, in some registries ``compatibility``."""
    return text(said.get("compatibilityLevel") or said.get("compatibility"))


def _property(name: str) -> Callable[[Said], Json]:
    return lambda said: text_or_none(((said.get("metadata") or {}).get("properties") or {}).get(name))


def _schema(read: Callable[[Described], Json]) -> Callable[[Said], Json]:
    return lambda said: read(
        described(said.get("schemaType") or AVRO, text(said.get("schema")), said.get("metadata"))
    )


LATEST: Mapping[str, Callable[[Said], Json]] = {
    "latest_version": lambda said: whole(said.get("version")),
    "schema_id": lambda said: whole(said.get("id")),
    "schema_type": lambda said: text(said.get("schemaType") or AVRO),
    "fields": _schema(lambda found: sorted(found.fields)),
    "tags": _schema(lambda found: sorted({tag for _, tag in found.tagged} | set(found.tags))),
    "tagged_fields": _schema(lambda found: sorted(f"{path}:{tag}" for path, tag in found.tagged)),
    "dataset": _property("dataset"),
    "owner": _property("owner"),
    "data_class": _property("data_class"),
}
