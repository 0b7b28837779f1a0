"""`townhub run` and `townhub demo`: whole passes of the hub."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from orchestration import output

DEFAULT_SCALE = 0.1
DEFAULT_SEED = 20260630


def attach(app: typer.Typer) -> None:
    app.command("demo")(demo)
    app.command("run")(run)


def run(
    select: Annotated[
        list[str] | None, typer.Option(help="Take in only this system or system.stream; repeatable.")
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild",
            help="Link and build everything anew, gate and publish, even if nothing changed.",
        ),
    ] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """One headless pass: take in, build, gate, publish. Exit code 0 only if every part did its work.

    Example: townhub run --select police_110 --select tax_analysis.collections
    """
    from orchestration import demo as demonstration

    report = demonstration.run_once(select, rebuild=rebuild)
    _finish(report, as_json)


def demo(
    scale: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Size of the town; 1 is 330,000 residents.")
    ] = DEFAULT_SCALE,
    seed: Annotated[int, typer.Option(help="Which town; the same seed makes the same one.")] = DEFAULT_SEED,
    days: Annotated[
        int, typer.Option(min=0, help="Let the town live on for so many days, with a pass after each.")
    ] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away another town that this home holds.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """A simulated town, taken in over the real protocols, built, gated and published.

    Example: townhub demo --scale 0.1 --days 2
    """
    from orchestration import demo as demonstration

    began = time.perf_counter()
    report = demonstration.demonstrate(scale, seed, days, fresh=fresh)
    report.seconds["setup"] = max(0.0, time.perf_counter() - began - report.seconds.get("total", 0.0))
    _finish(report, as_json, farewell=not as_json)


def _finish(report: Any, as_json: bool, *, farewell: bool = False) -> None:
    from orchestration import summary

    found = summary.document(report)
    if "setup" in report.seconds:
        found["seconds"]["setup"] = round(report.seconds["setup"], 3)
    if as_json:
        output.emit_json(found)
    else:
        summary.print_tables(found)
    if farewell:
        _what_next()
    if report.failures:
        raise typer.Exit(1)


def _what_next() -> None:
    from orchestration.summary import QUERIES

    print("\nLook at what the apps see:")
    for role, query in QUERIES:
        print(f'  townhub sql "{query}" --role {role}')
    print("The Dagster UI:         townhub up --simulate        (then http://127.0.0.1:3000)")
    print("The next day:           townhub simulate advance --days 1 && townhub run")
    print("PostgreSQL and the town keep running; stop them with `townhub down` (--purge --yes also deletes the data).")
