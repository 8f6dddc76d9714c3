"""What happens at Meridian Bank over thirty days, and which fault begins when. Days count from 0."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from compliance.canonical import Json, format_time
from compliance.library import Library
from compliance.sample import datasets as data
from compliance.sample import people, pipelines
from compliance.sample.clock import DAYS, SimulatedTime, Story
from compliance.sample.estate import ACCOUNT, BREAK_GLASS, PROGRAMS, RIGHTS, Estate
from compliance.sample.registers import write_registers
from compliance.sample.registry import ModelRegistry, ModelVersion
from compliance.sample.scans import write_scan
from compliance.sample.sending import Sender

LAST = DAYS - 1
FRAUD_MODEL, CHURN_MODEL, RANKER = "fraud-detector", "churn-propensity", "passage-ranker"
FRAUD_TRAININGS = {0: "11", 9: "12", 23: "13"}
"""Day → version."""
FRAUD_CHAMPIONS = {0: "11", 14: "12", 29: "13"}
CHURN_TRAININGS = {0: "4", pipelines.CHURN_TRAINED: "5"}
CHURN_CHAMPIONS = {0: "4", 15: "5"}

# The faults, each with the day on which it begins.
ROTATION_STOPS = 5
TEMPORARY_ADMINISTRATOR = 12
RIGHT_TAKEN_AWAY = 20
KEY_OPENED = 21
ROLE_OPENED = 24
BUREAU_FALLS_SILENT = 27
"""Its last manifest arrives the day before."""

RECERTIFIED = -67
"""The quarterly recertification of access: it lapses on day 25."""
DUTIES = {"access-recertified": RECERTIFIED, "evidence-verified-independently": -20}
COLLECTED = 22.0
"""Hour of the day at which sources are collected."""
SIGNED = -60
"""When the yearly statements were signed."""


@dataclass(frozen=True)
class Bank:
    """Everything that a day of the story acts on."""

    story: Story
    time: SimulatedTime
    estate: Estate
    registry: ModelRegistry
    sender: Sender
    folder: Path
    """Where the bank's deletion log, registers and scans lie."""
    collect: Callable[[str], object]


def begin(bank: Bank, library: Library) -> None:
    """The first hours: declarations, statements that people signed before, and the models in use."""
    story, sender = bank.story, bank.sender
    since = format_time(story.at(-200))
    sender.documents("data-office", "contracts", [one.contract(since) for one in data.UNDER_CONTRACT])
    register = [
        {**purpose, "controller": "Meridian Bank plc", "valid_from": since} for purpose in data.REGISTER
    ]
    sender.documents("data-office", "purposes", register)
    given = [_consent(one, "granted", story.at(-120)) for one in people.CUSTOMERS if people.agreed(one)]
    sender.documents("consent-desk", "consents", given)
    sender.statements("attestations", "attest", _signed(story, library))
    sender.statements("exceptions", "admin", [_exception(story)])
    _register_models(bank.registry)


def _consent(customer: str, action: str, at: datetime) -> dict[str, Json]:
    return {
        "key_space": "customer", "key": customer, "purpose": data.MARKETING, "action": action, "at": format_time(at),
    }  # fmt: skip


def _signed(story: Story, library: Library) -> list[Json]:
    return [
        {
            "attestation": one.id, "control": control.id, "statement": one.statement, "signed_by": f"head of {one.owner}",
            "signed_at": format_time(story.at(DUTIES.get(one.id, SIGNED))),
        }
        for control in library.controls
        for one in control.attestations
    ]  # fmt: skip


def _exception(story: Story) -> dict[str, Json]:
    return {
        "id": "EX-014", "check": "iam-user-not-dormant", "resource": f"arn:aws:iam::{ACCOUNT}:user/{BREAK_GLASS}",
        "reason": "The emergency account is meant never to be used.",
        "compensating": "Its password lies sealed in two halves, and any sign-in raises an alarm.",
        "approver": "chief information security officer", "valid_from": format_time(story.at(0)),
        "expires_at": format_time(story.at(DAYS + 150)),
    }  # fmt: skip


def _register_models(registry: ModelRegistry) -> None:
    registry.tags[FRAUD_MODEL] = {"owner": "fraud-analytics", "risk_class": "high", "purpose": data.FRAUD}
    registry.tags[CHURN_MODEL] = {
        "owner": "marketing-analytics",
        "risk_class": "limited",
        "purpose": data.MARKETING,
    }
    registry.tags[RANKER] = {"owner": "assistant-team", "risk_class": "limited", "purpose": data.SUPPORT}


# --- the days ----------------------------------------------------------------------------------


def tell(bank: Bank) -> None:
    """Every day, in order."""
    for day in range(DAYS):
        for hour, act in _day(bank, day):
            bank.time.move_to(bank.story.at(day, hour))
            act()


Act = Callable[[], None]


def _day(bank: Bank, day: int) -> Iterator[tuple[float, Act]]:
    yield 1.0, lambda: _changes(bank, day)
    yield 7.5, lambda: _pipelines(bank, day)
    yield 8.5, lambda: _releases(bank, day)
    yield 12.0, lambda: _requests(bank, day)
    yield 18.0, lambda: _decisions(bank, day)
    yield COLLECTED, lambda: _collections(bank, day)


def _changes(bank: Bank, day: int) -> None:
    estate = bank.estate
    with estate.unguarded():
        estate.people_work(bank.story.at(day))
        match day:
            case _ if day == ROTATION_STOPS:
                estate.stop_rotation("features")
            case _ if day == TEMPORARY_ADMINISTRATOR:
                estate.make_administrator("t.varga")
            case _ if day == RIGHT_TAKEN_AWAY:
                estate.grant_collector([one for one in RIGHTS if one != "iam:GetAccountPasswordPolicy"])
            case _ if day == KEY_OPENED:
                estate.open_key("desk")
            case _ if day == ROLE_OPENED:
                estate.open_role("partner-analytics")
            case _:
                pass


def _champion(champions: dict[int, str], day: int) -> str:
    return champions[max(since for since in champions if since <= day)]


def _pipelines(bank: Bank, day: int) -> None:
    story, sender = bank.story, bank.sender
    sender.pipeline(
        "airflow-cards",
        pipelines.cards(story, day, _champion(FRAUD_CHAMPIONS, day), trains=day in FRAUD_TRAININGS),
    )
    sender.pipeline(
        "airflow-marketing",
        pipelines.marketing(story, day, _champion(CHURN_CHAMPIONS, day), trains=day in CHURN_TRAININGS),
    )
    if day < BUREAU_FALLS_SILENT:
        sender.pipeline("card-bureau", pipelines.bureau(story, day))
    sender.pipeline("assistant-index", pipelines.assistant(story, day, trains=day == 0))


def _releases(bank: Bank, day: int) -> None:
    """Models are registered on the day of their training and go into use on the day of their release."""
    story, registry = bank.story, bank.registry
    trained = (
        (FRAUD_MODEL, FRAUD_TRAININGS, pipelines.cards(story, day, "0", trains=True)),
        (CHURN_MODEL, CHURN_TRAININGS, pipelines.marketing(story, day, "0", trains=True)),
        (RANKER, {0: "2"}, pipelines.assistant(story, day, trains=True)),
    )
    for name, trainings, work in trained:
        if day in trainings:
            run = next(one for one in work.runs if ".train_" in one.job or ".tune_" in one.job)
            registry.register(_version(name, trainings[day], run))
    for name, champions in (
        (FRAUD_MODEL, FRAUD_CHAMPIONS),
        (CHURN_MODEL, CHURN_CHAMPIONS),
        (RANKER, {0: "2"}),
    ):
        if day in champions:
            registry.put_into_use(name, champions[day])


def _version(name: str, version: str, run: pipelines.Run) -> ModelVersion:
    """A version as the release process leaves it; the last one of the fraud model skipped that process."""
    skipped = (name, version) == (FRAUD_MODEL, "13")
    approved = {"approval": "approved", "approved_by": "f.okafor", "requested_by": "e.novak"}
    return ModelVersion(
        name, version, run.started + timedelta(minutes=run.minutes), run.id.replace("-", ""),
        {"approval": "pending", "requested_by": "h.yamada"} if skipped else approved,
        {"openlineage.run_id": run.id},
    )  # fmt: skip


def _requests(bank: Bank, day: int) -> None:
    """Withdrawals of consent reach the consent desk, completed erasures the deletion log."""
    withdrawn = [
        _consent(customer, "withdrawn", bank.story.at(when, 0.5))
        for customer, when in people.WITHDRAWALS.items()
        if when == day
    ]
    if withdrawn:
        bank.sender.documents("consent-desk", "consents", withdrawn)
    lines = [_erasure(bank.story, one) for one in people.ERASURES if one.completed == day]
    if lines:
        path = bank.folder / "deletion-log" / f"deletions-{bank.story.date(day)}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def _erasure(story: Story, erasure: people.Erasure) -> dict[str, Json]:
    return {
        "key_space": "customer", "key": erasure.customer, "method": "delete and rewrite",
        "datasets": [one.identity for one in data.UNDER_CONTRACT],
        "requested_at": format_time(story.at(erasure.requested, 10)),
        "completed_at": format_time(story.at(erasure.completed, 0.2)), "request_id": erasure.request,
    }  # fmt: skip


def _decisions(bank: Bank, day: int) -> None:
    bank.sender.decisions(
        "assistant-centre", [_decision(bank.story, day, number, "centre") for number in range(5)]
    )
    bank.sender.decisions(
        "assistant-branch", [_decision(bank.story, day, number, "branch") for number in range(2)]
    )


def _decision(story: Story, day: int, number: int, where: str) -> dict[str, Json]:
    """An answer of the assistant: one in eight is refused, because the purpose is marketing."""
    asking = people.asking(day)
    draw = zlib.crc32(f"{where}/{day}/{number}".encode())
    refused = draw % 8 == 0
    return {
        "decision_id": f"{where}-{story.date(day)}-{number:03}", "path": "assistant/retrieve/allow",
        "timestamp": format_time(story.at(day, 11 if number % 2 else 15)), "result": not refused,
        "input": {
            "principal": f"agent-{draw % 23:02}@{where}", "purpose": data.MARKETING if refused else data.SUPPORT,
            "dataset": data.PASSAGES.identity,
            "records": [{"key_space": "customer", "key": asking[draw % len(asking)]}],
        },
        "labels": {"id": f"opa-{where}", "version": "1.4.2"},
    }  # fmt: skip


def _collections(bank: Bank, day: int) -> None:
    now = bank.story.at(day, COLLECTED)
    write_registers(bank.folder / "registers", bank.story, day, now)
    write_scan(bank.folder / "scans", ACCOUNT, day, now)
    for source in ("aws-iam", "aws-kms", "mlflow", "deletion-log", "registers", "prowler"):
        bank.collect(source)


def before(time: SimulatedTime, story: Story, estate: Estate) -> None:
    """What was there before the first day."""
    for day, found in (
        (-620, estate.found_users), (-410, estate.found_roles), (-320, estate.found_keys), (-90, estate.found_scheme_key),
    ):  # fmt: skip
        time.move_to(story.at(day, 9))
        found()
    for name, day in sorted(PROGRAMS.items(), key=lambda item: item[1]):
        time.move_to(story.at(day, 11))
        estate.found_program(name)
    time.move_to(story.at(-3))
    estate.admit_collector()
