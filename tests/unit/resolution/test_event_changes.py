"""Runs of events by changes on PostgreSQL: whatever comes, changes and goes, they end where full runs end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import psycopg
import pytest

from resolution import carried, events, ledger, sources
from resolution.content import Totals
from resolution.decisions import Record, Verdict, decide, in_force, rows_of
from resolution.events import blocks as event_blocks
from resolution.events import chance as event_chance
from resolution.events import changes as event_changes
from resolution.events import lesson as event_lesson
from resolution.events import part as event_part
from resolution.events import reading as event_reading
from resolution.events import town as event_town
from resolution.restoring import RECORD
from resolution.runner import ResolutionResult, resolve
from resolution.sources import EVENT_SCHEMA
from resolution.things import REGISTER
from resolution.union import apply_decisions
from tests.unit.resolution.landed_town import LandedTown
from warehouse import connection

SYSTEMS = ("four_platform", "police_110", "snapshot_report")
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOUR, DAY = 60, 24 * 60
SPOT = {"longitude": 120.1234, "latitude": 30.3210}
DOORS = [(f"D{at}", f"锦绣花园{at}幢1单元101室", 120.12 + at / 500, 30.32) for at in range(1, 5)]


def report(record_key: str, minutes: float | None = 0, system: str = "police_110", **more: object) -> dict[str, object]:
    at = None if minutes is None else NOON + timedelta(minutes=minutes)
    said = {"category": "noise", "state": "open"} | more
    return {"system": system, "stream": "t", "record_key": record_key, "at": at} | said


def frame(*reports: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(reports, schema=EVENT_SCHEMA, infer_schema_length=None).sort(RECORD)


def reports(seed: int, count: int = 300, days: int = 12) -> pl.DataFrame:
    """A town of few places, where many channels tell of the same; some numbers come again days later."""
    rng = np.random.default_rng([seed, 7])
    made = []
    for at in range(count):
        minutes = float(rng.integers(0, days * 48) * 30 + rng.integers(0, 5))
        told: dict[str, object] = {
            "category": str(rng.choice(["noise", "sanitation", "其他事件"], p=[0.6, 0.35, 0.05]))
        }
        spot = int(rng.integers(1, 5))
        how = rng.integers(0, 5)
        if how < 2:
            told |= {"longitude": 120.12 + spot / 500 + float(rng.choice([0, 1e-6, 2e-4])), "latitude": 30.32}
            told |= {"metres": float(rng.choice([1.0, 17.0, 40.0]))}
        elif how == 2:
            told |= {"address": f"锦绣花园{spot}幢1单元{rng.choice([101, 102])}室"}
        elif how == 3:
            told |= {"text": f"居民反映锦绣花园{spot}幢附近太吵", "grid_code": f"33019910302500{spot}"}
        else:
            told |= {"address": f"网格02500{spot}路边"}
        system = str(rng.choice(SYSTEMS))
        if system == SYSTEMS[0]:
            told |= {"number": f"SJ{rng.integers(0, count // 3)}"}
        state = "false_alarm" if rng.random() < 0.1 else "open"
        made.append(report(f"{at:03}", None if rng.random() < 0.03 else minutes, system, state=state, **told))
    return frame(*made)


def share(records: pl.DataFrame, rng: np.random.Generator, part: float) -> pl.DataFrame:
    return records.filter(pl.Series(rng.random(records.height) < part))


def changed(records: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The same records, moved in time or place, of another kind, closed, false alarms that become true or the other
    way round."""
    how = pl.Series(rng.integers(0, 5, records.height))
    later = pl.duration(minutes=pl.Series(rng.integers(-3 * DAY, 3 * DAY, records.height)))
    other = pl.when(pl.col("state") == "false_alarm").then(pl.lit("open")).otherwise(pl.lit("false_alarm"))
    return records.with_columns(
        at=pl.when(how == 0).then(pl.col("at") + later).otherwise("at"),
        longitude=pl.when(how == 1).then(pl.lit(120.124)).otherwise("longitude"),
        latitude=pl.when(how == 1).then(pl.lit(30.32)).otherwise("latitude"),
        category=pl.when(how == 2).then(pl.lit("sanitation")).otherwise("category"),
        state=pl.when(how == 3).then(other).when(how == 4).then(pl.lit("closed")).otherwise("state"),
    )


def is_full(run: int) -> bool:
    with connection.connect("builder") as conn:
        row = conn.execute(
            "SELECT (detail ->> 'full')::boolean FROM resolution.run WHERE run_id = %s", [run]
        ).fetchone()
    assert row is not None
    return bool(row[0])


def memberships() -> pl.DataFrame:
    """The ledger with entities called by their first record."""
    with connection.connect("builder") as conn:
        held = ledger.current(conn, "event").sort(RECORD)
    record = pl.concat_str(RECORD, separator="|")
    return held.with_columns(entity_key=record.min().over("entity_key"))


def lesson() -> event_town.Town:
    with connection.connect("builder") as conn:
        town = event_lesson.kept(conn, sources.fingerprint(conn, "events"))
    assert town is not None
    return town


def in_one_go(records: pl.DataFrame, town: event_town.Town) -> pl.DataFrame:
    """Memberships of a full run in memory by what is known of the town."""
    told = event_town.reports(records, town)
    judged = event_chance.judged(event_chance.pairs(told.drop_nulls(["kind", "at"])), town.figures)
    rows = records.select(RECORD).with_row_index("row").with_columns(pl.col("row").cast(pl.Int64))
    with connection.connect("builder") as conn:
        decided = rows_of(in_force(conn, "event"), rows)
    found = rows.join(apply_decisions(events.clustered(told, judged).assigned, decided), on="row")
    record = pl.concat_str(RECORD, separator="|")
    keys = record.min().over("cluster").alias("entity_key")
    return found.select(*RECORD, keys, "link_kind", "reason", borrowed=pl.lit(False)).sort(RECORD)


def kept() -> list[tuple[object, ...]]:
    with connection.connect("builder") as conn:
        return conn.execute("SELECT * FROM resolution.event_record ORDER BY 1, 2, 3").fetchall()


def settled(landed: LandedTown) -> ResolutionResult:
    """A run, by changes if any; held against a full run in memory, in the ledger and in all that is kept."""
    done = resolve("events")
    expected = in_one_go(landed.current, lesson())
    assert memberships().equals(expected.select(memberships().columns))
    with connection.connect("builder") as conn:
        totals = Totals.of(ledger.current(conn, "event"))
    assert (done.content_hash, done.records, done.entities) == (
        totals.content_hash, landed.current.height, expected["entity_key"].n_unique(),
    )  # fmt: skip
    assert sum(done.links.values()) == done.records
    return done


def by_changes(landed: LandedTown, records: pl.DataFrame) -> ResolutionResult:
    """What comes of these records when they land now: by changes, and by a full run after it, which finds the same."""
    landed.land(records)
    done = settled(landed)
    assert not is_full(done.run)
    was = kept()
    full = resolve("events", full=True)
    assert is_full(full.run) and full.content_hash == done.content_hash
    assert kept() == was
    return done


@pytest.fixture
def landed(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> LandedTown:
    """No records yet. In so small a town a few changes are a large share, and yet no reason to link all anew."""
    monkeypatch.setattr(carried, "MOST", 1_000)
    monkeypatch.setattr(event_changes, "MOST_READ", 1_000)
    monkeypatch.setattr(event_lesson, "FEW", 10_000)
    town = LandedTown(fresh_database, SYSTEMS, monkeypatch, "events")
    columns = "record_key text, address_code text, full_address text, longitude float8, latitude float8"
    table = f"landing.{REGISTER.system}__{REGISTER.stream}"
    town.conn.execute(f"CREATE TABLE {table} ({columns})".encode())
    town.conn.execute(f"CREATE VIEW {REGISTER.view} AS SELECT * FROM {table}".encode())
    town.conn.execute("GRANT SELECT ON ALL TABLES IN SCHEMA staging, landing TO townhub_builder")
    with town.conn.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} VALUES (%s, %s, %s, %s, %s)".encode(), [(d[0], *d) for d in DOORS])
    return town


@pytest.mark.parametrize("margin", [1, 4])
@pytest.mark.parametrize("seed", range(4))
def test_runs_by_changes_end_where_full_runs_end(
    landed: LandedTown, seed: int, margin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_blocks, "MAX_BLOCK", 4)
    monkeypatch.setattr(event_part, "MARGIN", margin)
    rng = np.random.default_rng([seed, margin, 8])
    everything = reports(seed)
    landed.land(share(everything, rng, 0.9))
    assert is_full(settled(landed).run)
    for _ in range(3):
        now = landed.current
        came = share(everything.join(now, on=RECORD, how="anti"), rng, 0.3)
        gone = share(now, rng, 0.01)
        told = changed(share(now, rng, 0.02), rng)
        stay = now.join(pl.concat([gone, told]), on=RECORD, how="anti")
        by_changes(landed, pl.concat([stay, came, told]).unique(RECORD).sort(RECORD))


def taught_little(landed: LandedTown) -> None:
    """A lesson of one report: likenesses are as sure as in other towns (`events.chance.PRIOR`)."""
    landed.land(frame(report("0", -30 * DAY, category="其他事件")))
    resolve("events")


def groups() -> set[frozenset[str]]:
    """Record keys of the incidents of more than one report."""
    held = memberships().group_by("entity_key").agg("record_key")["record_key"].to_list()
    return {frozenset(keys) for keys in held if len(keys) > 1}


def test_a_report_that_moves_in_time_leaves_its_neighbours_and_finds_others(landed: LandedTown) -> None:
    taught_little(landed)
    then, now = [report(key, at, **SPOT) for key, at in (("a", 0), ("b", 60))], report("c", 9 * DAY, **SPOT)
    moves = report("m", 30, "snapshot_report", **SPOT)
    by_changes(landed, frame(*then, now, moves))
    assert groups() == {frozenset("abm")}
    by_changes(landed, frame(*then, now, moves | {"at": NOON + timedelta(days=9)}))
    assert groups() == {frozenset("ab"), frozenset("cm")}


def test_what_is_left_of_a_chain_is_looked_at_to_its_ends(landed: LandedTown) -> None:
    taught_little(landed)
    chain = [report(f"{at}", at * 11 * HOUR, **SPOT) for at in range(1, 14)]
    by_changes(landed, frame(*chain))
    assert groups() == {frozenset(str(at) for at in range(1, 14))}
    by_changes(landed, frame(*chain[:6], *chain[7:]))
    assert groups() == {frozenset("123456"), frozenset(str(at) for at in range(8, 14))}
    by_changes(landed, frame(*chain))
    assert len(groups()) == 1


def test_who_loses_the_likelier_joins_another_that_is_not_near_to_it(
    landed: LandedTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three halves of a day in a row: what goes in the first is felt in the third."""
    monkeypatch.setattr(event_part, "MARGIN", 1)
    taught_little(landed)
    door, spot = "柳浪花园3幢1单元101室", {"longitude": 120.1244, "latitude": 30.3211}
    told = [
        report("c", HOUR, "four_platform", address=door, **SPOT),
        report("u", 12.8 * HOUR, "snapshot_report", address=door),
        report("x", 24.2 * HOUR, address="柳浪花园3幢附近", **spot),
    ]
    by_changes(landed, frame(*told))
    assert groups() == {frozenset("cu")}
    by_changes(landed, frame(*told[1:]))
    assert groups() == {frozenset("ux")}


def test_what_speaks_for_a_link_is_told_anew_though_the_incident_stays(landed: LandedTown) -> None:
    taught_little(landed)
    told = report("a", **SPOT)
    reasons = set()
    for east, metres in ((0.0, 17.0), (1e-4, 17.0), (2e-4, 40.0)):
        place = {"longitude": SPOT["longitude"] + east, "latitude": SPOT["latitude"], "metres": metres}
        by_changes(landed, frame(told, report("b", 5, **place)))
        assert groups() == {frozenset("ab")}
        reasons |= set(memberships().select("link_kind", "reason").rows())
    assert reasons == {
        ("probabilistic", "same place on the map"),
        ("probabilistic", "a few metres apart"),
        ("probable", "within the camera's error"),
    }


def test_a_false_alarm_that_becomes_true_and_back(landed: LandedTown) -> None:
    taught_little(landed)
    call, alarm = report("a", **SPOT), report("b", 10, "snapshot_report", **SPOT)
    for state, expected in (("false_alarm", set()), ("confirmed", {frozenset("ab")}), ("false_alarm", set())):
        by_changes(landed, frame(call, alarm | {"state": state}))
        assert groups() == expected


def test_a_block_is_crowded_and_then_not(landed: LandedTown, monkeypatch: pytest.MonkeyPatch) -> None:
    """One report more or less decides about pairs of others, also of those in the next half of the day."""
    monkeypatch.setattr(event_blocks, "MAX_BLOCK", 3)
    taught_little(landed)
    many = [report(str(at), at * 20, **SPOT) for at in range(4)]
    later = report("l", 12.5 * HOUR, **SPOT)
    by_changes(landed, frame(*many, later))
    assert groups() == set()
    by_changes(landed, frame(*many[:3], later))
    assert groups() == {frozenset("012l")}
    by_changes(landed, frame(*many, later))
    assert groups() == set()


def test_a_number_is_followed_however_far(landed: LandedTown) -> None:
    taught_little(landed)
    first = report("a", 0, "four_platform", number="SJ1")
    other = report("n", 30 * DAY, **SPOT)
    by_changes(landed, frame(first, other))
    handed = report("b", 30 * DAY, "four_platform", number="SJ1", category="sanitation")
    by_changes(landed, frame(first, other, handed))
    assert groups() == {frozenset("ab")}
    by_changes(landed, frame(first, other, handed | {"category": "noise"} | SPOT))
    assert groups() == {frozenset("abn")}
    by_changes(landed, frame(first, other, handed | {"number": "SJ2"}))
    assert groups() == set()


def test_reports_without_a_time_or_a_kind_are_alone(landed: LandedTown) -> None:
    taught_little(landed)
    told = [report("a", **SPOT), report("b", None, **SPOT), report("c", 5, category="其他事件", **SPOT)]
    by_changes(landed, frame(*told))
    assert groups() == set()
    by_changes(landed, frame(told[0], told[1] | {"at": NOON}, told[2]))
    assert groups() == {frozenset("ab")}
    by_changes(landed, frame(*told))
    assert groups() == set()


def steward(verdict: Verdict, a: str, b: str) -> None:
    with connection.connect("builder") as conn:
        one, other = (Record("police_110", "t", key) for key in (a, b))
        decide(conn, "event", verdict, one, other, by="li", reason="asked")
        conn.commit()


def test_what_stewards_decided_holds_whatever_changes_near_it(landed: LandedTown) -> None:
    taught_little(landed)
    near = [report(key, at, **SPOT) for key, at in (("a", 0), ("b", 20))]
    far = [report(key, 20 * DAY + at, category="sanitation", **SPOT) for key, at in (("x", 0), ("y", 20))]
    by_changes(landed, frame(*near, *far))
    assert groups() == {frozenset("ab"), frozenset("xy")}
    steward("must_link", "a", "x")
    steward("cannot_link", "x", "y")
    assert is_full(settled(landed).run), "decisions are made anew"
    assert groups() == {frozenset("abx")}
    by_changes(landed, frame(*near, *far, report("c", 30, **SPOT)))
    assert groups() == {frozenset("abcx")}
    by_changes(landed, frame(*near, *far, report("z", 20 * DAY + 30, category="sanitation", **SPOT)))
    assert groups() == {frozenset("abxz")}, "z is like x and like y, and y may not be one with x"
    by_changes(landed, frame(*near, *far[1:]))
    assert groups() == {frozenset("ab")}


def test_a_decision_is_followed_to_whom_it_is_about(landed: LandedTown) -> None:
    """What stewards linked to the newcomer's like takes it in, although that one may not be there itself."""
    taught_little(landed)
    told = [report(key, at * DAY, **SPOT) for key, at in (("a", 0), ("x", 20), ("y", 40))]
    by_changes(landed, frame(*told))
    steward("must_link", "a", "x")
    steward("must_link", "x", "y")
    steward("cannot_link", "a", "y")
    assert is_full(settled(landed).run)
    assert groups() == {frozenset("ax")}
    by_changes(landed, frame(*told, report("n", 40 * DAY + 10, **SPOT)))
    assert groups() == {frozenset("axn")}


def test_a_report_that_was_only_closed_is_no_news(landed: LandedTown, monkeypatch: pytest.MonkeyPatch) -> None:
    taught_little(landed)
    by_changes(landed, frame(report("a", **SPOT)))
    monkeypatch.setattr(event_reading, "of_halves", lambda conn, halves: pytest.fail("read something"))
    by_changes(landed, landed.current.with_columns(state=pl.lit("closed")))


def test_what_is_doubtful_no_more_leaves_the_queue(landed: LandedTown) -> None:
    taught_little(landed)
    said = {"address": "网格025002路边"}
    told = [report("a", -5, **said), report("b", 10, "snapshot_report", **said)]  # in two halves of a day
    elsewhere = [report("c", 20 * DAY, **said), report("d", 20 * DAY + 10, "snapshot_report", **said)]
    waiting = (
        "SELECT array_agg(record ->> 'record_key' ORDER BY record ->> 'record_key')"
        " FROM resolution.review WHERE state = 'open'"
    )
    landed.land(frame(*told, *elsewhere))
    resolve("events")
    assert landed.conn.execute(waiting).fetchone() == (list("abcd"),)
    landed.land(frame(told[0], *elsewhere))
    resolve("events")
    assert landed.conn.execute(waiting).fetchone() == (list("cd"),)


def test_after_retention_deleted_a_report_all_is_put_together_anew(landed: LandedTown) -> None:
    """A deletion is no load, and nothing is kept of the record: where it was is not known any more."""
    landed.land(reports(1))
    resolve("events")
    gone = landed.current.sample(3, seed=1)
    landed.purge(gone)
    assert {tuple(row[:3]) for row in kept()} == set(landed.current.select(RECORD).rows())
    assert is_full(settled(landed).run)


def figures(landed: LandedTown) -> object:
    return landed.conn.execute("SELECT figures, learned_at FROM resolution.event_town").fetchone()


def test_a_rebuild_learns_nothing_anew(landed: LandedTown) -> None:
    """What a hub publishes is the same whether its last runs were full or by changes."""
    everything = reports(2)
    landed.land(everything[: len(everything) // 2])
    resolve("events")
    known = figures(landed)
    landed.land(everything)
    done = resolve("events")
    assert resolve("events", full=True).content_hash == done.content_hash
    assert figures(landed) == known
    landed.conn.execute("UPDATE control.load SET finished_at = now() + interval '40 days'")
    landed.land(everything[:-1])
    assert is_full(resolve("events").run)
    assert figures(landed) != known


def reads_another_register(conn: psycopg.Connection, rows: int) -> None:
    conn.execute(
        "INSERT INTO control.load (load_key, system, stream, state, rows_in, rows_landed, finished_at) VALUES"
        " (gen_random_uuid()::text, %s, %s, 'committed', %s, %s, now())",
        [REGISTER.system, REGISTER.stream, rows, rows],
    )


def test_a_lesson_is_learned_anew_when_the_town_has_changed(
    landed: LandedTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_lesson, "FEW", 5)
    everything = reports(3)
    systems = everything["system"]
    landed.land(everything.filter(systems != "snapshot_report"))
    resolve("events")
    known = figures(landed)
    landed.land(pl.concat([landed.current, everything.filter(systems == "snapshot_report")[:5]]).sort(RECORD))
    assert not is_full(settled(landed).run)
    reads_another_register(landed.conn, 5)
    assert not is_full(settled(landed).run)
    assert figures(landed) == known
    reads_another_register(landed.conn, 1)
    assert is_full(settled(landed).run), "of four doors six were changed"
    later = figures(landed)
    assert later != known
    landed.land(everything)
    assert is_full(settled(landed).run), "a channel that told little before tells much"
    assert figures(landed) != later
    later = figures(landed)
    monkeypatch.setattr(sources, "code_digest", lambda: "another version of this code")
    assert is_full(settled(landed).run)
    assert figures(landed) != later


def test_a_door_that_the_register_changed_is_read_as_it_was_learned(landed: LandedTown) -> None:
    taught_little(landed)
    told = [report("a", address=DOORS[0][1]), report("b", 10, longitude=DOORS[0][2], latitude=DOORS[0][3], metres=17.0)]
    by_changes(landed, frame(told[0]))
    landed.conn.execute(f"UPDATE landing.{REGISTER.system}__{REGISTER.stream} SET longitude = 121".encode())
    reads_another_register(landed.conn, 1)
    by_changes(landed, frame(*told))
    assert groups() == {frozenset("ab")}
