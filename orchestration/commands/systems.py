"""`townhub systems`: the contracts of the upstream systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration import output

app = typer.Typer(help="The upstream systems and their contracts.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """Every system with its protocol, streams, cadence and owner.

    Example: townhub systems list
    """
    from connectors.contract import load_contracts

    rows = [
        {
            "system": contract.id,
            "name": contract.name,
            "enabled": contract.enabled,
            "domain": contract.domain,
            "protocols": sorted({server.protocol for server in contract.servers.values()}),
            "streams": list(contract.streams),
            "cadence": _duration(contract.cadence_seconds),
            "owner": contract.owner,
            "version": contract.version,
        }
        for contract in load_contracts().values()
    ]
    output.emit_rows(rows, as_json=as_json)


@app.command()
def check(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Contract files; all of connectors/systems without.")
    ] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Explain every mistake of a contract file with its line and remedy.

    Example: townhub systems check connectors/systems/police_110.odcs.yaml
    """
    from connectors.contract import contract_paths
    from connectors.contract_check import check_file

    paths = files or contract_paths()
    problems = [problem for path in paths for problem in check_file(path)[1]]
    if as_json:
        output.emit_json(
            [
                {"file": str(p.file), "line": p.line, "where": p.where, "reason": p.reason, "remedy": p.remedy}
                for p in problems
            ]
        )
    else:
        for problem in problems:
            print(problem)
        if not problems:
            print(f"{len(paths)} contract{'' if len(paths) == 1 else 's'} without a mistake")
    if problems:
        raise typer.Exit(1)


def _duration(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return f"every {seconds} seconds"
