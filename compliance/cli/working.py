"""A worker: plans and carries out the scheduled runs without serving pages, beside any number of others."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Annotated

import typer

from compliance.answers import Answers
from compliance.cli.composition import carried_out, open_store
from compliance.schedule import Schedule
from compliance.settings import load_settings
from compliance.standing import announce_changes
from compliance.store import Store

Idle = Annotated[bool, typer.Option("--until-idle", help="Carry out what is due now, and end")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("worker")(worker)


def worker(until_idle: Idle = False) -> None:
    """Carry out the scheduled runs, beside servers and other workers on the same store, until interrupted."""
    store = open_store(load_settings())
    try:
        store.record_configuration()
        schedule = schedule_of(store)
        if until_idle:
            typer.echo(f"Carried out {schedule.until_idle()} runs.")
            schedule.stop()
        else:
            typer.echo("Working; an interrupt or SIGTERM ends it when what is under way is done.")
            _work(schedule)
    finally:
        store.close()


def schedule_of(store: Store) -> Schedule:
    """The schedule of a store, with the standing work that needs no server."""
    answers = Answers(store)

    def stand() -> None:
        store.projections.catch_up()
        announce_changes(store, answers)

    return Schedule(
        store.operations, store.settings.sources, clock=store.clock,
        collect=lambda run: carried_out(store, run), standing=stand,
    )  # fmt: skip


def _work(schedule: Schedule) -> None:
    ended = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    schedule.start()
    try:
        ended.wait()
    finally:
        schedule.stop()
