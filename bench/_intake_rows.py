"""The rows of `bench.intake`: one register of 15 columns behind each of three interfaces, and its bytes.

The contracts are made here and not taken from `connectors/systems`, so that every interface serves the same columns:
a key, national identifiers and names, codes, amounts, a place in GCJ-02, dates and times.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import polars as pl

from bench.sample import sample_page
from connectors import conform
from connectors.contract import Contract, Stream
from connectors.contract_folder import load_contract
from connectors.copy_binary import BinaryCopy
from connectors.tables import landing_columns
from connectors.versions import content_hashes, key_hashes

SHAPES = ("json", "csv", "sql")
PAGE_ROWS = 5_000
"""Rows of a JSON page; the same pages are served to everyone."""
CHUNK = 50_000
STREAM = "records"

_SERVERS = {
    "json": "protocol: gateway|endpoint: ${BENCH_HTTP}|appKey: ${BENCH_KEY}|appSecret: ${BENCH_KEY}|signer: sha1",
    "csv": "protocol: sftp|endpoint: ${BENCH_SFTP}|hostKey: ${BENCH_SFTP_KEY}|encoding: gb18030",
    "sql": "protocol: exchange_db|endpoint: ${BENCH_SQL}",
}
_PLACES = {"json": "records", "csv": "records_*.csv", "sql": "records"}
_SOURCES = {
    "json": f"{{interface: bench/records, pageSize: {PAGE_ROWS}}}",
    "csv": "{format: csv, finished: renamed}",
    "sql": "{}",
}
_WITHHOLD = ", customProperties: [{property: onInvalid, value: withhold}]"
_CODES = 'customProperties: [{property: codes, value: {"0": normal, "1": moved, "2": closed}}]'
_COLUMNS = f"""
      - {{name: record_no, physicalName: jlbh, logicalType: string, primaryKey: true, required: true, classification: L2}}
      - {{name: resident_id, physicalName: sfzh, logicalType: string, semanticType: cn.resident_id, classification: L4, tags: [sensitive]{_WITHHOLD}}}
      - {{name: name, physicalName: xm, logicalType: string, required: true, semanticType: cn.person_name, classification: L4, tags: [sensitive]}}
      - {{name: sex, physicalName: xb, logicalType: string, semanticType: cn.sex, classification: L3}}
      - {{name: phone, physicalName: lxdh, logicalType: string, semanticType: cn.phone, classification: L4, tags: [sensitive]{_WITHHOLD}}}
      - {{name: address, physicalName: dz, logicalType: string, semanticType: cn.address, classification: L4, tags: [sensitive]}}
      - {{name: community_code, physicalName: sqbm, logicalType: string, classification: L2}}
      - {{name: longitude, physicalName: jd, logicalType: number, semanticType: geo.longitude, classification: L3{_WITHHOLD}}}
      - {{name: latitude, physicalName: wd, logicalType: number, semanticType: geo.latitude, classification: L3{_WITHHOLD}}}
      - {{name: amount, physicalName: je, logicalType: number, semanticType: cn.amount, classification: L4, customProperties: [{{property: unit, value: yuan}}]}}
      - {{name: members, physicalName: rs, logicalType: integer, classification: L1}}
      - {{name: state, physicalName: zt, logicalType: string, required: true, classification: L1, {_CODES}}}
      - {{name: registered_on, physicalName: djrq, logicalType: date, classification: L2}}
      - {{name: reported_at, physicalName: sbsj, logicalType: timestamp, classification: L2}}
      - {{name: updated_at, physicalName: gxsj, logicalType: timestamp, required: true, classification: L1}}
"""  # noqa: E501

_CONTRACT = """apiVersion: v3.2.0
kind: DataContract
id: bench_{shape}
name: bench {shape}
version: 1.0.0
status: active
domain: population
description: {{purpose: Rows for measuring., limitations: They are made and speak of nobody.}}
team: {{name: bench}}
customProperties:
  - {{property: catalogueNumber, value: {number}}}
  - {{property: legalBasis, value: zj-public-data-2022}}
  - {{property: purposes, value: [resident_register]}}
servers:
  - server: source
    type: custom
    customProperties:
{server}
slaProperties:
  - {{property: frequency, value: 1, unit: day}}
  - {{property: latency, value: 2, unit: day}}
  - {{property: retention, value: 3, unit: year}}
schema:
  - name: records
    physicalName: "{place}"
    dataGranularityDescription: one row per record
    customProperties:
      - {{property: load, value: snapshot}}
      - {{property: maxDeleteShare, value: 0.1}}
      - {{property: source, value: {source}}}
    properties:{columns}"""


def contract_of(shape: str, folder: Path) -> tuple[Contract, Stream]:
    """The contract of a shape, written to `folder` and read as any other."""
    path = folder / f"bench_{shape}.odcs.yaml"
    if not path.exists():
        given = _SERVERS[shape] + "|crs: gcj02|timezone: Asia/Shanghai"
        server = "\n".join(
            f'      - {{property: {name}, value: "{value}"}}'
            for name, value in (entry.split(": ", 1) for entry in given.split("|"))
        )
        path.write_text(
            _CONTRACT.format(
                shape=shape, number=901 + SHAPES.index(shape), server=server, place=_PLACES[shape],
                source=_SOURCES[shape], columns=_COLUMNS,
            ),
            encoding="utf-8",
        )  # fmt: skip
    contract = load_contract(path)
    return contract, contract.streams[STREAM]


def chunks(contract: Contract, stream: Stream, rows: int) -> Iterator[pl.DataFrame]:
    """The register, `CHUNK` rows at a time, every value as text."""
    for first in range(0, rows, CHUNK):
        yield sample_page(contract, stream, min(CHUNK, rows - first), first=first)


def write_json(contract: Contract, stream: Stream, rows: int, folder: Path) -> None:
    """One file per page: the gateway's envelope with the records as an array."""
    folder.mkdir()
    number, pages = 0, -(-rows // PAGE_ROWS)
    for chunk in chunks(contract, stream, rows):
        for page in chunk.iter_slices(PAGE_ROWS):
            number += 1
            envelope = {"code": "00", "msg": "", "totalDataCount": rows, "totalPage": pages, "dataCount": page.height}
            head = orjson.dumps(envelope)[:-1] + b',"datas":'
            (folder / f"{number}.json").write_bytes(head + orjson.dumps(page.to_dicts()) + b"}")


def write_csv(contract: Contract, stream: Stream, rows: int, path: Path) -> None:
    """One GB18030 file with a header line."""
    with path.open("wb") as file:
        for number, chunk in enumerate(chunks(contract, stream, rows)):
            file.write(chunk.write_csv(include_header=number == 0, line_terminator="\r\n").encode("gb18030"))


def sql_text(chunk: pl.DataFrame) -> str:
    """A chunk as COPY's csv format."""
    target = io.StringIO()
    csv.writer(target).writerows(chunk.iter_rows())
    return target.getvalue()


def encode_copy(contract: Contract, stream: Stream, rows: int, path: Path) -> list[str]:
    """Write what PostgreSQL is sent when these rows land, ready to be sent; the columns in their order."""
    server = replace(contract.server_of(stream))
    conformer, encoder = conform.Conformer(stream, server), BinaryCopy()
    columns = [*landing_columns(stream), "_from_load", "_to_load"]
    with path.open("wb") as file:
        for page in chunks(contract, stream, rows):
            accepted = conformer(page).accepted
            frame = accepted.with_columns(_from_load=pl.lit(0, pl.Int64), _to_load=pl.lit(None, pl.Int64))
            keys = key_hashes(conform.record_keys(accepted, stream))
            hashes = {"_key": keys, "_hash": content_hashes(accepted, stream)}
            file.write(encoder.encode(frame.select(columns), hashes))
        file.write(encoder.finish())
    return [*columns, "_key", "_hash"]
