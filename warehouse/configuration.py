"""What a town settles once for its hub: in the environment, otherwise in `townhub.yaml` in the hub's home.

`resolution.backend` is TOWNHUB_RESOLUTION_BACKEND in the environment, and so on. Passwords have no place in the file:
what names a database or an upstream system stands in the environment alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from warehouse.settings import ConfigurationError, settings

FILE = "townhub.yaml"
NAMES = ("resolution.backend", "resolution.spark.master")


@dataclass(frozen=True)
class Configured:
    """A value, empty where none was given, and where it stands (for messages)."""

    value: str
    origin: str


def configured(name: str) -> Configured:
    """The value of one of `NAMES`. Raises ConfigurationError when the file cannot be used."""
    variable = "TOWNHUB_" + name.upper().replace(".", "_")
    value = os.environ.get(variable, "").strip()
    if value:
        return Configured(value, variable)
    path = settings().home / FILE
    found = _read(path)
    return Configured(found[name], f"{name} in {path}") if name in found else Configured("", variable)


def _read(path: Path) -> dict[str, str]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise ConfigurationError(f"{path}{line} is not to be read as YAML: correct it or delete it") from error
    found = dict(_flat(document, path))
    if unknown := sorted(set(found) - set(NAMES)):
        raise ConfigurationError(f"{path}: unknown settings {', '.join(unknown)}; it may hold {', '.join(NAMES)}")
    return found


def _flat(document: Any, path: Path, within: str = "") -> list[tuple[str, str]]:
    """(dotted name, value): `resolution: {backend: spark}` and `resolution.backend: spark` are the same."""
    if document is None:
        return []
    if not isinstance(document, dict):
        if not within or isinstance(document, list):
            raise ConfigurationError(f"{path} holds no settings by name; write for instance resolution.backend: spark")
        return [(within, str(document).strip())]
    return [pair for key, value in document.items() for pair in _flat(value, path, f"{within}.{key}".lstrip("."))]
