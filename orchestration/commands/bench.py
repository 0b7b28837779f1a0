"""`townhub bench`: hands over to the measurements in bench/, one module per measurement."""

from __future__ import annotations

import importlib
import pkgutil
import runpy
import sys
from typing import Annotated

import typer

from orchestration import output


def attach(app: typer.Typer) -> None:
    app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)


def bench(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Which measurement; without it they are listed.")] = "",
) -> None:
    """Measure speed or accuracy; everything after the name is passed on to the measurement.

    Example: townhub bench intake --rows 1000000
    """
    package = importlib.import_module("bench")
    known = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_"))
    if not name:
        print("\n".join(known))
        return
    module = name.replace("-", "_")
    if module not in known:
        raise output.CommandError(f"there is no measurement {name!r}; there are: {', '.join(known) or 'none'}")
    sys.argv = [f"townhub bench {name}", *context.args]
    runpy.run_module(f"bench.{module}", run_name="__main__")
