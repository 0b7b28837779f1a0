"""Person records of a simulated town as the hub reads them, beside the truth of who each of them is."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import psycopg

from bench.defects import hub_keys
from connectors import intake
from connectors.contract_folder import load_contracts
from orchestration import demo, town
from resolution import sources, things
from resolution.source import Source
from warehouse import connection

_PERSON = {"resident_id_no": "resident_id", "name": "name"}

WHO_NAME_PEOPLE = (
    *things.RESIDENTS,
    # No sources of a resident's record in the hub (other purposes), yet records like those that a town has: here
    # they make up the number. Landlords are missing, for the town's truth does not tell who they are.
    Source("property_register", "tenants", "filing_no || '|' || tenant_no", {**_PERSON, "phone": "phone"}),
    Source("certificate_library", "certificates", "certificate_id",
           {"resident_id_no": "resident_id", "name": "holder_name"}, where="holder_kind = 'person'"),
)  # fmt: skip


def people_taken_in(home: Path, scale: float, seed: int) -> Path:
    """The streams of `WHO_NAME_PEOPLE` of a town, taken in by this process's hub; the folder of the town's truth.

    Nothing is built: staging views are laid over the landing tables as the hub's own are, before any build is fixed.
    """
    contracts = demo.bring_up(scale, seed)
    for source in WHO_NAME_PEOPLE:
        contract = contracts[source.system]
        intake.run_stream(contract, contract.streams[source.stream], run_id="bench identity")
    with connection.connect("builder") as conn:
        for source in WHO_NAME_PEOPLE:
            landed = f"SELECT * FROM landing.{source.system}__{source.stream} WHERE _to_load IS NULL"
            conn.execute(f"CREATE VIEW {source.view} AS {landed}".encode())
        conn.commit()
    truth = home / "truth"
    town.control("POST", "/truth", {"out": str(truth)})
    return truth


def person_records(conn: psycopg.Connection, truth: Path) -> pl.DataFrame:
    """`RESIDENT_SCHEMA` and `true`, the resident that the record is of; records without a truth are left out.

    `truth` is the folder that `townhub simulate truth` wrote.
    """
    records = sources.read_sources(conn, WHO_NAME_PEOPLE, sources.RESIDENT_SCHEMA)
    contracts = load_contracts()
    who = pl.read_parquet(truth / "who_is_who.parquet").filter(pl.col("kind") == "resident")
    keyed = []
    for source in WHO_NAME_PEOPLE:
        mine = who.filter(pl.col("system") == source.system, pl.col("stream") == source.stream)
        contract = contracts[source.system]
        keys = hub_keys(mine["record_key"], contract, contract.streams[source.stream])
        keyed.append(mine.select("system", "stream", record_key=pl.Series(keys, dtype=pl.String), true="true_id"))
    answers = pl.concat(keyed).unique(["system", "stream", "record_key"])
    return records.join(answers, on=["system", "stream", "record_key"])
