"""The command ``muniment``. Exit 0: done. 1: the answer is "no". 2: the call or its input is wrong.

Errors go to standard error in one or two plain sentences; a person never meets a traceback.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import typer

from compliance.cli import (
    controls_commands,
    evidence_commands,
    export_commands,
    judgement_commands,
    keeping_commands,
    key_commands,
    oscal_commands,
    period_commands,
    recovery_command,
    scope_commands,
    source_commands,
    store_commands,
    usage_commands,
    witness_commands,
    working,
)
from compliance.errors import MunimentError

app = typer.Typer(
    name="muniment",
    help="Continuous-compliance evidence and control mapping for AI data pipelines.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for commands in (
    store_commands,
    evidence_commands,
    export_commands,
    controls_commands,
    judgement_commands,
    keeping_commands,
    key_commands,
    usage_commands,
    oscal_commands,
    period_commands,
    scope_commands,
    source_commands,
    witness_commands,
    recovery_command,
    working,
):
    commands.register(app)

USAGE = 2
INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; every refusal has been printed."""
    try:
        result: Any = app(args=arguments, prog_name="muniment", standalone_mode=False)
        sys.stdout.flush()
    except MunimentError as error:
        typer.echo(f"muniment: {error.message}", err=True)
        return error.exit_code
    except typer.TyperException as error:
        # Names the option at fault; empty where the help was shown instead.
        if said := error.format_message():
            typer.echo(f"muniment: {said}", err=True)
        return USAGE
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("muniment: interrupted.", err=True)
        return INTERRUPTED
    except (BrokenPipeError, SystemExit) as leaving:
        # typer turns a broken pipe into an exit of its own where it meets one before we do.
        if not isinstance(leaving.__context__ or leaving, BrokenPipeError):
            raise
        return _reader_left()
    except Exception as error:  # noqa: BLE001 (the outermost boundary: a defect of ours, told in a sentence)
        return _defect(error)
    return result if isinstance(result, int) else 0


def _reader_left() -> int:
    """The reader of our output left (`| head`): there is nobody to tell, and nothing went wrong."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)
    return 0


def _defect(error: Exception) -> int:
    if os.environ.get("MUNIMENT_TRACEBACK"):
        traceback.print_exception(error)
    typer.echo(
        f"muniment: this is a defect of the program, not of your call: {type(error).__name__}: {error}."
        " Set MUNIMENT_TRACEBACK=1 to see where, and report it.",
        err=True,
    )
    return USAGE
