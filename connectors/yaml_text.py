"""Single YAML values as text, for the files that the hub writes for people: contracts and dbt's descriptions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

import yaml


def scalar(text: str) -> str:
    """A text as YAML: bare where YAML reads it back as the same text, inside a list or mapping too, else quoted."""
    try:
        bare = yaml.safe_load(f"[{text}]") == [text]
    except yaml.YAMLError:
        bare = False
    return text if bare else quoted(text)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def flow(value: object) -> str:
    """Mappings, lists, numbers and texts on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, Iterable):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return json.dumps(value)
