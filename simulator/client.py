"""Speaks to the control interface of the town that runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from simulator import status

_PATIENCE = httpx.Timeout(1800, connect=10)


class Client:
    """Finds the running town by its status file; `RuntimeError` with the remedy when there is none."""

    def __init__(self, home: Path) -> None:
        found = status.read(home)
        if found is None or not found.get("control_url"):
            raise RuntimeError(f"no simulated town is running in {home}: start one with `townhub simulate serve`")
        self._url = found["control_url"]
        self._headers = {"Authorization": f"Bearer {found['control_token']}"}

    def status(self) -> dict[str, Any]:
        return self._ask("GET", "/status")

    def advance(self, days: int) -> dict[str, Any]:
        return self._ask("POST", "/advance", {"days": days})

    def set_fault(self, system: str, fault: str, **params: Any) -> dict[str, Any]:
        return self._ask("POST", "/faults", {"system": system, "fault": fault, **params})

    def clear_faults(self, system: str | None = None, fault: str | None = None) -> dict[str, Any]:
        return self._ask("DELETE", "/faults", {"system": system, "fault": fault})

    def truth(self, out: Path) -> dict[str, Any]:
        return self._ask("POST", "/truth", {"out": str(out)})

    def stop(self) -> dict[str, Any]:
        return self._ask("POST", "/stop")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = httpx.request(
                method, self._url + path, json=body, headers=self._headers, timeout=_PATIENCE, trust_env=False
            )
            found: dict[str, Any] = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise RuntimeError(
                f"the simulated town does not answer ({type(error).__name__}): stop and start it"
            ) from error
        if answer.status_code != 200:
            raise RuntimeError(found.get("error", f"status {answer.status_code}"))
        return found
