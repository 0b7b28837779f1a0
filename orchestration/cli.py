"""The `townhub` command. Heavy libraries are imported by the command that needs them, so `--help` answers at once."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from contextlib import suppress

import typer

from orchestration import environment, output
from orchestration.commands import (
    backfill,
    backup,
    bench,
    bringing_up,
    corrections,
    explain,
    holds,
    lookup,
    passes,
    pictures,
    products,
    quarantine,
    query,
    releases,
    resolve,
    review,
    simulate,
    status,
    subject,
    systems,
)

app = typer.Typer(
    name="townhub",
    help="The data-integration hub of a town. Begin with: townhub demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
passes.attach(app)
bringing_up.attach(app)
status.attach(app)
backfill.attach(app)
query.attach(app)
pictures.attach(app)
explain.attach(app)
holds.attach(app)
backup.attach(app)
app.add_typer(systems.app, name="systems")
app.add_typer(products.app, name="products")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(releases.app, name="release")
lookup.attach(resolve.app)
app.add_typer(resolve.app, name="resolve")
app.add_typer(review.app, name="review")
app.add_typer(holds.app, name="holds")
app.add_typer(subject.app, name="subject")
app.add_typer(corrections.app, name="correction")
app.add_typer(simulate.app, name="simulate")
bench.attach(app)


def main() -> None:
    """Run the command; an error is one line that says what to do, and exit code 1."""
    environment.quiet()
    environment.collect_seldom()
    try:
        app(prog_name="townhub")
    except SystemExit as done:
        _leave(done.code)
        raise
    except KeyboardInterrupt:
        output.say("interrupted; what was committed stays, the next run carries on")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output has gone (| head)
        sys.exit(1)
    except Exception as error:
        if output.debugging():
            raise
        from orchestration.failures import for_people

        output.say(f"townhub: {for_people(error)}")
        sys.exit(1)


def _leave(code: str | int | None) -> None:
    """End at once where nothing is at work any more: Python would free a million objects one by one, for a second."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    if isinstance(code, str) or not all(thread.daemon for thread in others):
        return
    atexit._run_exitfuncs()
    with suppress(BrokenPipeError):  # told by who ends in the usual way
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code or 0)


if __name__ == "__main__":
    main()
