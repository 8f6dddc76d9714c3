"""The answer about a record as W3C PROV: versions are entities, runs activities, who used them agents.

Pure. PROV-JSON and PROV-N by the library ``prov``; times are UTC. Qualified names are of our own namespace and numbered,
since names of datasets hold what a qualified name may not; what each stands for is its ``prov:label``. The pseudonym is
stated once, on the record itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise

from prov.model import PROV_LABEL, PROV_TYPE, ProvActivity, ProvAgent, ProvDocument, ProvEntity

from compliance.canonical import Json, parse_time
from reports.usage import consumer_name

NAMESPACE = "https://muniment.example/prov#"
"""An identifier, not an address: nothing is fetched from it."""


def usage_prov(answer: Mapping[str, Json]) -> ProvDocument:
    """The versions that hold the record, the runs that used it, by which way, and who they did it for."""
    document = ProvDocument()
    document.add_namespace("muniment", NAMESPACE)
    writing = _Writing(document, answer)
    for use in answer["uses"]:
        writing.add_use(use)
    return document


def as_prov_json(document: ProvDocument) -> bytes:
    """PROV-JSON (W3C Member Submission of 24 April 2013), keys in a stated order."""
    text = document.serialize(format="json", indent=2, sort_keys=True, ensure_ascii=False)
    return f"{text}\n".encode()


def as_prov_n(document: ProvDocument) -> bytes:
    """PROV-N (W3C Recommendation of 30 April 2013)."""
    text = document.get_provn()
    return f"{text}\n".encode()


class _Writing:
    """Adds each thing once, under a name of its own."""

    def __init__(self, document: ProvDocument, answer: Mapping[str, Json]) -> None:
        self.document = document
        self.record = document.entity("muniment:record", {
            PROV_TYPE: "muniment:Record", "muniment:keySpace": answer["key_space"],
            "muniment:pseudonym": answer["pseudonym"], "muniment:asOf": answer["as_of"],
            "muniment:logSize": answer["log_size"], "muniment:complete": answer["complete"],
        })  # fmt: skip
        self._versions: dict[str, ProvEntity] = {}
        self._runs: dict[str, ProvActivity] = {}
        self._agents: dict[str, ProvAgent] = {}
        self._stated: set[tuple[str, ...]] = set()
        for dataset in answer["datasets"]:
            self._add_version(dataset)

    def add_use(self, use: Mapping[str, Json]) -> None:
        """A run or decision, what it read, and on whose behalf."""
        run = self._run(f"run:{use['run_id']}", use)
        self._follow(use["path"])
        for consumer in use["consumers"]:
            name = f"{consumer['kind']} {consumer_name(consumer)}"
            agent = self._agent(name, consumer["kind"])
            if self._first("associated", str(run.identifier), name):
                self.document.wasAssociatedWith(run, agent)

    def _add_version(self, dataset: Mapping[str, Json]) -> None:
        entity = self._version(f"{dataset['namespace']}/{dataset['name']}@{dataset['version']}")
        said = {"muniment:certainty": dataset["certainty"], "muniment:influence": dataset["influence"]}
        entity.add_attributes(said)
        self.document.hadMember(entity, self.record)

    def _version(self, name: str) -> ProvEntity:
        if name not in self._versions:
            said = {PROV_TYPE: "muniment:DatasetVersion", PROV_LABEL: name}
            self._versions[name] = self.document.entity(f"muniment:version-{len(self._versions) + 1}", said)
        return self._versions[name]

    def _follow(self, path: list[str]) -> None:
        """Each hop: a run used the version before it, and generated the version after it."""
        for before, after in pairwise(path):
            if after.startswith("run:") and self._first("used", before, after):
                self.document.used(self._run(after), self._version(before))
            elif before.startswith("run:") and self._first("generated", after, before):
                self.document.wasGeneratedBy(self._version(after), self._run(before))

    def _run(self, name: str, use: Mapping[str, Json] | None = None) -> ProvActivity:
        if name not in self._runs:
            number = len(self._runs) + 1
            self._runs[name] = self.document.activity(
                f"muniment:run-{number}",
                other_attributes={PROV_TYPE: "muniment:Run", PROV_LABEL: name.removeprefix("run:")},
            )
        if use is not None:
            self._describe(self._runs[name], use)
        return self._runs[name]

    def _describe(self, run: ProvActivity, use: Mapping[str, Json]) -> None:
        run.set_time(_time(use["started_at"]), _time(use["ended_at"]))
        said = [("muniment:purpose", use["purpose"]), ("muniment:certainty", use["certainty"])]
        said += [("muniment:lawfulBasis", use["lawful_basis"])] if use["lawful_basis"] else []
        said += [("muniment:violation", one["code"]) for one in use["violations"]]
        said += [("muniment:evidence", one) for one in use["evidence"]]
        run.add_attributes(said)

    def _agent(self, name: str, kind: str) -> ProvAgent:
        if name not in self._agents:
            said = {PROV_TYPE: f"muniment:{kind.capitalize()}", PROV_LABEL: name.partition(" ")[2]}
            self._agents[name] = self.document.agent(f"muniment:agent-{len(self._agents) + 1}", said)
        return self._agents[name]

    def _first(self, *relation: str) -> bool:
        new = relation not in self._stated
        self._stated.add(relation)
        return new


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)
