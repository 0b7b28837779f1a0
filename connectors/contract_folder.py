"""The contracts in use: every file of the folder, loaded once and again only when a file has changed.

A contract with a mistake is *broken*: its system is left out and said, and the others go on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from connectors.contract import Contract
from connectors.contract_check import check_file, check_files
from connectors.contract_file import ContractError, Problem, own_id
from warehouse.settings import ConfigurationError

SYSTEMS = Path(__file__).parent / "systems"


def contract_folder() -> Path:
    """Where the contracts are: ours, or the folder that `TOWNHUB_SYSTEMS` names."""
    return Path(os.environ.get("TOWNHUB_SYSTEMS") or SYSTEMS)


def contract_paths(folder: Path | None = None) -> list[Path]:
    """All contract files of a folder, by name; `TOWNHUB_SYSTEMS` may name another folder than ours.

    Raises ConfigurationError when that one holds none: a mistyped path must not switch every system off.
    """
    named = os.environ.get("TOWNHUB_SYSTEMS")
    found = sorted((folder or contract_folder()).glob("*.odcs.yaml"))
    if named and folder is None and not found:
        raise ConfigurationError(f"TOWNHUB_SYSTEMS names {named}, which holds no *.odcs.yaml; correct it or unset it")
    return found


@dataclass(frozen=True)
class Broken:
    """A contract file that has a mistake: its system is left out, and the others go on."""

    system: str
    """The id that the file gives itself, or the name of the file where it gives none."""
    path: Path
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


def load_contracts(folder: Path | None = None, *, whole: bool = False) -> dict[str, Contract]:
    """Every contract without a mistake, by id; `broken_contracts` gives the others.

    With `whole`, for what is written from all contracts together, a mistake in any file raises `ContractError` with
    all mistakes of all files. Files are read again only when one of them has changed.
    """
    contracts, broken = _load(_stamps(folder))
    if whole and broken:
        raise ContractError(problem for each in broken for problem in each.problems)
    return dict(contracts)


def broken_contracts(folder: Path | None = None) -> list[Broken]:
    """The contract files that have mistakes, by name: their systems are not pulled."""
    return list(_load(_stamps(folder))[1])


def mistakes(system: str, broken: Iterable[Broken] | None = None) -> str:
    """Every mistake of a system's broken contract files, a line each; empty where none is broken.

    `broken` are the broken files; those of the folder in use without.
    """
    found = broken_contracts() if broken is None else broken
    return "\n".join(str(each) for each in found if each.system == system)


def _stamps(folder: Path | None) -> tuple[tuple[Path, int, int], ...]:
    return tuple((path, *_stamp(path)) for path in contract_paths(folder))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:  # a link to no file, or deleted since: what cannot be read is told as broken
        return 0, 0
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4)
def _load(stamps: tuple[tuple[Path, int, int], ...]) -> tuple[dict[str, Contract], tuple[Broken, ...]]:
    contracts, problems = check_files(path for path, _, _ in stamps)
    broken = tuple(
        Broken(own_id(path), path, found)
        for path, _, _ in stamps
        if (found := tuple(problem for problem in problems if problem.file == path))
    )
    return {contract.id: contract for contract in contracts.values()}, broken


def load_contract(path: Path) -> Contract:
    """One contract. Raises `ContractError` with every mistake, its line and its remedy."""
    contract, problems = check_file(path)
    if problems or contract is None:
        raise ContractError(problems)
    return contract
