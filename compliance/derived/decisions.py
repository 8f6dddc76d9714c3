"""Each entry of the decision log, joined with contracts, purposes, consents and erasures in force then.

Pure. A retrieval assistant answers out of records; its policy decision log says for whom, for which
purpose and from which dataset. Neither a principal nor a pseudonym leaves this module: they are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from compliance.canonical import Json, parse_time
from compliance.derived.declared import Declared, Erased, dataset_id, dataset_of
from compliance.derived.joining import Looked, derived, of_record
from compliance.derived.runs import world_of
from compliance.facts import Fact, FactBase, FactSchema, Field, Received
from compliance.lineage.records import DatasetName

DECISION_USE = FactSchema(
    "decision_use",
    "One entry of the decision log: what was decided, with the rules that were in force at that time.",
    (
        Field("decision_id", "string", "Id that the deciding engine gave it."),
        Field("decided_at", "time", "When it was decided."),
        Field("allowed", "bool", "Whether access was allowed."),
        Field("purpose", "string", "Purpose that was stated.", optional=True),
        Field("principal_named", "bool", "Whether the log names who asked."),
        Field("model", "string", "NAME@VERSION of the model that asked.", optional=True),
        Field("dataset", "string", "NAMESPACE/NAME of the dataset that was read.", optional=True),
        Field("records", "int", "How many records it names."),
        Field("has_contract", "bool", "Whether that dataset had a contract in force.", optional=True),
        Field("purpose_registered", "bool", "Whether the register had the purpose.", optional=True),
        Field("purpose_refused", "bool", "Whether a contract in force does not permit it.", optional=True),
        Field("lawful_basis", "string", "Lawful basis of the purpose in the register.", optional=True),
        Field("without_consent", "int", "Records lacking the consent that the basis needs, withdrawn ones included."),
        Field("withdrawn", "int", "Of these, records whose consent had been withdrawn."),
        Field("erased", "int", "Records whose erasure covering the dataset had been completed."),
    ),
    inputs=("decision", "contract", "purpose", "consent", "erasure", "lineage"),
)


def decision_uses(base: FactBase) -> Iterator[Fact]:
    """Every decision that was logged, allowed or not."""
    world = world_of(base)
    declared, erased = Declared.of(base, world.same), Erased.of(base, world.same)
    for record in base.received("decision"):
        yield _decision(record, world.same, declared, erased)
