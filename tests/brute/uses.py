"""Uses: who used the record, for what purpose, and what was wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from compliance.canonical import Json, content_bytes, format_time, parse_time
from compliance.lineage.records import DatasetName
from tests.brute.columns import Columns
from tests.brute.containing import Containing
from tests.brute.runs import NEVER_ENDING, Run
from tests.brute.versions import Version

UNDECLARED = "undeclared"


@dataclass
class Uses:
    """Every use of the record, each judged at its start."""

    contains: Containing
    columns: Columns

    def all(self) -> list[dict[str, Json]]:
        """One for each run that found the record, one for each distinct allowed decision that names it."""
        runs = [self._of_run(run) for run in self.contains.world.runs.values() if self.contains.found(run)]
        decisions = {
            content_bytes(one): one for one in self.contains.world.values("decision") if self._names(one)
        }
        uses = [*runs, *(self._of_decision(one) for one in decisions.values())]
        return [use for use in uses if self._in_span(use)]

    def _in_span(self, use: Mapping[str, Json]) -> bool:
        """Whether [start, end] meets [from, to)."""
        start = parse_time(use["started_at"])
        end = NEVER_ENDING if use["ended_at"] is None else parse_time(use["ended_at"])
        asked = self.contains.question
        if asked.from_ and asked.to and asked.from_ >= asked.to:
            return False  # nothing lies in an empty span
        return (asked.from_ is None or end >= asked.from_) and (asked.to is None or start < asked.to)

    # --- runs ----------------------------------------------------------------------------------

    def _of_run(self, run: Run) -> dict[str, Json]:
        found = self.contains.found(run)
        purposes = self._purposes(run)
        return {
            "run_id": run.run_id,
            "job": {"namespace": run.job[0], "name": run.job[1]},
            "consumers": self._consumers(run),
            "started_at": format_time(run.start),
            "ended_at": None if run.state == "running" else format_time(run.end),
            "certainty": "confirmed"
            if "confirmed" in {self.contains.certain[one] for one in found}
            else "possible",
            "influence": "direct" if any(self.columns.direct(one) for one in found) else "indirect",
            **self._judged(purposes, {version[0] for version in found}, run.start),
        }

    def _consumers(self, run: Run) -> list[dict[str, Json]]:
        found = [("model", *one) for one in self._models(run)] + [
            ("feature", *one) for one in self._features(run)
        ]
        return [_consumer(*one) for one in found or [("job", run.job[1], None)]]

    def _models(self, run: Run) -> set[tuple[str, str | None]]:
        """By the run's tag, or by what the registry ties to the run."""
        tagged = {_model(value) for key, value in run.tags if key == "model"}
        tied = {
            (one["name"], one["version"])
            for one in self.contains.world.values("model_version")
            if any(_same_run(run.run_id, tie) for tie in one["run_ids"])
        }
        return tagged | tied

    def _features(self, run: Run) -> set[tuple[str, str]]:
        """Each carrying column of the outputs of a COMPLETE run that contain the record and are feature views."""
        if run.state != "complete":
            return set()
        return {
            (f"{version[0][1]}:{column}", version[1])
            for version in self.contains.world.outputs(run)
            if version in self.contains.certain and self._is_feature_view(version[0])
            for column in self._feature_columns(version)
        }

    def _feature_columns(self, version: Version) -> set[str]:
        """The carrying columns; where all of them carry, those that the registry names too."""
        shown = set(self.columns.shown(version))
        if not self.columns.all_carry(version):
            return shown
        return shown | {name for view, names in self._views() if view == version[0] for name in names}

    def _views(self) -> list[tuple[DatasetName, list[str]]]:
        """The datasets that the feature registry knows as feature views, with their columns."""
        world = self.contains.world
        return [(world.names(one), one["features"]) for one in world.values("feature_view")]

    def _is_feature_view(self, dataset: DatasetName) -> bool:
        registered = {view for view, _ in self._views()}
        return dataset in registered or self.contains.world.declared.is_feature_view(dataset)

    def _purposes(self, run: Run) -> set[str]:
        """The run's tags, else the job's, else those of its models in their registry.

        A job's tag in the run's own events is declared at or after every one at or before its start.
        """
        declared = self.contains.world.declared
        on_run = {value for key, value in run.tags if key == "purpose"}
        own = declared.own_job_tags(run.run_id, "purpose")
        on_job = own or declared.job_tags(run.job, "purpose", run.start)
        return on_run or on_job or self._model_purposes(run)

    def _model_purposes(self, run: Run) -> set[str]:
        models = self._models(run)
        known = self.contains.world.values("model_version")
        return {
            one["purpose"] for one in known if (one["name"], one["version"]) in models and one.get("purpose")
        }

    # --- decision logs -------------------------------------------------------------------------

    def _names(self, decision: Mapping[str, Json]) -> bool:
        asked = {"key_space": self.contains.question.key_space, "pseudonym": self.contains.question.pseudonym}
        named = [{key: one.get(key) for key in asked} for one in decision.get("records") or []]
        return decision["allowed"] is True and asked in named

    def _of_decision(self, decision: Mapping[str, Json]) -> dict[str, Json]:
        """Confirmed and direct; the dataset it names counts as read and as containing the record."""
        at = parse_time(decision["timestamp"])
        dataset = decision.get("dataset")
        read = {self.contains.world.names(dataset)} if dataset else set()
        model = decision.get("model")
        who = ("model", *_model(model)) if model else ("decision", decision.get("principal"), None)
        purpose = decision.get("purpose")
        return {
            "run_id": decision["decision_id"],
            "job": None,
            "consumers": [_consumer(*who)],
            "started_at": format_time(at),
            "ended_at": format_time(at),
            "certainty": "confirmed",
            "influence": "direct",
            **self._judged({purpose} if purpose else set(), read, at),
        }

    # --- purposes and violations ---------------------------------------------------------------

    def _judged(self, purposes: set[str], read: set[DatasetName], start: datetime) -> dict[str, Json]:
        bases = {basis for one in purposes for basis in self._bases(one, start)}
        codes = [*self._of_purpose(purposes, read, start), *self._of_consent(purposes, start)]
        codes += ["used-after-erasure" for one in read if self._erased_before(one, start)]
        return {
            "purpose": ", ".join(sorted(purposes)) or UNDECLARED,
            "lawful_basis": ", ".join(sorted(bases)) or None,
            "violations": [{"code": code} for code in sorted(codes)],
        }

    def _of_purpose(self, purposes: set[str], read: set[DatasetName], start: datetime) -> list[str]:
        if not purposes:
            return ["purpose-undeclared"]
        return ["purpose-not-permitted" for one in sorted(read) if not self._permitted(one, purposes, start)]

    def _permitted(self, dataset: DatasetName, purposes: set[str], start: datetime) -> bool:
        """Whether every contract of the latest ``valid_from`` at or before the start permits every purpose."""
        contracts = [
            one for one in self.contains.world.values("contract") if self.contains.world.names(one) == dataset
        ]
        started = [(parse_time(one["valid_from"]), one) for one in contracts]
        latest = max((at for at, _ in started if at <= start), default=None)
        return all(purposes <= set(one["permitted_purposes"]) for at, one in started if at == latest)

    def _bases(self, purpose: str, start: datetime) -> set[str]:
        """The lawful basis that the register gives a purpose; no ``valid_from`` is since ever; consent wins a tie."""
        told = [one for one in self.contains.world.values("purpose") if one["id"] == purpose]
        started = [(_since(one), one["lawful_basis"]) for one in told if _since(one) <= start]
        latest = max((at for at, _ in started), default=None)
        bases = {basis for at, basis in started if at == latest}
        return {"consent"} if "consent" in bases else bases

    def _of_consent(self, purposes: Iterable[str], start: datetime) -> list[str]:
        """The subject's latest consent event for a purpose that rests on consent: absent, or a withdrawal."""
        codes: set[str] = set()
        for purpose in purposes:
            if "consent" in self._bases(purpose, start):
                codes |= self._consent(purpose, start)
        return sorted(codes)

    def _consent(self, purpose: str, start: datetime) -> set[str]:
        asked = (self.contains.question.key_space, self.contains.question.pseudonym, purpose)
        given = [
            (parse_time(one["at"]), one["action"])
            for one in self.contains.world.values("consent")
            if (one["key_space"], one["pseudonym"], one["purpose"]) == asked
            and parse_time(one["at"]) <= start
        ]
        latest = max((at for at, _ in given), default=None)
        actions = {action for at, action in given if at == latest}
        return (
            {"consent-missing"} if not actions else {"consent-withdrawn"} if "withdrawn" in actions else set()
        )

    def _erased_before(self, dataset: DatasetName, start: datetime) -> bool:
        return any(completed <= start for _, completed in self.contains.covering(dataset))


def _since(purpose: Mapping[str, Json]) -> datetime:
    valid_from = purpose.get("valid_from")
    return parse_time("0001-01-01T00:00:00Z") if valid_from is None else parse_time(valid_from)


def _model(text: str) -> tuple[str, str | None]:
    name, at, version = text.rpartition("@")
    return (name, version) if at else (text, None)


def _consumer(kind: str, name: str, version: str | None) -> dict[str, Json]:
    return {"kind": kind, "name": name, "version": version}


def _same_run(run_id: str, tie: str) -> bool:
    """Whether a registry's run id is the run's, as it stands or read as a UUID."""
    try:
        return run_id == tie or UUID(run_id) == UUID(tie)
    except ValueError:
        return False
