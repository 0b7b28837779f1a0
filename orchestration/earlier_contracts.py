"""The contracts as they were: out of a git revision or out of a folder."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from connectors.contract import Contract
from connectors.contract_check import check_file
from connectors.contract_folder import SYSTEMS
from orchestration.environment import REPOSITORY
from orchestration.output import CommandError


def read(against: str) -> dict[str, Contract]:
    """Contracts by id; a file that was no valid contract then is left out, for nothing could rest on it.

    Raises CommandError when `against` is neither a folder nor a revision.
    """
    folder = Path(against)
    if folder.is_dir():
        return _of_folder(folder)
    if against.startswith("-") or not _git("rev-parse", "--verify", "--quiet", f"{against}^{{commit}}"):
        raise CommandError(f"{against} is neither a folder nor a git revision; name one, such as --against main")
    names = _git("ls-tree", "--name-only", "--full-tree", against, f"{SYSTEMS.relative_to(REPOSITORY)}/")
    with tempfile.TemporaryDirectory(prefix="townhub-contracts-") as work:
        for name in names.splitlines():
            if name.endswith(".odcs.yaml"):
                (Path(work) / Path(name).name).write_text(_git("show", f"{against}:{name}"), encoding="utf-8")
        return _of_folder(Path(work))


def _of_folder(folder: Path) -> dict[str, Contract]:
    read = (check_file(path)[0] for path in sorted(folder.glob("*.odcs.yaml")))
    return {contract.id: contract for contract in read if contract is not None}


def _git(*arguments: str) -> str:
    """What git prints; nothing where it fails."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, encoding="utf-8", check=False
        )
    except FileNotFoundError:
        raise CommandError("there is no git here; name a folder of contracts with --against") from None
    return done.stdout if done.returncode == 0 else ""
