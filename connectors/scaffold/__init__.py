"""A first contract for a new system, out of a sample: `townhub systems add`.

Sample → what each column most likely is (`guesses`) → the stream (`draft`) → the file (`write`). What the sample
cannot show is left blank and what it shows is marked as a guess; values of the sample never reach the file, except
the codes of code lists.
"""

from __future__ import annotations

import re
from pathlib import Path

from connectors.contract import Contract
from connectors.contract_check import check_files
from connectors.contract_file import ContractError
from connectors.contract_folder import contract_paths, load_contracts
from connectors.scaffold.draft import draft
from connectors.scaffold.headings import vocabulary
from connectors.scaffold.samples import Sample, read_file
from connectors.scaffold.write import contract_text


def scaffold(system: str, source: str, *, table: str | None = None, stream: str | None = None) -> str:
    """The text of a contract for `system` out of a sample: a file, or with `table` a database address.

    Raises IntakeError when there is no sample, or one that the hub could not take in.
    """
    if table:
        from connectors.scaffold.database import read_table

        sample = read_table(source, table)
    else:
        sample = read_file(Path(source))
    return contract_text(system, stream or _stream_name(sample), sample, draft(sample, vocabulary(_contracts())))


def _contracts() -> list[Contract]:
    """Those at hand that are sound: one that is not finished yet must not keep the next from being begun."""
    try:
        return list(load_contracts().values())
    except ContractError:
        return list(check_files(contract_paths())[0].values())


def _stream_name(sample: Sample) -> str:
    """The letters of the file's or table's name if they can be ours, else `records`."""
    name = sample.physical_name.rpartition(".")[2] if sample.protocol == "exchange_db" else sample.physical_name
    name = re.sub(r"\.\w+$", "", name) if sample.protocol == "sftp" else name
    name = re.sub(r"[^a-z0-9]+", "_", re.sub(r"^(?:t|tb|v)_", "", name.lower())).strip("_")
    return name if re.fullmatch(r"[a-z][a-z0-9_]{2,40}", name) else "records"
