"""`townhub simulate`: the simulated town, its days, its faults and its truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration import output
from orchestration.commands.passes import DEFAULT_SCALE, DEFAULT_SEED

app = typer.Typer(help="The simulated town.", no_args_is_help=True)


@app.command()
def serve(
    scale: Annotated[
        float, typer.Option(min=0.001, max=1.0, help="Size of the town; 1 is 330,000 residents.")
    ] = DEFAULT_SCALE,
    seed: Annotated[int, typer.Option(help="Which town; the same seed makes the same one.")] = DEFAULT_SEED,
) -> None:
    """Start the town in the background, its systems reachable over their real protocols.

    Example: townhub simulate serve --scale 0.1
    """
    from orchestration import demo, environment

    demo.bring_town(scale, seed)
    status = environment.simulator_status() or {}
    output.say(f"running as process {status.get('pid')}; stop it with `townhub simulate stop`")


@app.command()
def advance(
    days: Annotated[int, typer.Option(min=1, help="How many days to live.")] = 1,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Let the town live on: births, moves, events, payments, corrections.

    Example: townhub simulate advance --days 7
    """
    from orchestration import town

    _answer(town.advance(days), as_json)


@app.command()
def truth(out: Annotated[Path, typer.Option(help="Folder for the Parquet files.")]) -> None:
    """Write who is who and what is planted, for measuring.

    Example: townhub simulate truth --out /tmp/truth
    """
    from orchestration import town

    town.control("POST", "/truth", {"out": str(out.resolve())})
    output.say(f"the truth is in {out}")


@app.command()
def faults(
    system: Annotated[str, typer.Argument(help="System to disturb; with --clear and without: all.")] = "",
    fault: Annotated[str, typer.Argument(help="The fault, e.g. dead, http_500, truncated.")] = "",
    option: Annotated[list[str] | None, typer.Option(help="Parameter of the fault as name=value; repeatable.")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Take faults back.")] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Switch a fault of an upstream system on or off.

    Example: townhub simulate faults police_110 dead
    """
    from orchestration import town

    if clear:
        wanted = "&".join(f"{key}={value}" for key, value in (("system", system), ("fault", fault)) if value)
        _answer(town.control("DELETE", "/faults" + (f"?{wanted}" if wanted else "")), as_json)
    elif not (system and fault):
        raise output.CommandError("name a system and a fault (townhub simulate faults police_110 dead), or --clear")
    else:
        _answer(
            town.control("POST", "/faults", {"system": system, "fault": fault, **_parameters(option or [])}), as_json
        )


@app.command()
def status(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """The running town: its day, size, faults and undelivered messages.

    Example: townhub simulate status --json
    """
    from orchestration import town

    found = {key: value for key, value in town.required_status().items() if key not in ("environment", "control_token")}
    _answer(found, as_json)


@app.command()
def stop() -> None:
    """End the town; it is saved and can be started again.

    Example: townhub simulate stop
    """
    from orchestration import town

    output.say("the town has ended" if town.stop() else "no simulated town is running")


def _parameters(options: list[str]) -> dict[str, Any]:
    """name=value pairs; a value that is a number becomes one."""
    found: dict[str, Any] = {}
    for item in options:
        name, sign, text = item.partition("=")
        if not sign:
            raise output.CommandError(f"--option {item}: write it as name=value")
        try:
            found[name] = int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            found[name] = text
    return found


def _answer(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.emit_json(found)
    else:
        output.table(["what", "value"], list(found.items()))
