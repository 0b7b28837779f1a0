"""`townhub systems`: the contracts of the upstream systems."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration import output

if TYPE_CHECKING:
    from connectors.contract_file import Problem
    from orchestration.contract_review import Warned

app = typer.Typer(help="The upstream systems and their contracts.", no_args_is_help=True)


@app.command("list")
def list_(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """Every system: its number in the town's catalogue, owner, shape, cadence, freshness and streams.

    A system whose contract is refused stands last, with its mistakes.

    Example: townhub systems list
    """
    from connectors.contract_folder import broken_contracts, load_contracts
    from orchestration.catalogue import every, in_order, span

    rows = [
        {
            "number": contract.number,
            "system": contract.id,
            "name": contract.name,
            "owner": contract.owner,
            "shape": sorted({server.protocol for server in contract.servers.values()}),
            "cadence": every(contract.cadence_seconds),
            "fresh within": span(contract.freshness_seconds),
            "streams": list(contract.streams),
            "enabled": contract.enabled,
            "mistakes": [],
        }
        for contract in in_order(load_contracts().values())
    ]
    unknown = dict.fromkeys(("name", "owner", "cadence", "fresh within"), None)
    rows += [
        {"number": None, "system": each.system, **unknown, "shape": [], "streams": [], "enabled": False,
         "mistakes": [str(problem) for problem in each.problems]}
        for each in broken_contracts()
    ]  # fmt: skip
    order = ("number", "system", "name", "owner", "shape", "cadence", "fresh within", "streams", "enabled", "mistakes")
    rows = [{key: row[key] for key in order} for row in rows]
    if as_json:
        rows = [{key.replace(" ", "_"): value for key, value in row.items()} for row in rows]
    output.emit_rows(rows, as_json=as_json)


@app.command()
def check(
    contracts: Annotated[
        list[Path] | None, typer.Argument(help="Systems by id, or contract files; all of the hub's without.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="A git revision or a folder with the contracts as they were.")
    ] = None,
    as_json: Annotated[bool, output.JSON_OPTION] = False,
) -> None:
    """Every mistake of a contract file with its line and remedy, and whom a change of it breaks downstream.

    Without --against, contracts are compared with what is landed, if the hub's server runs. Mistakes make the exit
    code 1, warnings do not.

    Example: townhub systems check police_110 --against main
    """
    from connectors.contract_check import check_files
    from connectors.contract_folder import contract_paths

    files = [_contract_file(named) for named in contracts or []]
    sound, problems = check_files(files or contract_paths())
    reviewed = None
    if against is not None or not problems:
        from orchestration.contract_review import review

        reviewed = review(sound, against, whole=not files and not problems)
    if as_json:
        output.emit_json([*map(_mistake, problems), *(map(_warning, reviewed.warnings) if reviewed else ())])
    else:
        for line in (*problems, *(reviewed.warnings if reviewed else ())):
            print(line)
        if not problems:
            print(f"{len(sound)} contract{'' if len(sound) == 1 else 's'} without a mistake")
        if reviewed:
            output.say(reviewed.compared)
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
    from connectors.contract_folder import load_contracts, mistakes
    from orchestration import staging_files

    contracts = load_contracts(whole=not systems)
    for name in systems or []:
        if told := mistakes(name):
            raise output.CommandError(f"the contract of {name} is refused:\n{told}")
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
    from connectors.contract_check import check_file
    from connectors.contract_folder import contract_folder
    from connectors.contract_keys import IDENTIFIER
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
    print(f"then: townhub systems check {name if to is None else path}")


@app.command()
def docs(
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if it is not in step.")] = False,
) -> None:
    """Write docs/systems.md, the catalogue of all systems, from the contracts.

    Example: townhub systems docs
    """
    from connectors.contract_folder import load_contracts
    from orchestration.catalogue import PAGE, page

    text = page(load_contracts(whole=True).values())
    output.keep_in_step(PAGE, text, "townhub systems docs", check_only=check_only)


def _contract_file(named: Path) -> Path:
    """The file that is named, or the contract of that name in the hub's folder."""
    from connectors.contract_folder import contract_folder

    if named.exists() or len(named.parts) > 1:
        return named
    return contract_folder() / f"{named.name.removesuffix('.odcs.yaml')}.odcs.yaml"


def _mistake(problem: Problem) -> dict[str, Any]:
    return {
        "kind": "mistake",
        "file": str(problem.file),
        "line": problem.line,
        "where": problem.where,
        "reason": problem.reason,
        "remedy": problem.remedy,
    }


def _warning(warned: Warned) -> dict[str, Any]:
    return {
        "kind": "warning",
        "file": str(warned.path) if warned.path else None,
        "line": warned.line,
        "where": warned.change.where,
        "reason": warned.change.reason,
        "readers": warned.hit.readers,
        "behind": warned.hit.behind,
        "products": warned.hit.products,
    }
