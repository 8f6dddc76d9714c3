"""Standing work: having others vouch for the log, as its settings say.

Each step is done for itself: a witness that is down keeps neither the others nor the time-stamp
from being asked. What went wrong is told in sentences; a witness that says that the log went back
or forked is the gravest of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from compliance.canonical import format_time
from compliance.cosignature import Witness, cosignatures
from compliance.errors import InputRefused, MunimentError, StoreTampered
from compliance.log import EvidenceLog
from compliance.settings import EvidenceSettings, TimeStampSettings, WitnessSettings, interval
from compliance.timestamps import is_due, read_certificates, stamp, stamped_sizes, stamps
from compliance.vouched import vouched_by, vouched_for
from compliance.witnessing import COSIGNED, submit


def vouch(log: EvidenceLog, folder: Path, settings: EvidenceSettings, now: datetime) -> list[str]:
    """Ask every configured witness, and the authority if it is due; returns what was done, in sentences.

    Raises the gravest refusal at the end, once all were asked: see ``submit`` and ``stamp``.
    """
    done: list[str] = []
    failed: list[MunimentError] = []
    for ask in _due(log, folder, settings, now):
        try:
            done.append(ask())
        except MunimentError as error:
            failed.append(error)
    if failed:
        raise max(failed, key=lambda error: isinstance(error, StoreTampered))
    return done


def who_vouches(log: EvidenceLog, folder: Path, size: int) -> str:
    """The sentence that says who vouches for the first ``size`` entries of a log.

    Raises StoreTampered where what is kept of those who do contradicts the log.
    """
    return vouched_by(vouched_for(folder, size, log.verifier, log.root), size)


def _due(
    log: EvidenceLog, folder: Path, settings: EvidenceSettings, now: datetime
) -> Iterator[Callable[[], str]]:
    """What is to be asked of whom, now that the log has its size. An empty log has nothing to vouch for."""
    size = log.size
    for witness in settings.witnesses if size else ():
        if not _cosigned(folder, size, witness):
            yield partial(_witness, log, folder, witness)
    if size and settings.time_stamps is not None and _stamp_due(log, folder, settings.time_stamps, now):
        yield partial(_stamp, log, folder, settings.time_stamps)


def _cosigned(folder: Path, size: int, witness: WitnessSettings) -> bool:
    path = folder / COSIGNED / str(size)
    try:
        return bool(cosignatures(path.read_text(), [Witness.parse(witness.vkey)]))
    except (OSError, UnicodeDecodeError, InputRefused):
        return False


def _witness(log: EvidenceLog, folder: Path, settings: WitnessSettings) -> str:
    stated = submit(log, folder, url=settings.url, vkey=settings.vkey)
    return f"The witness {stated.witness} cosigned at {format_time(stated.at)}."


def _stamp_due(log: EvidenceLog, folder: Path, settings: TimeStampSettings, now: datetime) -> bool:
    sizes = stamped_sizes(folder)
    newest = stamps(folder, sizes[-1], log.verifier)[-1] if sizes else None
    return is_due(newest, log.size, interval(settings.every), now)


def _stamp(log: EvidenceLog, folder: Path, settings: TimeStampSettings) -> str:
    roots = read_certificates(settings.root_file)
    taken = stamp(log.checkpoint(), folder, url=settings.url, roots=roots)
    return f"{taken.authority} stamped {taken.checkpoint.size} entries at {format_time(taken.at)}."
