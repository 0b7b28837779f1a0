"""Keeping the dbt project's staging in step with the contracts: what is missing, out of date or left over.

The texts come from `connectors.dbt_files`. What a person wrote stays: SQL with more than the bare call of
`current_version` is left alone together with the YAML beside it, and so is YAML without the mark of made files
(own descriptions, own tests). Sources are never a matter of taste and always made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.contract import Contract
from connectors.dbt_files import is_made, staging_files
from orchestration.environment import DBT_PROJECT

STAGING = DBT_PROJECT / "models" / "staging"


@dataclass(frozen=True)
class Change:
    """One file that is not as its contract has it; `text` is what it should hold, None where it should not be."""

    path: Path
    state: str
    text: str | None


def out_of_step(
    contracts: Mapping[str, Contract], systems: Iterable[str] | None = None, root: Path = STAGING
) -> list[Change]:
    """What differs, by path; of some systems only if they are named.

    Without names, folders of systems that have no contract (any more) are looked at too.
    """
    folders = set(systems) if systems is not None else {path.name for path in root.iterdir() if path.is_dir()}
    wanted: dict[Path, str] = {}
    for contract in contracts.values():
        if systems is None or contract.id in folders:
            wanted |= {root / name: text for name, text in staging_files(contract).items()}
    changes = [
        Change(path, "out of date" if path.exists() else "missing", text)
        for path, text in wanted.items()
        if not _handwritten(path) and _read(path) != text
    ]
    changes += [
        Change(path, "left over", None)
        for folder in folders
        for path in (root / folder).glob("*.*")
        if path not in wanted and path.suffix in {".sql", ".yml"} and is_made(path.read_text(encoding="utf-8"))
    ]
    return sorted(changes, key=lambda change: change.path)


def apply(changes: Iterable[Change]) -> None:
    """Write and remove files so that nothing is out of step; doing it again changes nothing."""
    for change in changes:
        if change.text is None:
            change.path.unlink()
            if not any(change.path.parent.iterdir()):
                change.path.parent.rmdir()
        else:
            change.path.parent.mkdir(parents=True, exist_ok=True)
            change.path.write_text(change.text, encoding="utf-8")


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _handwritten(path: Path) -> bool:
    if path.name == "sources.yml":
        return False
    texts = [_read(path), _read(path.with_suffix(".sql"))]
    return any(text is not None and not is_made(text) for text in texts)
