"""The exchange database connector against real tables in PostgreSQL and MariaDB, healthy and failing."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
import sqlalchemy as sa

from connectors.contract import Column, Refusal, Server, Stream
from connectors.errors import ContractViolation, IntakeError, Permanent, Retriable
from connectors.protocols import open_extraction
from connectors.protocols.base import Extraction, Page, Pull
from simulator.faults import Faults
from simulator.interfaces import ExchangeTable
from simulator.servers.exchange_db import ExchangeDbServer

SHANGHAI = ZoneInfo("Asia/Shanghai")
TABLES = {
    ("police_110", "incidents"): ExchangeTable("t_jq", ("jjdbh",)),
    ("safety_inspection", "hazards"): ExchangeTable("cs_hazard", ("yhbh",), flagged=False),
}


@dataclass
class View:
    frame: pl.DataFrame
    changed_at: str | None = "gxsj"


def incidents(count: int, start: int = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "jjdbh": [f"J{i:05d}" for i in range(start, start + count)],
            "bjsj": [datetime(2026, 6, 1, 8) + timedelta(minutes=i) for i in range(start, start + count)],
            "afdz": [[None, "", "东湖路12号\n3幢", '𠮷"巷",', "\\N\\"][i % 5] for i in range(start, start + count)],
            "zbx": [120.0812345 + i for i in range(start, start + count)],
            "djrq": [date(2026, 6, 1)] * count,
            "gxsj": [datetime(2026, 6, 1, 8) + timedelta(minutes=i) for i in range(start, start + count)],
        },
        schema_overrides={"bjsj": pl.Datetime("us"), "gxsj": pl.Datetime("us"), "afdz": pl.String},
    )


@dataclass
class Town:
    views: dict[str, View]
    faults: Faults
    server: ExchangeDbServer
    url: str

    def pull(self, system: str = "police_110", **properties: Any) -> Pull:
        flagged = system == "police_110"
        key = "jjdbh" if flagged else "yhbh"
        cursor = Column("updated_at", "gxsj", "timestamp", "L1", required=True)
        columns = [
            Column("number", key, "string", "L2", primary_key=True),
            Column("address", "afdz", "string", "L3"),
            Column("found_on", "djrq", "date", "L1"),
            cursor,
        ]
        stream = Stream(
            system,
            "rows",
            "t_jq" if flagged else "cs_hazard",
            "changes",
            tuple(columns),
            cursor=cursor,
            server_name="x",
        )
        given = {"protocol": "exchange_db", "endpoint": self.server.environment()[f"{system.upper()}_URL"]}
        if flagged:
            given["acknowledge"] = {"column": "clbz", "waiting": "0", "taken": "1"}  # type: ignore[assignment]
        return Pull(stream, Server("x", given | {"timezone": "Asia/Shanghai"} | properties), page_rows=100)

    def read(self, pull: Pull, *, acknowledge: bool = True) -> list[Page]:
        with open_extraction(pull) as extraction:
            pages = list(extraction.pages())
            if acknowledge:
                extraction.acknowledge()
            return pages

    def execute(self, statement: str) -> Any:
        engine = sa.create_engine(self.url)
        with engine.begin() as connection:
            result = connection.exec_driver_sql(statement)
            rows = result.fetchall() if result.returns_rows else result.rowcount
        engine.dispose()
        return rows


def _reachable(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=["postgresql", pytest.param("mariadb", marks=pytest.mark.external)])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database of each kind."""
    name = f"townhub_exchange_{secrets.token_hex(4)}"
    if request.param == "postgresql":
        admin = sa.make_url(request.getfixturevalue("server_url")).set(drivername="postgresql+psycopg")
    else:
        if not _reachable(3306):
            pytest.skip("no MariaDB at 127.0.0.1:3306")
        admin = sa.make_url("mysql+pymysql://root@127.0.0.1:3306/")
    engine = sa.create_engine(admin, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield admin.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        force = " WITH (FORCE)" if request.param == "postgresql" else ""
        connection.exec_driver_sql(f"DROP DATABASE {name}{force}")
    engine.dispose()


@pytest.fixture
def town(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("TOWNHUB_SOURCE_DEADLINE_SECONDS", "2")
    hazards = incidents(250).rename({"jjdbh": "yhbh"})
    views = {"incidents": View(incidents(250)), "hazards": View(hazards)}
    faults = Faults()
    server = ExchangeDbServer(lambda system, stream: views[stream], faults, TABLES, url=database)
    server.start()
    try:
        yield Town(views, faults, server, database)
    finally:
        server.stop()


def keys(pages: list[Page], name: str = "jjdbh") -> list[str]:
    return sorted(key for page in pages if page.frame.height for key in page.frame[name])


def test_who_reads_all_again_remembers_only_what_waits(town: Town) -> None:
    pull = town.pull()
    assert len(keys(town.read(pull))) == 250
    first = town.execute("SELECT min(jjdbh) FROM t_jq")[0][0]
    town.execute(f"UPDATE t_jq SET afdz = 'x', clbz = '0' WHERE jjdbh = '{first}'")
    with open_extraction(replace(pull, afresh=True)) as extraction:
        assert len(keys(list(extraction.pages()))) == 250
        assert sum(len(part) for part in extraction._read) == 1
        extraction.acknowledge()
    assert town.read(pull) == []


def test_of_a_table_with_refused_columns_only_the_contracts_are_asked_for(town: Town) -> None:
    pull = town.pull()
    refusing = replace(pull.stream, refusals=(Refusal("field", "zbx", "where people are is nobody's business"),))
    (page, *_) = town.read(replace(pull, stream=refusing))
    assert set(page.frame.columns) == {"jjdbh", "afdz", "djrq", "gxsj"}
    assert town.read(pull) == [], "what was read without them is taken all the same"


def test_waiting_rows_are_read_as_the_database_prints_them(town: Town) -> None:
    pages = town.read(town.pull())
    frame = pl.concat([page.frame for page in pages]).sort("jjdbh")
    sent = town.views["incidents"].frame
    assert frame["jjdbh"].to_list() == sent["jjdbh"].to_list()
    assert frame["afdz"].to_list() == sent["afdz"].to_list(), "null, empty text, newline and quotes stay apart"
    assert frame["djrq"][0] == "2026-06-01"
    assert frame["gxsj"].str.slice(0, 19)[7] == "2026-06-01 08:07:00"
    assert float(frame["zbx"][3]) == sent["zbx"][3]
    assert "clbz" not in frame.columns
    assert [page.frame.height for page in pages] == [100, 100, 50]


def test_rows_are_taken_only_after_the_commit_here(town: Town) -> None:
    town.read(town.pull(), acknowledge=False)
    assert len(keys(town.read(town.pull()))) == 250, "without acknowledgement everything comes again"
    assert keys(town.read(town.pull())) == []
    assert town.execute("SELECT count(*) FROM t_jq WHERE clbz = '1'")[0][0] == 250


def test_a_row_changed_in_between_stays_waiting(town: Town) -> None:
    with open_extraction(town.pull()) as extraction:
        list(extraction.pages())
        town.execute("UPDATE t_jq SET gxsj = '2026-06-20 00:00:00', afdz = '新' WHERE jjdbh IN ('J00007', 'J00201')")
        extraction.acknowledge()
        extraction.acknowledge()
    assert keys(town.read(town.pull())) == ["J00007", "J00201"]


@pytest.mark.parametrize("cursor", [True, False])
def test_a_row_changed_twice_in_one_second_stays_waiting(town: Town, cursor: bool) -> None:
    """Its time of change, if it has one, is the same: only its contents tell that it was never read so."""
    pull = town.pull()
    pull = pull if cursor else replace(pull, stream=replace(pull.stream, cursor=None))
    town.execute("UPDATE t_jq SET afdz = NULL, gxsj = NULL WHERE jjdbh = 'J00030'")
    with open_extraction(pull) as extraction:
        list(extraction.pages())
        town.execute("UPDATE t_jq SET afdz = '新' WHERE jjdbh = 'J00007'")
        town.execute("UPDATE t_jq SET zbx = zbx + 1 WHERE jjdbh = 'J00008'")
        town.execute("UPDATE t_jq SET afdz = '' WHERE jjdbh = 'J00030'")
        extraction.acknowledge()
    assert keys(town.read(pull)) == ["J00007", "J00008", "J00030"]
    assert keys(town.read(pull)) == []


def test_a_row_without_time_of_change_is_taken_too(town: Town) -> None:
    town.execute("UPDATE t_jq SET gxsj = NULL WHERE jjdbh = 'J00011'")
    assert len(keys(town.read(town.pull()))) == 250
    assert keys(town.read(town.pull())) == []


def test_a_row_without_a_flag_waits_and_is_taken(town: Town) -> None:
    town.read(town.pull())
    postgresql = town.url.startswith("postgresql")
    town.execute(f"ALTER TABLE t_jq {'ALTER clbz DROP NOT NULL' if postgresql else 'MODIFY clbz varchar(2) NULL'}")
    town.execute("UPDATE t_jq SET clbz = NULL WHERE jjdbh IN ('J00005', 'J00123')")
    town.execute("UPDATE t_jq SET gxsj = NULL WHERE jjdbh = 'J00123'")
    assert keys(town.read(town.pull())) == ["J00005", "J00123"]
    assert keys(town.read(town.pull())) == []
    assert town.execute("SELECT count(*) FROM t_jq WHERE clbz = '1'")[0][0] == 250, "no other row was touched"


def test_only_changed_rows_are_published_again(town: Town) -> None:
    town.read(town.pull())
    frame = town.views["incidents"].frame
    changed = frame.with_columns(afdz=pl.when(pl.col("jjdbh") == "J00003").then(pl.lit("改")).otherwise(pl.col("afdz")))
    town.views["incidents"] = View(pl.concat([changed[1:], incidents(2, start=250)]))
    assert town.server.publish("police_110") == {"t_jq": 3}
    assert keys(town.read(town.pull())) == ["J00003", "J00250", "J00251"]
    assert town.execute("SELECT count(*) FROM t_jq")[0][0] == 251
    assert town.server.publish("police_110") == {"t_jq": 0}


def test_changes_since_the_cursor_and_rows_without_one(town: Town) -> None:
    pull = town.pull("safety_inspection")
    assert len(keys(town.read(pull), "yhbh")) == 250
    since = replace(pull, since=datetime(2026, 6, 1, 12, 8, tzinfo=SHANGHAI))
    assert keys(town.read(since), "yhbh") == ["J00248", "J00249"]
    town.execute("UPDATE cs_hazard SET gxsj = NULL WHERE yhbh = 'J00001'")
    assert keys(town.read(since), "yhbh") == ["J00001", "J00248", "J00249"]


def test_rows_come_in_the_order_of_their_change(town: Town) -> None:
    frame = pl.concat([page.frame for page in town.read(town.pull("safety_inspection"))])
    assert frame["gxsj"].is_sorted()


def test_rows_sent_twice_pass_on(town: Town) -> None:
    frame = town.views["incidents"].frame
    town.views["incidents"] = View(pl.concat([frame, frame[:5].with_columns(afdz=pl.lit("另"))]))
    town.server.publish("police_110")
    assert len(keys(town.read(town.pull()))) == 255
    assert keys(town.read(town.pull())) == []


@pytest.mark.parametrize(
    ("fault", "params", "error", "message"),
    [
        ("removed_column", {"column": "afdz"}, ContractViolation, "no longer has afdz"),
        (
            "renamed_column",
            {"column": "afdz", "to": "dz"},
            ContractViolation,
            "no longer has afdz and has the new",
        ),
        ("dead", {}, Retriable, ""),
        ("reset", {"after": 15_000}, Retriable, "reading"),
        ("truncated", {"after": 15_000}, Retriable, "reading"),
        ("timeout", {"after": 10, "seconds": 5}, Retriable, ""),
        ("slow_drip", {"after": 15_000, "seconds": 30}, Retriable, "reading"),
    ],
)
def test_faults(town: Town, fault: str, params: dict[str, Any], error: type[IntakeError], message: str) -> None:
    town.views["incidents"] = View(incidents(2500))
    town.server.publish("police_110")
    town.faults.set("police_110", fault, **params)
    began = time.monotonic()
    with pytest.raises(error, match=message) as raised:
        town.read(town.pull())
    assert time.monotonic() - began < 15
    assert "东湖路" not in str(raised.value)
    assert len(keys(town.read(town.pull("safety_inspection")), "yhbh")) == 250, "the other systems go on"
    town.faults.clear()
    assert len(keys(town.read(town.pull()))) == 2500


def test_a_missing_table_a_missing_flag_and_an_unsafe_name(town: Town) -> None:
    pull = town.pull()
    with pytest.raises(ContractViolation, match="the table t_none is not there"):
        town.read(replace(pull, stream=replace(pull.stream, physical_name="t_none")))
    gone = town.pull(acknowledge={"column": "bz", "waiting": "0", "taken": "1"})
    with pytest.raises(ContractViolation, match="flag column bz"):
        town.read(gone)
    with pytest.raises(Permanent, match="no table name"):
        town.read(replace(pull, stream=replace(pull.stream, physical_name='t_jq"; DROP TABLE t_jq; --')))


def test_a_new_column_is_kept(town: Town) -> None:
    town.faults.set("police_110", "added_column")
    assert town.read(town.pull())[0].frame["xzzd"][0] == "new"


def test_a_column_of_a_type_that_nobody_knows_is_read_as_text(town: Town) -> None:
    kind = "point" if town.url.startswith("postgresql") else "geometry"
    town.execute(f"ALTER TABLE t_jq ADD COLUMN wz {kind}")
    frame = pl.concat([page.frame for page in town.read(town.pull())])
    assert frame.height == 250 and frame["wz"].null_count() == 250


def test_an_oversized_field_costs_its_record_only(town: Town) -> None:
    town.faults.set("police_110", "oversized_field", size=2_000_000, column="afdz")
    pages = town.read(town.pull())
    assert [b.reason for page in pages for b in page.bad] == ["oversized_field"]
    assert len(keys(pages)) == 249


def test_refused_addresses(town: Town) -> None:
    good = town.pull().server.endpoint
    with pytest.raises(Permanent, match="allowedHosts"):
        town.read(town.pull(allowedHosts=["exchange.example"]))
    with pytest.raises(Permanent, match="no database address"):
        town.read(town.pull(endpoint="sqlite:///x"))
    wrong = sa.make_url(good).set(username="nobody_here", password="wrong").render_as_string(hide_password=False)
    with pytest.raises(Permanent, match="refuses us") as raised:
        town.read(town.pull(endpoint=wrong))
    assert "wrong" not in str(raised.value)


def test_an_extraction_given_up_half_way_leaves_everything_waiting(town: Town) -> None:
    with open_extraction(town.pull()) as extraction:
        kept: Extraction = extraction
        pages = kept.pages()
        next(pages)
        pages.close()  # type: ignore[attr-defined]
    assert len(keys(town.read(town.pull()))) == 250


# Of a division by zero MySQL makes no error.
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_table_that_breaks_off_after_some_rows_is_not_taken_for_whole(town: Town) -> None:
    town.execute(
        "CREATE VIEW breaks_off AS SELECT g::text AS yhbh, (1 / (300 - g))::text AS afdz, current_date AS djrq, "
        "localtimestamp AS gxsj FROM generate_series(1, 400) AS g; GRANT SELECT ON breaks_off TO PUBLIC"
    )
    pull = town.pull("safety_inspection")
    with (
        pytest.raises(Retriable, match="22012"),
        open_extraction(replace(pull, stream=replace(pull.stream, physical_name="breaks_off"))) as extraction,
    ):
        list(extraction.pages())
    assert not extraction.complete


def test_two_systems_may_not_fill_one_table() -> None:
    twice = {("police_110", "incidents"): ExchangeTable("t", ("a",)), ("pension", "people"): ExchangeTable("t", ("b",))}
    with pytest.raises(ValueError, match=r"police_110\.incidents and pension\.people both fill"):
        ExchangeDbServer(lambda system, stream: View(pl.DataFrame()), Faults(), twice, url="postgresql://x@127.0.0.1/x")
