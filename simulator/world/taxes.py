"""Tax paid by enterprises, about twelve entries a year each; amounts in fen, refunds negative."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, Floats, Ints, dates, day_number, numbers, times
from simulator.world.hashing import uniform

# kind: (share of enterprises that pay it in a month, months in which it is due, share of the firm's size)
KINDS: dict[str, tuple[float, tuple[int, ...], float]] = {
    "增值税": (0.38, tuple(range(1, 13)), 1.0),
    "城市维护建设税": (0.16, tuple(range(1, 13)), 0.07),
    "个人所得税": (0.24, tuple(range(1, 13)), 0.3),
    "企业所得税": (0.42, (1, 4, 7, 10), 1.6),
    "印花税": (0.25, (1, 4, 7, 10), 0.02),
}


def of_month(enterprises: pl.DataFrame, month_end: date, seed: int) -> pl.DataFrame:
    """Rows of ``taxes`` collected in the month that ends on ``month_end``, for the month before it."""
    first = month_end.replace(day=1)
    before = first - timedelta(days=1)
    period = before.strftime("%Y-%m")
    serial = month_end.year * 12 + month_end.month
    closed = numbers(enterprises["closed_on"], null=2**31)
    liable = (numbers(enterprises["registered_on"]) < day_number(before)) & (closed > day_number(first))
    payers = enterprises.filter(pl.Series(liable))
    ids = payers["enterprise_id"].to_numpy()
    size = np.log(120_000) + 0.8 * np.log(payers["employees"].to_numpy()) + 1.1 * _bell(ids, seed, "tax size")
    parts = []
    for kind, (share, months, part) in KINDS.items():
        if month_end.month not in months:
            continue
        key = ids * 10_000 + serial % 10_000
        regular = uniform(ids, seed, kind) < share * 1.25
        pays = regular & (uniform(key, seed, kind) < 0.8)
        amount = np.exp(size + 0.4 * _bell(key, seed, kind)) * part
        refund = uniform(key, seed, kind, "refund") < 0.006
        paid = day_number(first) + (uniform(key, seed, kind, "day") * 14).astype(np.int64)
        chosen = pl.Series(pays)
        parts.append(
            pl.DataFrame(
                {
                    "enterprise_id": ids,
                    "tax_kind": pl.Series([kind]).new_from_index(0, len(ids)),
                    "period": pl.Series([period]).new_from_index(0, len(ids)),
                    "amount": np.where(refund, -0.3, 1.0) * np.maximum(np.round(amount), 100),
                    "paid_on": dates(paid),
                    "updated_at": times(np.full(len(ids), day_number(month_end) * DAY + 18 * HOUR)),
                }
            ).filter(chosen)
        )
    rows = pl.concat(parts).with_columns(pl.col("amount").round().cast(pl.Int64))
    return rows.sort("enterprise_id", "tax_kind", maintain_order=True)


def _bell(ids: Ints, *salt: str | int) -> Floats:
    """Approximately normal numbers (sum of four uniform ones, scaled to variance 1)."""
    total = np.zeros(len(ids))
    for turn in range(4):
        total += uniform(ids, *salt, "bell", turn)
    return np.asarray((total - 2.0) * 3.0**0.5)
