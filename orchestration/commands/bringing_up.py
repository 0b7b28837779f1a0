"""`townhub up` and `townhub down`: the hub as a service on this machine."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration import output
from orchestration.commands.passes import DEFAULT_SCALE, DEFAULT_SEED


def attach(app: typer.Typer) -> None:
    app.command("up")(up)
    app.command("down")(down)


def up(
    simulate: Annotated[bool, typer.Option("--simulate", help="With the simulated town as upstream.")] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port of the Dagster UI on 127.0.0.1; the pictures take the next.")
    ] = 3000,
    scale: Annotated[
        float | None, typer.Option(min=0.001, max=1.0, help="Size of the simulated town; without, that of this home.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Which simulated town; without, that of this home.")] = None,
) -> None:
    """Database, webhook receiver, Dagster UI, daemon and pictures, until Ctrl-C (PostgreSQL stays; see townhub down).

    Example: townhub up --simulate --port 3000
    """
    from orchestration import demo, service

    if not simulate:
        service.serve(port, simulated=None)
        return
    held_scale, held_seed = demo.held_town() or (DEFAULT_SCALE, DEFAULT_SEED)
    town = held_scale if scale is None else scale, held_seed if seed is None else seed
    service.serve(port, simulated=town)


def down(
    purge: Annotated[bool, typer.Option("--purge", help="Also delete the data of this home.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Delete without asking.")] = False,
) -> None:
    """Stop the UI, the daemon, the simulated town and the embedded PostgreSQL.

    Example: townhub down --purge --yes
    """
    from orchestration import environment, teardown

    if purge:
        if not yes:
            typer.confirm(
                f"Delete the warehouse and everything else that the hub wrote to {environment.home()}?", abort=True
            )
        teardown.purge()
        output.say("everything is stopped and deleted")
        return
    stopped = teardown.stop_all()
    output.say(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")
