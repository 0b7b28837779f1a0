"""The control interface of the simulated town: HTTP with JSON on loopback, behind a token of this session."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

Body = dict[str, Any]


class Controlled(Protocol):
    """What can be asked of the simulator; every method may raise ValueError for what cannot be done."""

    def status(self) -> Body: ...

    def advance(self, days: int) -> Body: ...

    def set_fault(self, system: str, fault: str, **params: Any) -> Body: ...

    def clear_faults(self, system: str | None, fault: str | None) -> Body: ...

    def truth(self, out: Path) -> Body: ...

    def stop(self) -> None: ...


def application(town: Controlled, token: str) -> Starlette:
    """POST /advance {"days"}, POST /faults {"system", "fault", …}, DELETE /faults?system=&fault=, GET /status,
    POST /truth {"out"}, POST /stop; each with `Authorization: Bearer <token>`. Errors are 4xx with {"error"}.
    """

    def guarded(work: Callable[[Body], Body]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> JSONResponse:
            sent = request.headers.get("authorization", "")
            if not secrets.compare_digest(sent.encode(), f"Bearer {token}".encode()):
                return JSONResponse({"error": "wrong token: take control_token from status.json"}, 401)
            try:
                raw = await request.body()
                body = json.loads(raw) if raw else dict(request.query_params)
                if not isinstance(body, dict):
                    raise ValueError("the body must be a JSON object")
                return JSONResponse(await run_in_threadpool(work, body))
            except (ValueError, TypeError, KeyError, OSError) as error:
                return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

        return endpoint

    def faults(body: Body) -> Body:
        wanted = dict(body)
        return town.set_fault(str(wanted.pop("system")), str(wanted.pop("fault")), **wanted)

    def stop(body: Body) -> Body:
        town.stop()
        return {"stopping": True}

    return Starlette(
        routes=[
            Route("/status", guarded(lambda body: town.status())),
            Route("/advance", guarded(lambda body: town.advance(int(body.get("days", 1)))), methods=["POST"]),
            Route("/faults", guarded(faults), methods=["POST"]),
            Route(
                "/faults",
                guarded(lambda b: town.clear_faults(b.get("system"), b.get("fault"))),
                methods=["DELETE"],
            ),
            Route("/truth", guarded(lambda body: town.truth(Path(body["out"]))), methods=["POST"]),
            Route("/stop", guarded(stop), methods=["POST"]),
        ]
    )


class ControlServer:
    """Runs the application on a free loopback port in a thread."""

    def __init__(self, town: Controlled) -> None:
        self.token = secrets.token_urlsafe(24)
        self.url = ""
        config = uvicorn.Config(
            application(town, self.token),
            host="127.0.0.1",
            port=0,
            log_level="warning",
            access_log=False,
            lifespan="off",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name="control", daemon=True)

    def start(self) -> None:
        listening = self._server.config.bind_socket()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listening]}, name="control", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(10)
