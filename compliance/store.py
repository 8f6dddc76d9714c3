"""One organisation's store, opened: log, projections, operational tables and key spaces together.

``create`` and ``open`` are different calls: nothing creates a store by accident. What sways answers
(library, configuration) is appended to the log by ``record_configuration`` at start and at each
change, and is read from there ever after.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable

from sqlalchemy import text

from compliance.anchor import Anchor, configured_place
from compliance.canonical import Json, canonical, sha256_hex, strict_json
from compliance.collecting import COLLECTION, Former, former_items
from compliance.databases import Databases, databases_of
from compliance.duties import Duties
from compliance.errors import (
    InputRefused,
    LibraryInvalid,
    NotFound,
    StoreExists,
    StoreMissing,
)
from compliance.evidence import CollectorName, Observation
from compliance.facts import FactSchema, Reader
from compliance.keyspaces import KeySpaces
from compliance.library import Derivation, Library, load_library
from compliance.log import EvidenceLog
from compliance.membership import members_of
from compliance.objects import LONGEST
from compliance.place import place_of
from compliance.projections import Projections
from compliance.scope import SCOPE_KIND
from compliance.settings import Settings

VERSION = "0.1.0"
PROGRAM = f"muniment/{VERSION}"
"""The judging program. A change of any verdict on the same entries takes a new version."""
ITSELF = CollectorName("muniment", VERSION)
KNOWN_BYTES = 16
SAMPLE_SUFFIX = "/sample"
"""The origin of a log of sample data ends so; every page and report then says "sample data"."""


class Store:
    """Everything of one organisation that the machine holds, opened for use."""

    def __init__(
        self,
        settings: Settings,
        log: EvidenceLog,
        *,
        databases: Databases,
        readers: Sequence[Reader],
        derivations: Mapping[str, Derivation],
        clock: Callable[[], datetime],
        anchor: Anchor | None = None,
    ) -> None:
        self.settings = settings
        self.log = log
        self.operations = databases.operations()
        self.clock = clock
        self.key_spaces = KeySpaces.from_settings(settings.key_spaces)
        self.projections = Projections(
            settings.home, log, readers, program=PROGRAM, generations=databases.generations()
        )
        self.readers = readers
        self.derivations = derivations
        self.schemas = schemas_of(readers, derivations)
        self.kind_facts = _kind_facts(readers)
        self._configurations: dict[tuple[int | None, int | None], Mapping[str, Json]] = {}
        self._duties: Duties | None = None
        log.keep_by(self.kept_for)
        self.anchor = anchor
        if anchor is not None:
            log.after_append = anchor.tell

    @property
    def sample(self) -> bool:
        """Whether this is sample data; its pages and reports say so."""
        return self.log.origin.endswith(SAMPLE_SUFFIX)

    @classmethod
    def create(
        cls,
        settings: Settings,
        *,
        readers: Sequence[Reader],
        derivations: Mapping[str, Derivation],
        clock: Callable[[], datetime],
    ) -> Store:
        """Make keys, log and databases, and append library and configuration as the first entries.

        Raises StoreExists where there is one, LibraryInvalid before anything is made.
        """
        if (settings.home / "log").exists():
            raise StoreExists(f"There is a store in {settings.home} already; init never overwrites one.")
        load_library(library_files(settings), schemas_of(readers, derivations))
        KeySpaces.from_settings(settings.key_spaces)
        origin = settings.evidence.origin or f"muniment.local/{secrets.token_hex(4)}"
        databases = databases_of(settings)
        place = place_of(settings, clock)
        databases.prepare()
        log = EvidenceLog.create(settings.home, origin=origin, clock=clock, head=databases.head, place=place)
        databases.upgrade()
        store = cls(
            settings, log, databases=databases, readers=readers, derivations=derivations, clock=clock,
            anchor=anchor_of(settings, log),
        )  # fmt: skip
        store.record_configuration()
        return store

    @classmethod
    def open(
        cls,
        settings: Settings,
        *,
        readers: Sequence[Reader],
        derivations: Mapping[str, Derivation],
        clock: Callable[[], datetime],
    ) -> Store:
        """Open what ``create`` made. Raises StoreMissing, StoreUnavailable, StoreTampered."""
        if not (settings.home / "log").exists():
            raise StoreMissing(f"There is no store in {settings.home}; `muniment init` creates one.")
        databases = databases_of(settings)
        databases.require_newest()
        log = EvidenceLog.open(
            settings.home, clock=clock, head=databases.head, place=place_of(settings, clock)
        )
        try:
            if anchor := anchor_of(settings, log):
                anchor.take_up()
            return cls(
                settings, log, databases=databases, readers=readers, derivations=derivations, clock=clock,
                anchor=anchor,
            )  # fmt: skip
        except BaseException:
            log.close()
            raise

    def close(self) -> None:
        """Let go of the log and the databases."""
        if self.anchor is not None:
            self.anchor.close()
        self.projections.close()
        self.log.close()
        self.operations.dispose()

    # --- how long content is kept --------------------------------------------------------------

    def kept_for(self, kind: str) -> timedelta:
        """How long the payloads of a kind of entry are kept; the longest there is while there is no library."""
        try:
            self._duties = self._duties or self.duties()
        except (NotFound, LibraryInvalid):
            return LONGEST
        return self._duties.of(kind).span

    def duties(self) -> Duties:
        """The duties by the library and the scope in force now. Raises NotFound where there is no library yet."""
        size = self.projections.catch_up()
        return self._duties_by(self.library_of(self.library_digest(size)), size)

    def _duties_by(self, library: Library, size: int) -> Duties:
        scope = self.config_in_force(size).get("scope") or {}
        return Duties(
            library, kind_facts=self.kind_facts, derivations=self.derivations,
            frameworks=scope.get("frameworks") or (),
        )  # fmt: skip

    # --- what judgement reads, as entries ------------------------------------------------------

    def record_configuration(self) -> None:
        """Append the library and the configuration where they differ from the last entries of them.

        Raises LibraryInvalid with every fault, before anything is appended.
        """
        library = library_files(self.settings)
        loaded = load_library(library, self.schemas)
        config = self.settings.judged_configuration(self.key_spaces.key_ids())
        for kind, body in (("library/1", canonical(library)), ("config/1", canonical(config))):
            index, digest = self._last_of(kind, self.projections.catch_up()) or (-1, "")
            if digest != sha256_hex(body):
                # Known by what it follows: of two processes that do this at once, one appends.
                said = f"{kind} {digest} {index} {sha256_hex(body)}".encode()
                known = (hmac.digest(self.log.dedupe_key, said, "sha256")[:KNOWN_BYTES],)
                self.log.append([Observation(kind, "muniment", ITSELF, body, known=known)])
        self._duties = self._duties_by(loaded, self.projections.catch_up())

    def _last_of(self, kind: str, log_size: int) -> tuple[int, str] | None:
        """Index and payload digest of the last entry of a kind among the first ``log_size``."""
        with self.projections.connect() as connection:
            row = connection.execute(
                text(
                    "SELECT log_index, sha256 FROM entry WHERE kind = :kind AND log_index < :size"
                    " ORDER BY log_index DESC LIMIT 1"
                ),
                {"kind": kind, "size": log_size},
            ).first()
        return None if row is None else (row.log_index, row.sha256)

    def library_digest(self, log_size: int) -> str:
        """The digest of the library in force: that of the last library entry among the first N."""
        found = self._last_of("library/1", log_size)
        if found is None:
            message = f"No control library is among the first {log_size} entries; `muniment serve` or `collect` appends it."
            raise NotFound(message, field="log_size")
        return found[1]

    def full_digest(self, digest: str) -> str:
        """The one library digest in the log that starts so. Raises NotFound, naming those there are."""
        known = sorted(self._library_entries())
        hits = [full for full in known if digest and full.startswith(digest)]
        if len(hits) != 1:
            listed = ", ".join(full[:12] for full in known)
            raise NotFound(
                f"No one library has the digest {digest!r}; the log has {listed}.", field="library"
            )
        return hits[0]

    def library_of(self, digest: str) -> Library:
        """The library of a digest, as the log holds it."""
        index = self._library_entries()[digest]
        body = self.log.body(self.log.entry(index))
        if body is None:
            raise NotFound(f"The library entry {index} has no content.", field="library")
        return load_library(strict_json(body, what="library"), self.schemas)

    def _library_entries(self) -> dict[str, int]:
        self.projections.catch_up()
        with self.projections.connect() as connection:
            rows = connection.execute(
                text("SELECT sha256, min(log_index) FROM entry WHERE kind = 'library/1' GROUP BY sha256")
            ).all()
        return {sha: index for sha, index in rows}  # noqa: C416 (rows are no pairs to mypy)

    def manifest_base(
        self, namespace: str, name: str, key_space: str, key_id: str
    ) -> tuple[int, list[str]] | None:
        """The newest manifest of a dataset under a key id, from whichever source: its log index and members."""
        wanted = {"namespace": namespace, "name": name, "key_space": key_space, "key_id": key_id}
        self.projections.catch_up()
        with self.projections.connect() as connection:
            rows = connection.execute(
                text("SELECT log_index, value FROM received WHERE kind = 'manifest' ORDER BY log_index DESC")
            )
            index = next(
                (index for index, value in rows if wanted.items() <= json.loads(value).items()), None
            )
            if index is None:
                return None
            return index, [member.hex() for member in members_of(connection, index)]

    def former_items(self, source: str) -> Former:
        """What the last runs of a source brought, by scope and request: see ``collecting``."""
        self.projections.catch_up()
        with self.projections.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT log_index FROM entry WHERE kind = :kind AND source = :source ORDER BY log_index DESC"
                ),
                {"kind": COLLECTION, "source": source},
            ).all()
            named = text("SELECT log_index FROM unreadable WHERE source = :source AND by_index IS NOT NULL")
            gone = {index for (index,) in connection.execute(named, {"source": source})}
        found = former_items(self.log, source, [index for (index,) in rows if index not in gone])
        # What was erased or has expired is brought anew, if the source still has it.
        return {key: held for key, held in found.items() if int(held[1].partition("/")[0]) not in gone}

    def config_index(self, log_size: int) -> int | None:
        """Where the configuration in force lies: the last one among the first N entries."""
        found = self._last_of("config/1", log_size)
        return None if found is None else found[0]

    def config_in_force(self, log_size: int) -> Mapping[str, Json]:
        """The judgement-relevant configuration: the last one among the first N entries.

        Its scope is that of the last scope entry among them, where there is one.
        """
        index, scope = self.config_index(log_size), self.scope_index(log_size)
        if (index, scope) not in self._configurations:
            config = {} if index is None else self._json_of(index, "configuration")
            stated = {} if scope is None else {"scope": self._json_of(scope, "scope")}
            self._configurations[index, scope] = {**config, **stated}
        return self._configurations[index, scope]

    def scope_index(self, log_size: int) -> int | None:
        """Where the scope in force was stated as an entry; None while the configuration's stands."""
        found = self._last_of(SCOPE_KIND, log_size)
        return None if found is None else found[0]

    def _json_of(self, index: int, what: str) -> dict[str, Json]:
        found: dict[str, Json] = strict_json(self.log.body(self.log.entry(index)) or b"{}", what=what)
        return found


def anchor_of(settings: Settings, log: EvidenceLog) -> Anchor | None:
    """The second place that knows what was signed last; None where none is configured."""
    place = configured_place(settings.evidence)
    return None if place is None else Anchor(place, log)


def schemas_of(readers: Sequence[Reader], derivations: Mapping[str, Derivation]) -> dict[str, FactSchema]:
    """The schema of every kind of fact, base or derived, by name."""
    schemas = {schema.name: schema for reader in readers for schema in reader.schemas}
    return schemas | {name: derivation.schema for name, derivation in derivations.items()}


def _kind_facts(readers: Sequence[Reader]) -> dict[str, tuple[str, ...]]:
    """Which fact types a kind of source shows: those of the reader of its entries."""
    return {
        kind.split("/", 1)[0]: tuple(schema.name for schema in reader.schemas)
        for reader in readers
        for kind in reader.kinds
    }


def library_files(settings: Settings) -> dict[str, str]:
    """The library's YAML files, by path relative to its folder with forward slashes."""
    root: Traversable = files("controls") if settings.controls is None else settings.controls
    if not root.is_dir():
        raise InputRefused(f"The control library {root} is no folder.", field="controls")
    try:
        return dict(sorted(_yaml_below(root, "")))
    except (OSError, UnicodeDecodeError) as error:
        raise InputRefused(f"The control library cannot be read: {error}.", field="controls") from error


def _yaml_below(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for item in folder.iterdir():
        if item.is_dir() and not item.name.startswith((".", "_")):
            found += _yaml_below(item, f"{prefix}{item.name}/")
        elif item.name.endswith(".yaml"):
            found.append((prefix + item.name, item.read_text(encoding="utf-8")))
    return found


__all__ = ["ITSELF", "PROGRAM", "VERSION", "LibraryInvalid", "Store"]
