"""Apps read serving and nothing else, every query is on record, and no statement gets out of its role."""

from __future__ import annotations

import psycopg
import pytest

from warehouse import audit
from warehouse.access import ensure_roles, run_as, unexpected_privileges
from warehouse.connection import connect
from warehouse.errors import WarehouseError
from warehouse.grants import APPS, GRANTS, ROLES
from warehouse.statements import kept_of

pytestmark = pytest.mark.usefixtures("database")

ESCAPES = [
    "SELECT set_config('role', 'none', false), (SELECT count(*) FROM control.audit)",
    "SELECT set_config('role', 'townhub_owner', false)",
    "SELECT set_config('session_authorization', 'hub', false)",
    "DO $$ BEGIN EXECUTE 'RESET ROLE'; PERFORM count(*) FROM control.audit; END $$",
    "DO $$ BEGIN EXECUTE 'SET ROLE townhub_app_welfare'; PERFORM count(*) FROM serving.welfare_match; END $$",
    "SELECT 1; RESET ROLE",
    "COMMIT; SELECT 1",
    "SELECT * FROM released.premises_risk",
    "SELECT * FROM landing.anything",
    "SELECT * FROM serving.welfare_match",
    "SELECT control.publish(1, 'me')",
    "SELECT control.serving_hash()",
    "SELECT query_to_xml('SELECT * FROM control.load', true, true, '')",
    "CREATE TEMPORARY TABLE mine (a int)",
    "CREATE TABLE public.mine (a int)",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
]


@pytest.mark.parametrize("statement", ESCAPES)
def test_no_statement_gets_out_of_its_role(statement: str) -> None:
    with pytest.raises(psycopg.Error):
        run_as("safety", statement)


def test_an_app_reads_its_views_and_is_on_record() -> None:
    query = "SELECT count(*) AS n, current_setting('transaction_read_only') FROM serving.premises_risk -- 张三"
    found = run_as("safety", query, actor="li")
    assert (found.columns[0], found.rows, found.truncated) == ("n", [(0, "on")], False)
    with connect() as connection:
        entry = audit.entries(connection, action="query", limit=1)[0]
    assert (entry.actor, entry.detail) == ("li", {"role": "townhub_app_safety", **kept_of(query)})
    assert "张三" not in str(entry.detail)


def test_a_refused_query_is_on_record_too() -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        run_as("welfare", "SELECT * FROM serving.premises_risk")
    with connect() as connection:
        assert audit.entries(connection, action="query", limit=1)[0].actor == "townhub_app_welfare"


def test_long_answers_are_cut_and_say_so() -> None:
    found = run_as("economy", "SELECT * FROM generate_series(1, 20)", limit=5)
    assert len(found.rows) == 5 and found.truncated


def test_logins_of_queries_do_not_stay() -> None:
    with pytest.raises(psycopg.Error):
        run_as("safety", "SELECT 1/0")
    with connect() as connection:
        assert connection.execute("SELECT 1 FROM pg_roles WHERE rolname ~ '^townhub_query'").fetchone() is None


@pytest.mark.parametrize("app", ["owner", "townhub_owner", "nobody", "townhub_app_x"])
def test_only_apps_can_be_queried_as(app: str) -> None:
    with pytest.raises(WarehouseError, match="the apps are safety, welfare"):
        run_as(app, "SELECT 1")


def test_catalog_is_the_table_of_grants(conn: psycopg.Connection) -> None:
    ensure_roles()
    assert unexpected_privileges(conn) == {"extra": [], "missing": []}
    conn.execute("GRANT CREATE ON SCHEMA core TO townhub_loader")
    conn.execute("GRANT EXECUTE ON FUNCTION control.publish TO PUBLIC")
    assert unexpected_privileges(conn)["extra"] == [
        ("PUBLIC", "control.publish", "EXECUTE"),
        ("townhub_loader", "core", "CREATE"),
    ]


def test_new_tables_are_granted_as_the_table_says(conn: psycopg.Connection) -> None:
    conn.execute("SET ROLE townhub_owner")
    conn.execute("CREATE TABLE landing.a (x int)")
    conn.execute("CREATE TABLE isolated.b (x int)")
    conn.execute("SET ROLE townhub_builder")
    conn.execute("CREATE TABLE candidate.c AS SELECT * FROM landing.a")
    conn.execute("RESET ROLE")
    assert unexpected_privileges(conn) == {"extra": [], "missing": []}
    conn.execute("SET ROLE townhub_loader")
    conn.execute("INSERT INTO landing.a VALUES (1)")
    conn.execute("SET ROLE townhub_builder")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SELECT * FROM isolated.b")


@pytest.mark.parametrize("schema", ["landing", "resolution", "released", "serving", "control", "public", "core2"])
def test_builder_creates_in_its_own_schemas_only(conn: psycopg.Connection, schema: str) -> None:
    conn.execute("SET ROLE townhub_builder")
    statement = "CREATE SCHEMA core2" if schema == "core2" else f"CREATE TABLE {schema}.x (a int)"
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute(statement)


def test_apps_have_nothing_outside_serving() -> None:
    for grant in GRANTS:
        if grant.role.startswith("townhub_app_"):
            assert grant.privileges in {"USAGE", "SELECT"}
            assert all(target == "serving" or target.startswith("serving.") for target in grant.objects)
    assert len(ROLES) == 6 + len(APPS)
