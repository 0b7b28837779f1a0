"""The hub's own rules for a contract: every mistake at once, each with its line, the reason and the remedy.

`connectors.contract_file` reads the file and holds it against the Open Data Contract Standard. Here is what the
hub wants beyond that: what a cursor needs, what every column must be tagged with, what is lawful. Nothing that the
hub does not understand is ever ignored. The rules follow the file: `document`, `refused`, `servers`, `streams`,
`columns`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from connectors.contract import Contract
from connectors.contract_check.document import contract_of
from connectors.contract_file import ContractFile, Problem, own_id


def check_file(path: Path) -> tuple[Contract | None, list[Problem]]:
    """The contract of a file, or None, with all its mistakes. Never raises: one file must not stop all systems."""
    found: list[Problem] = []
    try:
        file = ContractFile(path)
        found = file.problems
        contract = contract_of(file) if file.shaped else None
    except Exception as error:
        reason = f"cannot be judged ({type(error).__name__}: {str(error)[:200]})"
        found.append(Problem(path, 1, "file", reason, "Mend the value named, or write it as the other contracts do."))
    return (None if found else contract), found


def check_files(paths: Iterable[Path]) -> tuple[dict[Path, Contract], list[Problem]]:
    """The contracts of files that have no mistake, with all mistakes of all of them, clashes between them included.

    Of two files with one id neither counts, a broken one included: which is the system's is for a person to say. Nor
    does either of two with one number.
    """
    read: dict[Path, Contract] = {}
    ids: dict[str, list[Path]] = {}
    problems: list[Problem] = []
    for path in paths:
        contract, found = check_file(path)
        problems += found
        if contract is not None:
            read[path] = contract
        ids.setdefault(contract.id if contract else own_id(path), []).append(path)
    numbers: dict[int, list[Path]] = {}
    for path, contract in read.items():
        if contract.number is not None:
            numbers.setdefault(contract.number, []).append(path)
    for number, places in numbers.items():
        for path in places if len(places) > 1 else ():
            others = ", ".join(other.name for other in places if other != path)
            reason = f"the number {number} stands in {others} too"
            problems.append(Problem(path, 1, "catalogueNumber", reason, "Give every system its own."))
    for named, places in ids.items():
        for path in places if len(places) > 1 else ():
            others = ", ".join(other.name for other in places if other != path)
            reason = f"the id {named} stands in two files, {others} being the other"
            problems.append(Problem(path, 1, "id", reason, "Rename one, or remove it."))
    broken = {problem.file for problem in problems}
    return {path: contract for path, contract in read.items() if path not in broken}, problems
