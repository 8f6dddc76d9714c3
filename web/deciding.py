"""Recording what was decided about a model that holds an erased record: the same from a page and over HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from collectors.model_decisions.accept import FORM
from compliance.answers import Answers
from compliance.canonical import Json, canonical, format_time
from compliance.errors import InputRefused
from compliance.evidence import Observation
from compliance.store import ITSELF, Store
from compliance.usage_answers import UsageAnswers


def decide(
    store: Store, answers: Answers, request_id: str, said: Mapping[str, Json], *, who: str
) -> dict[str, Json]:
    """Append the decision, sealed, and return it with its entry.

    Raises NotFound for a request that nobody knows, InputRefused for a model that does not hold the record and
    for a field that is missing or wrong.
    """
    decision = {
        **{name: said.get(name) for name in ("model", "action", "because")}, "request_id": request_id,
        "decided_by": who, "decided_at": format_time(store.clock()),
    }  # fmt: skip
    FORM.check(decision)
    told = UsageAnswers(answers).ledger(answers.basis(), request_id, who=who)
    held = {f"{one['name']}@{one['version']}" for record in told["records"] for one in record["models"]}
    if decision["model"] not in held:
        known = ", ".join(sorted(held)) or "none"
        message = f"/model: no model {decision['model']} is known to hold the record; there is {known}."
        raise InputRefused(message, field="/model")
    observation = Observation("model-decision/1", "muniment", ITSELF, canonical(decision), sealed=True)
    return {"entry": str(store.log.append([observation])[0]), **decision}
