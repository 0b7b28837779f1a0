"""Which staging views speak of residents and of enterprises, read into one shape per kind.

What may be read into a resident's record is what came for delivering welfare, the purpose that the record serves.
Others name people too and are no sources here: elder-care sensors and the health code, tenants and landlords (housing
management), holders of certificates (the counter where they stand), the governance brigade's own people.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl
import psycopg

CODE = (Path(__file__).parent, Path(__file__).parent.parent / "connectors" / "standards")
"""Folders whose files decide which records belong together."""

TEXT: pl.DataType = pl.String()
DAY: pl.DataType = pl.Date()

RESIDENT_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "resident_id_no": TEXT, "name": TEXT,
    "birth_date": DAY, "sex": TEXT, "phone": TEXT,
}  # fmt: skip
ENTERPRISE_SCHEMA: dict[str, pl.DataType] = {
    "system": TEXT, "stream": TEXT, "record_key": TEXT, "number": TEXT, "name": TEXT,
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One staging view: SQL for the record key, for the fields of the kind, and for which records speak of it."""

    system: str
    stream: str
    record_key: str
    fields: dict[str, str]
    where: str = "true"

    @property
    def view(self) -> str:
        return f"staging.stg_{self.system}__{self.stream}"


_PERSON = {"resident_id_no": "resident_id", "name": "name"}

RESIDENTS = (
    Source("household_registry", "residents", "person_no",
           {**_PERSON, "birth_date": "birth_date", "sex": "sex", "phone": "phone"}),
    Source("migrant_registry", "registrations", "registration_no",
           {**_PERSON, "birth_date": "birth_date", "sex": "sex", "phone": "phone"}),
    Source("pension", "pensioners", "pension_no", {**_PERSON, "phone": "phone"}),
    Source("disability_certificate", "certificates", "certificate_no",
           {"resident_id_no": "left(certificate_no, 18)", "name": "name", "phone": "phone"}),
    Source("minimum_living", "members", "family_no || '|' || member_no", _PERSON),
    Source("death_register", "deaths", "notice_no", _PERSON),
    Source("welfare_payment", "payments", "payment_no", _PERSON),
    # A telephone on the list of children is the guardian's.
    Source("children_in_need", "children", "child_no", _PERSON),
    Source("elderly_service", "elders", "elder_no", {**_PERSON, "phone": "phone"}),
    Source("payee_account", "accounts", "resident_id || '|' || account_no", _PERSON),
)  # fmt: skip

_FIRM = {"number": "credit_code", "name": "enterprise_name"}

ENTERPRISES = (
    Source("market_registration", "enterprises", "registration_no", {"number": "credit_code", "name": "name"}),
    Source("tax_registry", "taxpayers", "taxpayer_no", {"number": "taxpayer_no", "name": "name"}),
    Source("safety_inspection", "premises", "premises_code", {"number": "credit_code", "name": "name"}),
    Source("enterprise_visit", "visits", "visit_no", _FIRM),
    Source("enterprise_demand", "demands", "demand_no", _FIRM),
    Source("lease_register", "leases", "lease_no", {"number": "credit_code", "name": "tenant_name"}),
    Source("construction_site", "sites", "permit_no", {"number": "credit_code", "name": "builder_name"}),
    Source("hazmat_enterprise", "licences", "licence_no", _FIRM),
    # A person who was punished is no enterprise, and no name of a person is read here.
    Source("administrative_penalty", "penalties", "decision_no", {"number": "credit_code", "name": "party_name"},
           where="party_kind <> 'person'"),
)  # fmt: skip

SOURCES = {"residents": RESIDENTS, "enterprises": ENTERPRISES}
SCHEMAS: dict[str, dict[str, pl.DataType]] = {"residents": RESIDENT_SCHEMA, "enterprises": ENTERPRISE_SCHEMA}


def read(conn: psycopg.Connection, kind: str) -> pl.DataFrame:
    """All current records of a kind, in an order that does not depend on the database's."""
    frames = [_read_one(conn, source, SCHEMAS[kind]) for source in SOURCES[kind]]
    return pl.concat(frames).sort("system", "stream", "record_key")


def fingerprint(conn: psycopg.Connection, kind: str) -> dict[str, int | str]:
    """The newest load of each source that changed a record, the decisions and our own code: equal fingerprints mean
    an equal result."""
    wanted = [f"{source.system}.{source.stream}" for source in SOURCES[kind]]
    rows = conn.execute(
        """SELECT l.system || '.' || l.stream, max(l.load_id) FROM control.load l
             LEFT JOIN control.build_input b USING (system, stream)
            WHERE l.state = 'committed' AND l.rows_landed + l.rows_tombstoned > 0
              AND l.load_id <= coalesce(b.load_id, l.load_id) AND l.system || '.' || l.stream = ANY (%s)
            GROUP BY 1""",
        [wanted],
    ).fetchall()
    decisions = conn.execute(
        "SELECT count(*) + count(revoked_at) FROM resolution.decision WHERE kind = %s", [entity_kind(kind)]
    ).fetchone()
    assert decisions is not None
    return dict(rows) | {"decisions": decisions[0], "code": code_digest()}


@cache
def code_digest(folders: tuple[Path, ...] = CODE) -> str:
    """Digest of the files of the folders, once per process: it runs the code that it has loaded."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def entity_kind(kind: str) -> str:
    """`residents` → `resident`: what the ledger calls one of them."""
    return kind.removesuffix("s")


def _read_one(conn: psycopg.Connection, source: Source, schema: dict[str, pl.DataType]) -> pl.DataFrame:
    wanted = [name for name in schema if name not in ("system", "stream", "record_key")]
    columns = [f"({source.record_key})::text"] + [source.fields.get(name, "null") + "::text" for name in wanted]
    query = f"COPY (SELECT {', '.join(columns)} FROM {source.view} WHERE {source.where}) TO STDOUT (FORMAT CSV)"
    with conn.cursor().copy(query.encode()) as copy:
        data = b"".join(bytes(block) for block in copy)
    names = ["record_key", *wanted]
    if not data:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(data, has_header=False, new_columns=names, infer_schema=False)
    typed = [
        pl.col(name).str.to_date() if schema[name] == DAY else pl.col(name) for name in names if name != "record_key"
    ]
    return frame.with_columns(*typed, system=pl.lit(source.system), stream=pl.lit(source.stream)).select(list(schema))
