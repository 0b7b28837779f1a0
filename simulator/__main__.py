"""`python -m simulator …`: run the simulated town, or speak to the one that runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 on success, 1 with one message on standard error otherwise."""
    options = _parser().parse_args(arguments)
    home = Path(options.home or os.environ.get("TOWNHUB_HOME") or REPOSITORY / ".townhub").expanduser().resolve()
    try:
        if options.command == "serve":
            from simulator.serve import serve

            serve(home, options.scale, options.seed)
            sys.stderr.flush()
            # All is saved and closed; an orderly end of polars' runtime would keep `townhub down` waiting for seconds.
            os._exit(0)
        from simulator.client import Client

        print(json.dumps(_ask(Client(home), options), ensure_ascii=False, indent=2))
    except (RuntimeError, ValueError, OSError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 1
    return 0


def _ask(client: Any, options: argparse.Namespace) -> Any:
    match options.command:
        case "status":
            return client.status()
        case "advance":
            return client.advance(options.days)
        case "truth":
            return client.truth(Path(options.out).resolve())
        case "stop":
            return client.stop()
    match options.action:
        case "set":
            return client.set_fault(options.system, options.fault, **dict(map(_parameter, options.parameter)))
        case "clear":
            return client.clear_faults(options.system, options.fault)
    return client.status()["faults"]


def _parameter(text: str) -> tuple[str, Any]:
    """key=value, where value is JSON when it can be read so."""
    key, found, value = text.partition("=")
    if not found:
        raise ValueError(f"{text!r} is no parameter: write key=value, for example times=2")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m simulator", description="A simulated town and its upstream systems."
    )
    parser.add_argument("--home", help="the hub's folder (default: TOWNHUB_HOME, else .townhub in the repository)")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="make or load the town and serve every upstream system until stopped")
    serve.add_argument("--scale", type=float, default=0.1, help="1 is a town of 330,000 (default 0.1)")
    serve.add_argument("--seed", type=int, default=1)
    commands.add_parser("status", help="what runs, on which day, with which faults")
    advance = commands.add_parser("advance", help="live some days on")
    advance.add_argument("--days", type=int, default=1)
    truth = commands.add_parser("truth", help="write the answer key as Parquet files")
    truth.add_argument("--out", required=True)
    commands.add_parser("stop", help="stop the town that runs")
    actions = commands.add_parser("faults", help="set, clear or list faults").add_subparsers(
        dest="action", required=True
    )
    fault = actions.add_parser("set", help="for example: faults set police_110 http_500 times=2")
    fault.add_argument("system")
    fault.add_argument("fault")
    fault.add_argument("parameter", nargs="*")
    clear = actions.add_parser("clear")
    clear.add_argument("system", nargs="?")
    clear.add_argument("fault", nargs="?")
    actions.add_parser("list")
    for command in commands.choices.values():
        command.add_argument("--home", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
