"""The staging files of the dbt project as text, made from a contract.

A contract says everything that staging needs: which landing table there is, with which columns, types, keys and
classes. So the files are made and not written; `orchestration.staging_files` puts them into the dbt project. They
are made here, beside the contracts, because nothing but a contract goes into them: this module makes text, touches
no file and knows dbt's file format only, not dbt.

Three kinds of files, paths below `models/staging/`:

- `<system>/sources.yml`: the landing tables of the system as a dbt source;
- `<system>/stg_<system>__<stream>.sql`: one line, the current version of every record;
- `<system>/stg_<system>__<stream>.yml`: what that view is, column by column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from connectors.contract import Column, Contract, Stream
from connectors.yaml_text import flow, quoted, scalar

MARK = "# Made from the contract by `townhub systems stage`; do not edit."
"""First line of every YAML file that is made. A file without it is somebody's own work and is left alone."""

_CALL = re.compile(r"\{\{\s*current_version\('[a-z0-9_]+',\s*'[a-z0-9_]+'\)\s*\}\}")


def is_made(text: str) -> bool:
    """Whether a staging file came from here: YAML says so in its first line, SQL is the bare call and nothing else."""
    return text.startswith(MARK) or _CALL.fullmatch(text.strip()) is not None


def staging_files(contract: Contract) -> dict[str, str]:
    """Path below `models/staging/` → text. None for an isolated system, which dbt never gets to see."""
    if contract.isolated:
        return {}
    files = {f"{contract.id}/sources.yml": _source(contract)}
    for stream in contract.streams.values():
        model = model_name(stream)
        files[f"{contract.id}/{model}.sql"] = f"{{{{ current_version('{stream.system}', '{stream.name}') }}}}\n"
        files[f"{contract.id}/{model}.yml"] = _model(contract, stream)
    return files


def model_name(stream: Stream) -> str:
    return f"stg_{stream.system}__{stream.name}"


def _source(contract: Contract) -> str:
    return _text(
        [
            "sources:",
            f"  - name: {scalar(contract.id)}",
            f"    description: {quoted(f'{contract.name}: {contract.purpose}')}",
            "    schema: landing",
            "    config:",
            "      meta:",
            f"        owner: {scalar(contract.owner)}",
            f"        domain: {scalar(contract.domain)}",
            f"        purposes: {flow(contract.purposes)}",
            "    tables:",
            *(line for stream in contract.streams.values() for line in _table(stream)),
        ]
    )


def _table(stream: Stream) -> Iterator[str]:
    yield f"      - name: {scalar(stream.name)}"
    yield f"        identifier: {scalar(stream.landing_table)}"
    yield f"        description: {quoted(stream.grain)}"
    yield "        columns:"
    for column in stream.columns:
        yield f"          - name: {scalar(column.name)}"
        yield f"            data_type: {column.postgres_type}"
        yield f"            config: {{meta: {{{', '.join(_meta(column))}}}}}"


def _meta(column: Column) -> Iterator[str]:
    yield f"classification: {column.classification}"
    if column.primary_key:
        yield "primary_key: true"
    if column.sensitive:
        yield "sensitive: true"
    if column.purposes:
        yield f"purposes: {flow(column.purposes)}"


def _model(contract: Contract, stream: Stream) -> str:
    return _text(
        [
            "models:",
            f"  - name: {scalar(model_name(stream))}",
            f"    description: {quoted(f'Current version: {stream.grain}.')}",
            "    config:",
            "      meta:",
            f"        purpose: {flow(contract.purposes)}",
            f"        owner: {scalar(contract.owner)}",
            f"        classification: {max(column.classification for column in stream.columns)}",
            "    columns:",
            "      - name: record_key",
            "        data_type: text",
            "        description: Primary key of the record at its source, columns joined by |.",
            *(line for column in stream.columns for line in _column(column)),
        ]
    )


def _column(column: Column) -> Iterator[str]:
    standard = f", {column.semantic_type}" if column.semantic_type else ""
    standard += ", yuan" if column.semantic_type == "cn.amount" else ""
    remark = f" {column.description}" if column.description else ""
    yield f"      - name: {scalar(column.name)}"
    yield f"        data_type: {column.postgres_type}"
    yield f"        description: {quoted(f'`{column.physical_name}` at the source{standard}.{remark}')}"
    yield f"        config: {{meta: {{classification: {column.classification}}}}}"


def _text(lines: Iterable[str]) -> str:
    return "\n".join((MARK, "version: 2", "", *lines, ""))
