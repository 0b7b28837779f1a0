"""`${NAME}` in a contract: addresses and secrets stand in the environment, never in the file."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import Any

from connectors.contract import Server
from connectors.errors import Permanent

_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)\}")


def resolve_server(server: Server) -> Server:
    """The server with `${NAME}` replaced from the environment; a missing name is a `Permanent` error."""
    return replace(server, properties={k: resolve_value(v) for k, v in server.properties.items()})


def resolve_value(value: Any) -> Any:
    """`${NAME}` replaced in a text, a list or a mapping, however deep."""
    if isinstance(value, dict):
        return {k: resolve_value(v) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve_value(item) for item in value]
    return _VARIABLE.sub(_from_environment, value) if isinstance(value, str) else value


def _from_environment(match: re.Match[str]) -> str:
    name = match.group(1)
    value = os.environ.get(name)
    if not value:
        raise Permanent(
            f"the environment variable {name} is not set",
            "Set it to the address or secret of the upstream system, or start the simulated town (townhub demo)",
        )
    return value
