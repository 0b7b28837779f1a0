"""dbt's manifest as the gate needs it: which models a family's rest on, and which tests are about these."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


class ManifestMissing(FileNotFoundError):
    """There is no manifest (or no compiled SQL) to judge by."""


@dataclass(frozen=True)
class Manifest:
    """A manifest.json and the folder it lies in, where dbt also leaves `compiled/`."""

    document: dict[str, Any]
    folder: Path

    @property
    def nodes(self) -> dict[str, dict[str, Any]]:
        return dict(self.document["nodes"])

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        return dict(self.document["sources"])

    def models(self) -> dict[str, dict[str, Any]]:
        """unique id → model or seed."""
        return {uid: node for uid, node in self.nodes.items() if node["resource_type"] in ("model", "seed")}

    def tests_about(self, names: Iterable[str]) -> set[str]:
        """Names of the data tests that look at any of the named models or seeds, as the outcomes spell them."""
        wanted = set(names)
        uids = {uid for uid, node in self.models().items() if node["name"] in wanted}
        return {
            re.sub(r"[^A-Za-z0-9_]", "_", node["name"])
            for node in self.nodes.values()
            if node["resource_type"] == "test" and uids & set(node["depends_on"]["nodes"])
        }

    def upstream_names(self, names: Iterable[str]) -> set[str]:
        """Names of the given models and of all models and seeds that they are built from."""
        models = self.models()
        wanted = set(names)
        waiting = [uid for uid, node in models.items() if node["name"] in wanted]
        seen: set[str] = set()
        while waiting:
            uid = waiting.pop()
            if uid in models and uid not in seen:
                seen.add(uid)
                waiting += models[uid].get("depends_on", {}).get("nodes", [])
        return {models[uid]["name"] for uid in seen}

    def compiled_sql(self, node: dict[str, Any]) -> str:
        """The SQL that dbt ran for a model. Raises ManifestMissing when it was never compiled."""
        if node.get("compiled_code"):
            return str(node["compiled_code"])
        path: Path = self.folder / "compiled" / node["package_name"] / node["original_file_path"]
        try:
            return path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise ManifestMissing(
                f"the model {node['name']} was never compiled in {self.folder.name}/; build it (townhub run)"
            ) from None


def read_manifest(path: Path) -> Manifest:
    """Raises ManifestMissing with the remedy."""
    try:
        state = path.stat()
        return _read(path, state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        raise ManifestMissing(
            f"there is no {path.name} of dbt in {path.parent.name}/; build once (townhub run)"
        ) from None


@lru_cache(maxsize=2)
def _read(path: Path, changed: int, size: int) -> Manifest:
    """Once per state of the file: every gate of every family asks for it, and it is large."""
    return Manifest(json.loads(path.read_text(encoding="utf-8")), path.parent)
