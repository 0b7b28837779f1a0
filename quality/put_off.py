"""Modules that are loaded when somebody first uses them, however they are imported.

GX imports a plotting library and a statistics library for expectations that no check of ours uses: a third of its own
import, and seventy megabytes. Only a process that does nothing but judge may put imports off.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from types import ModuleType


def put_off(*names: str) -> None:
    """Load these modules (full names) on their first use from now on; one that is not installed stays missing."""
    sys.meta_path.insert(0, _PutOff(names))


class _PutOff(MetaPathFinder):
    def __init__(self, names: Collection[str]) -> None:
        self._names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname in self._names else None
        if spec is not None and spec.loader is not None:
            spec.loader = LazyLoader(spec.loader)
        return spec
