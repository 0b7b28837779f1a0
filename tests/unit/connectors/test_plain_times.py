"""Times read from their bytes, against Python's own calendar."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.plain_times import read

# Without summer time for ever: beyond 2100 libraries differ on a zone that has it.
ZONES = ("Asia/Shanghai", "UTC")
two = st.integers(0, 99).map("{:02d}".format)
near = st.builds("{}-{}-{} {}:{}:{}".format, st.integers(0, 9999).map("{:04d}".format), two, two, two, two, two)
real = st.datetimes(dt.datetime(1000, 1, 2), dt.datetime(9999, 12, 30)).map(lambda t: t.strftime("%Y-%m-%d %H:%M:%S"))
texts = st.none() | near | real | st.text(min_size=19, max_size=19) | st.text(max_size=25)


def by_python(text: str | None, zone: str) -> dt.datetime | None:
    try:
        naive = dt.datetime.strptime(text or "", "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return None
    if len((text or "").encode()) != 19 or naive.year < 1000:
        return None
    moment = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    leapt_over = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != naive
    return None if leapt_over else moment


@given(st.lists(texts, max_size=12), st.sampled_from(ZONES))
@example(["2024-02-29 23:59:59", "2023-02-29 00:00:00", "1900-02-29 00:00:00", "2000-02-29 00:00:00"], "UTC")
@example(["1991-04-14 02:30:00", "1991-09-15 01:30:00", "1992-01-01 00:00:00"], "Asia/Shanghai")
@example(["2026-03-29 02:30:00", "2026-10-25 02:30:00", "2026-07-01 12:00:00"], "Europe/Berlin")
@example(["2026-12-31 24:00:00", "2026-00-10 00:00:00", "2026-13-10 00:00:00", "2026-04-31 00:00:00"], "Asia/Shanghai")
def test_a_time_is_read_as_the_calendar_says_or_not_at_all(values: list[str | None], zone: str) -> None:
    series = pl.Series("t", values, dtype=pl.String)
    found = read(series, ZoneInfo(zone))
    assert found.dtype == pl.Datetime("us", "UTC") and found.name == "t"
    assert found.to_list() == [by_python(value, zone) for value in values]
