"""`townhub systems`: the contracts of the upstream systems."""

from __future__ import annotations

import os
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


@app.command()
def stage(
    systems: Annotated[list[str] | None, typer.Argument(help="Systems by id; all of them without.")] = None,
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is not in step.")
    ] = False,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Write the staging files of the dbt project from the contracts; what a person wrote there stays.

    Example: townhub systems stage police_110
    """
    from connectors.contract import load_contracts
    from orchestration import staging_files

    contracts = load_contracts()
    for name in systems or []:
        if name not in contracts:
            raise output.CommandError(f"no system {name}; `townhub systems list` names them all")
    # With another folder of contracts, the staging of ours is not left over from anything.
    named = systems or (list(contracts) if os.environ.get("TOWNHUB_SYSTEMS") else None)
    changes = staging_files.out_of_step(contracts, named)
    if not check_only:
        staging_files.apply(changes)
    rows = [{"file": str(change.path.relative_to(staging_files.STAGING)), "state": change.state} for change in changes]
    output.emit_rows(rows, as_json=as_json, empty="staging is in step with the contracts")
    if check_only and changes:
        output.say("run `townhub systems stage` and commit what it writes")
        raise typer.Exit(1)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="The new system's id: a-z, 0-9 and _.")],
    sample: Annotated[str, typer.Option("--from", help="A .csv, .xlsx, .json or .geojson file, or a database's URL.")],
    table: Annotated[str, typer.Option(help="The table to look at, when --from is a database.")] = "",
    stream: Annotated[str, typer.Option(help="Our name for this kind of record; from the sample without.")] = "",
    to: Annotated[Path | None, typer.Option(help="Another folder than that of the contracts.")] = None,
) -> None:
    """Write a first contract for a new system out of a sample. What only a person can say is left blank.

    The sample's values stay out of it. The hub refuses the contract until its blanks are filled.

    Example: townhub systems add disability --from 残疾人名册_202605.xlsx
    """
    from connectors.contract import contract_folder
    from connectors.contract_check import IDENTIFIER, check_file
    from connectors.scaffold import scaffold
    from connectors.scaffold.write import CONFIRM

    if not IDENTIFIER.match(name):
        raise output.CommandError(f"{name!r} cannot be a system's id; use a-z, 0-9 and _, beginning with a letter")
    path = (to or contract_folder()) / f"{name}.odcs.yaml"
    if path.exists():
        raise output.CommandError(f"{path} is there already; choose another id, or remove the file")
    if "://" in sample and not table:
        raise output.CommandError("which table of the database? Add --table NAME")
    text = scaffold(name, sample, table=table or None, stream=stream or None)
    path.write_text(text, encoding="utf-8")
    print(f"wrote {path}; {text.count(CONFIRM)} guesses in it are marked CONFIRM")
    for problem in check_file(path)[1]:
        print(problem)
    print(f"then: townhub systems check {path}")


def _duration(seconds: int) -> str:
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = round(seconds / length)
            return f"every {unit}" if count == 1 else f"every {count} {unit}s"
    return f"every {seconds} seconds"
