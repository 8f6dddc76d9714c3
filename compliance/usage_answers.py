"""Answers around record usage: the erasure ledger, the question turned round, impact, and what is described.

Each names people only to who may see them, and each that does is itself an entry, sealed, before it leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from compliance.answers import Answers, Basis
from compliance.canonical import Json, canonical, evidence_id, format_time, from_micros, is_pseudonym, micros
from compliance.errors import InputRefused, NotFound
from compliance.evidence import Observation
from compliance.lineage import (
    ErasureRequest,
    Question,
    Scope,
    World,
    erasure_ledger,
    erasure_requests,
    record_usage,
)
from compliance.lineage.impact import described, impact
from compliance.lineage.reverse import Group, ModelUse, behind, groups
from compliance.membership import manifests_of_each, members_of
from compliance.store import ITSELF


class UsageAnswers:
    """Answers around record usage, over the answers of a store. Safe to share between threads."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    # --- the erasure ledger --------------------------------------------------------------------

    def erasures(self, basis: Basis) -> dict[str, Json]:
        """Every erasure request that is known, without whom it is about."""
        requests = (_unnamed(request.as_json()) for request in erasure_requests(self._world(basis)))
        return {"requests": list(requests), **basis.as_json()}

    def ledger(self, basis: Basis, request_id: str, *, who: str) -> dict[str, Json]:
        """The ledger of one request; reading it is an entry. Raises NotFound."""
        world = self._world(basis)
        found = [request for request in erasure_requests(world) if request.request_id == request_id]
        if not found:
            message = f"No completed erasure bears the request id {request_id!r} by then."
            raise NotFound(message, field="request_id")
        self._record(basis, who, f"Erasure ledger of the request {request_id}", {
            "key_space": found[0].person[0], "pseudonyms": sorted({request.person[1] for request in found}),
        })  # fmt: skip
        records = [self._ledger(world, request, basis) for request in found]
        return {"request_id": request_id, "records": records, **basis.as_json()}

    def _ledger(self, world: World, request: ErasureRequest, basis: Basis) -> dict[str, Json]:
        answer = record_usage(world, Question(*request.person, basis.at))
        return erasure_ledger(world, request, answer)

    # --- the question turned round -------------------------------------------------------------

    def records_of_model(
        self, basis: Basis, model: str, key_space: str, *, who: str, reason: str
    ) -> dict[str, Json]:
        """Which records of a key space a model used, for which purposes; asking is an entry."""
        name, _, version = model.partition("@")
        self._require(key_space, reason)
        world = self._world(basis)
        holdings = self._of_datasets(world, basis, key_space, behind(world, (name, version)))
        holdings |= {
            person[1]: self._holding(basis, key_space, [person[1]]).get(person[1], frozenset())
            for person in world.registers.decisions if person[0] == key_space and person[1] not in holdings
        }  # fmt: skip
        told = list(groups(world, Scope(key_space), holdings))
        people = [
            {"pseudonym": one, **_use(group.uses[name, version])}
            for group in told if (name, version) in group.uses for one in group.people
        ]  # fmt: skip
        self._record(basis, who, reason, {"key_space": key_space, "model": model, "people": len(people)})
        return {
            "model": {"name": name, "version": version or None}, "key_space": key_space,
            "records": sorted(people, key=lambda one: one["pseudonym"]), **_gaps(told), **basis.as_json(),
        }  # fmt: skip

    def touched(
        self, basis: Basis, key_space: str, pseudonyms: Sequence[str], *, who: str, reason: str
    ) -> dict[str, Json]:
        """Which models used the records of a list of people, such as those who withdrew; asking is an entry."""
        self._require(key_space, reason)
        wrong = next((number for number, one in enumerate(pseudonyms) if not is_pseudonym(one)), None)
        if wrong is not None:
            message = f"/pseudonyms/{wrong} is not 32 lower-case hex digits."
            raise InputRefused(message, field=f"/pseudonyms/{wrong}")
        world, asked = self._world(basis), sorted(set(pseudonyms))
        held = self._holding(basis, key_space, asked)
        told = list(groups(world, Scope(key_space), {one: held.get(one, frozenset()) for one in asked}))
        self._record(basis, who, reason, {"key_space": key_space, "people": len(asked)})
        return {
            "key_space": key_space,
            "asked": len(asked),
            "models": _models(told),
            **_gaps(told),
            **basis.as_json(),
        }

    # --- impact and description ----------------------------------------------------------------

    def impact(self, basis: Basis, namespace: str, name: str, column: str | None = None) -> dict[str, Json]:
        """What a change of a dataset or one of its columns would reach. Raises NotFound."""
        world = self._world(basis)
        if world.names((namespace, name)) not in world.datasets():
            raise NotFound(
                f"No event, manifest or contract names the dataset {namespace}/{name}.", field="name"
            )
        return {**impact(world, (namespace, name), column), **basis.as_json()}

    def described(self, basis: Basis) -> dict[str, Json]:
        """Which datasets have manifests, contracts, purposes and column lineage, and which have none."""
        return {"datasets": described(self._world(basis)), **basis.as_json()}

    # --- from the store ------------------------------------------------------------------------

    def _world(self, basis: Basis) -> World:
        return self.answers.usage.world(self.answers.facts(basis)).until(micros(basis.at))

    def _require(self, key_space: str, reason: str) -> None:
        if not reason.strip():
            raise InputRefused("A lookup needs a reason; it is recorded.", field="reason")
        self.answers.store.key_spaces.current_key_id(key_space)

    def _record(self, basis: Basis, who: str, reason: str, asked: Mapping[str, Json]) -> None:
        record = {**basis.as_json(), "who": who, "reason": reason, **asked}
        observation = Observation("lookup/1", "muniment", ITSELF, canonical(record), sealed=True)
        self.answers.store.log.append([observation])

    def _holding(self, basis: Basis, key_space: str, pseudonyms: Sequence[str]) -> dict[str, frozenset[str]]:
        """The manifests of a key space that hold each of many people."""
        spaces = self._manifests(basis, key_space)
        asked = [bytes.fromhex(one) for one in pseudonyms]
        with self.answers.store.projections.connect() as connection:
            held = manifests_of_each(connection, asked, basis.log_size)
        return {one.hex(): spaces.intersection(map(evidence_id, indexes)) for one, indexes in held.items()}

    def _of_datasets(
        self, world: World, basis: Basis, key_space: str, datasets: Iterable[tuple[str, str]]
    ) -> dict[str, frozenset[str]]:
        """Everybody in a manifest of these datasets, with all manifests of the key space that hold them."""
        wanted, versions = frozenset(datasets), world.registers.manifest_versions
        near = [
            name
            for name in self._manifests(basis, key_space)
            if name in versions and versions[name].dataset in wanted
        ]
        with self.answers.store.projections.connect() as connection:
            people = {member for name in near for member in members_of(connection, int(name))}
        return self._holding(basis, key_space, sorted(member.hex() for member in people))

    def _manifests(self, basis: Basis, key_space: str) -> frozenset[str]:
        received = self.answers.facts(basis).received("manifest")
        return frozenset(record.evidence for record in received if record.value["key_space"] == key_space)


def _use(use: ModelUse) -> dict[str, Json]:
    return {
        "certainty": use.certainty, "purposes": sorted(use.purposes), "runs": sorted(use.runs),
        "first_used_at": _text(use.first), "last_used_at": _text(use.last),
    }  # fmt: skip


def _models(told: Sequence[Group]) -> list[dict[str, Json]]:
    united: dict[tuple[str, str], tuple[ModelUse, int, int]] = {}
    for group in told:
        for model, use in group.uses.items():
            whole, certain, possible = united.get(model, (ModelUse(), 0, 0))
            for run_id in use.runs:
                whole.add(use.certainty, use.purposes, run_id, use.first or 0)
            whole.last = max(whole.last or 0, use.last or 0)
            count = len(group.people)
            united[model] = (
                whole, certain + count * (use.certainty == "confirmed"), possible + count * (use.certainty == "possible"),
            )  # fmt: skip
    return [
        {"name": name, "version": version or None, "confirmed": certain, "possible": possible, **_use(whole)}
        for (name, version), (whole, certain, possible) in sorted(united.items())
    ]


def _gaps(told: Sequence[Group]) -> dict[str, Json]:
    listed = sorted(frozenset[Any]().union(*(group.gaps for group in told)), key=lambda gap: gap.order)
    return {
        "complete": not listed,
        "gaps": [
            {"namespace": gap.dataset[0], "name": gap.dataset[1], "version": gap.version, "why": gap.why} for gap in listed
        ],
    }  # fmt: skip


def _unnamed(request: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in request.items() if key != "pseudonym"}


def _text(moment: int | None) -> str | None:
    return None if moment is None else format_time(from_micros(moment))
