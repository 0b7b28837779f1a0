"""The process of the simulated town: makes or loads it, starts every server, and lives until it is told to stop."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

from simulator import status
from simulator.control import ControlServer
from simulator.faults import Faults
from simulator.systems import SYSTEMS
from simulator.town import Town
from simulator.truth import write_truth
from simulator.upstreams import Upstreams
from simulator.world.calibration import START_DATE

_TICK_SECONDS = 0.25


def serve(home: Path, scale: float, seed: int) -> None:
    """Serve the town of this scale and seed from `home` until SIGTERM, SIGINT or POST /stop.

    `<home>/simulator/status.json` tells the hub where everything is; `ready` is true once all servers answer.
    Raises RuntimeError when a town already runs in this home or no database for the exchange tables is named.
    """
    if (running := status.read(home)) is not None and running["pid"] != os.getpid():
        raise RuntimeError(f"process {running['pid']} serves a town in {home} already: `townhub simulate stop` ends it")
    if not os.environ.get("TOWNHUB_UPSTREAM_DATABASE_URL"):
        raise RuntimeError("TOWNHUB_UPSTREAM_DATABASE_URL is not set: name a database for the exchange tables")
    simulation = Simulation(home, scale, seed)

    def finish(number: int, frame: FrameType | None) -> None:
        simulation.stop()

    signal.signal(signal.SIGTERM, finish)
    signal.signal(signal.SIGINT, finish)
    try:
        simulation.start()
        simulation.wait()
    finally:
        simulation.close()


class Simulation:
    """The town, its servers and its control interface."""

    def __init__(self, home: Path, scale: float, seed: int) -> None:
        self._home = home
        self._scale = scale
        self._seed = seed
        self._faults = Faults()
        self._stopping = threading.Event()
        self._busy = threading.Lock()
        self._telling = threading.Lock()
        self._status: dict[str, Any] = {"pid": os.getpid(), "scale": scale, "seed": seed, "ready": False, "outbox": 0}
        self._town: Town | None = None
        self._upstreams: Upstreams | None = None
        self._control = ControlServer(self)

    def start(self) -> None:
        """Come up step by step; the status file says which step it is."""
        began = time.perf_counter()
        self._tell(stage="the town is being made", today=START_DATE.isoformat())
        town = Town.open(self._home / "simulator", self._scale, self._seed)
        self._tell(stage="the upstream systems are starting", today=town.today.isoformat())
        upstreams = Upstreams(town, self._faults)
        upstreams.start()
        self._town, self._upstreams = town, upstreams
        self._control.start()
        self._tell(
            stage="serving",
            ready=True,
            outbox=upstreams.outbox,
            control_url=self._control.url,
            control_token=self._control.token,
            environment=upstreams.environment(),
            faults=self._faults.all(),
            seconds=round(time.perf_counter() - began, 1),
        )
        self._log(f"serving the town of {town.today} at scale {self._scale:g} after {self._status['seconds']} s")

    def wait(self) -> None:
        """Until stopped: keep the number of undelivered messages in the status file true."""
        while not self._stopping.wait(_TICK_SECONDS):
            if self._upstreams is not None and self._upstreams.outbox != self._status["outbox"]:
                self._tell(outbox=self._upstreams.outbox)

    def close(self) -> None:
        """Stop the servers and take the status away; the town stays on disk."""
        self._control.stop()
        if self._upstreams is not None:
            self._upstreams.stop()
        status.remove(self._home)

    def stop(self) -> None:
        self._stopping.set()

    def status(self) -> dict[str, Any]:
        hidden = ("environment", "control_token")
        return {name: value for name, value in self._status.items() if name not in hidden}

    def advance(self, days: int) -> dict[str, Any]:
        """Live on and publish; `changed` names the streams that serve something else now."""
        town, upstreams = self._parts()
        began = time.perf_counter()
        with self._busy:
            changes = town.advance(days)
            upstreams.publish(changes)
        self._tell(today=town.today.isoformat(), outbox=upstreams.outbox)
        return {
            "today": town.today.isoformat(),
            "days": days,
            "changed": sorted(f"{system}.{stream}" for system, stream in changes),
            "seconds": round(time.perf_counter() - began, 1),
        }

    def set_fault(self, system: str, fault: str, **params: Any) -> dict[str, Any]:
        if system not in SYSTEMS:
            raise ValueError(f"unknown system {system!r}; one of: {', '.join(sorted(SYSTEMS))}")
        self._faults.set(system, fault, **params)
        self._tell(faults=self._faults.all())
        return self._faults.all()

    def clear_faults(self, system: str | None, fault: str | None) -> dict[str, Any]:
        self._faults.clear(system, fault)
        self._tell(faults=self._faults.all())
        return self._faults.all()

    def truth(self, out: Path) -> dict[str, Any]:
        """Write the answer key of today."""
        town, _ = self._parts()
        with self._busy:
            files = write_truth(town.world, out, town.answers())
        return {"out": str(out), "today": town.today.isoformat(), "files": sorted(path.name for path in files)}

    def _parts(self) -> tuple[Town, Upstreams]:
        if self._town is None or self._upstreams is None:
            raise ValueError("the town is not ready yet: wait for `ready` in status.json")
        return self._town, self._upstreams

    def _tell(self, **news: Any) -> None:
        with self._telling:
            self._status |= news
            status.write(self._home, self._status)

    def _log(self, message: str) -> None:
        print(message, file=sys.stderr, flush=True)
