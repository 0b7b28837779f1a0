"""Passes as the command runs them: with the simulated town, the webhook receiver and progress around them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestration import environment, hub, names, output, passes, progress, receiving, town
from orchestration.report import PassReport

if TYPE_CHECKING:
    from connectors.contract import Contract

OTHER_STEPS = 10
"""dbt, resolution, gates and releases: about so many steps follow the streams of a pass."""


def run_once(select: list[str] | None, *, rebuild: bool = False) -> PassReport:
    """One pass on whatever the environment (or the simulated town that is running) points at."""
    from connectors.contract_folder import broken_contracts, load_contracts
    from quality import great

    # Said before anything is brought up: a name that is no system, or one whose contract is refused.
    streams = names.selected_streams(load_contracts(), select, broken_contracts())
    great.make_ready()  # the other core has nothing to do yet
    hub.prepare()
    report = PassReport()
    with hub.instance() as instance, receiving.listening():
        if environment.simulator_status() is not None:
            town.wait_delivered(output.say)
        _pass(instance, report, len(streams), select, rebuild=rebuild)
    return report


def demonstrate(scale: float, seed: int, days: int, *, fresh: bool) -> PassReport:
    """A simulated town and a pass over it, then a day and a pass, `days` times. Counts add up over the passes."""
    contracts = bring_up(scale, seed, fresh=fresh)
    report = PassReport()
    streams = len(names.selected_streams(dict(contracts), None))
    with hub.instance() as instance, receiving.listening():
        for day in range(days + 1):
            if day:
                town.advance(1)
                output.say(f"the town lives on: {town.required_status().get('today')}")
            town.wait_delivered(output.say)
            _pass(instance, report, streams, None)
    return report


def bring_up(scale: float, seed: int, *, fresh: bool = False) -> Mapping[str, Contract]:
    """Have this very town running and the hub prepared, side by side: each takes a core. Returns the contracts."""
    _own_town(scale, seed, fresh=fresh)
    making = _begin_town(scale, seed)
    contracts = hub.prepare()
    _await_town(making, scale, seed)
    return contracts


def bring_town(scale: float, seed: int) -> None:
    """Have this very town running, and the contracts' `${NAME}`s point at it."""
    _own_town(scale, seed)
    _await_town(_begin_town(scale, seed), scale, seed)


def _pass(instance: Any, report: PassReport, streams: int, select: list[str] | None, *, rebuild: bool = False) -> None:
    with progress.shown(streams + OTHER_STEPS) as shown:
        report.progress = shown
        passes.execute(instance, report, run_key=passes.new_run_key(), select=select, rebuild=rebuild)


def held_town() -> tuple[float, int] | None:
    """Scale and seed of the town that this home holds; None without one."""
    try:
        held = json.loads((environment.home() / "town.json").read_text(encoding="utf-8"))
        return float(held["scale"]), int(held["seed"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _own_town(scale: float, seed: int, *, fresh: bool = False) -> None:
    """Refuse to pour a second town into a warehouse that holds another one, unless it may be thrown away."""
    from orchestration import teardown

    path, wanted, held = environment.home() / "town.json", {"scale": scale, "seed": seed}, held_town()
    if held is not None and held != (scale, seed):
        if not fresh:
            raise town.TownError(
                f"this home holds the town of scale {held[0]:g}, seed {held[1]}; for another one, delete "
                "it with `townhub down --purge --yes`, or let the demo do so with --fresh"
            )
        teardown.purge()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(wanted), encoding="utf-8")


def _begin_town(scale: float, seed: int) -> subprocess.Popen[bytes] | None:
    """The process of the town, started if it is not running (or is another one); None where it runs already."""
    status = environment.simulator_status()
    if status is not None and (float(status["scale"]), int(status["seed"])) == (scale, seed):
        return None
    if status is not None:
        town.stop()
    return town.start(scale, seed)


def _await_town(making: subprocess.Popen[bytes] | None, scale: float, seed: int) -> None:
    status = town.wait_ready(making, output.say)
    environment.load_simulated()
    output.say(f"the town of {status.get('today')} (scale {scale:g}, seed {seed}) is ready")
