"""Bank accounts of those who were ever paid: the card's account, earlier ones that were closed, second ones."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.world.columns import DAY, HOUR, Ints, dates, day_number, texts, times
from simulator.world.columns import numbers as as_numbers
from simulator.world.hashing import integers, uniform
from simulator.world.model import World
from simulator.world.payments import account_numbers

BANKS = ("市农商银行", "省工商银行", "市商业银行", "邮政储蓄银行", "农业银行")
STATES = ("normal", "closed", "frozen", "lost")
_NORMAL, _CLOSED, _FROZEN, _LOST = range(4)
_SECOND, _EARLIER = 50_000_000, 90_000_000
_EARLIER_SHARE = 0.12
_NEVER = 2**40


def accounts(world: World) -> pl.DataFrame:
    """The accounts of all payees, by payee: ``account_id``, resident_id, account_no, bank (of ``BANKS``), kind
    social_card|bank_card, state (of ``STATES``), opened_on, closed_on (null unless closed), updated_at.

    An eighth had an account before, which is closed. Of the money that came back seven in ten came from an account
    that had been closed: then it is known as closed from that day on. Who is paid into somebody else's account has
    one of their own here all the same.
    """
    payments = world.payments.select("resident_id", "account_no", "ordered_on", "state", "updated_at")
    payees = payments.group_by("resident_id").agg(pl.col("ordered_on").min()).sort("resident_id")
    ids = payees["resident_id"].to_numpy()
    earlier = uniform(ids, world.seed, "account before") < _EARLIER_SHARE
    first, second, before = (
        payees.with_columns(account_numbers(ids + other, world.seed).alias("account_no"), turn=pl.lit(turn))
        for turn, other in enumerate((0, _SECOND, _EARLIER))
    )
    used = second.join(payments, on=["resident_id", "account_no"], how="semi", maintain_order="left")
    found = pl.concat([first, used, before.filter(pl.Series(earlier))]).sort("resident_id", "turn")
    back = payments.filter(pl.col("state") == "returned").sort("updated_at")
    back = back.unique(["resident_id", "account_no"], keep="first", maintain_order=True)
    found = found.join(
        back.select("resident_id", "account_no", _sent="ordered_on", _back="updated_at"),
        on=["resident_id", "account_no"], how="left", maintain_order="left",
    )  # fmt: skip
    return _told(found, world)


def _told(found: pl.DataFrame, world: World) -> pl.DataFrame:
    """With bank, state and the days on which they came about."""
    turn = found["turn"].to_numpy()
    person = found["resident_id"].to_numpy()
    key = person * 10 + turn
    opened, ended, known = _days(found, turn, person, world.seed)
    fate, happened = _misfortunes(key, opened, world)
    closed = ended < _NEVER
    fate = np.where(closed, _CLOSED, fate)
    changed = np.where(fate == _NORMAL, opened * DAY + 10 * HOUR, happened * DAY + 10 * HOUR)
    return found.select("resident_id", "account_no").with_columns(
        pl.Series("account_id", key),
        texts(BANKS, integers(person, 0, len(BANKS), world.seed, "account bank")).alias("bank"),
        texts(["social_card", "bank_card"], turn == 1).alias("kind"),
        texts(STATES, fate).alias("state"),
        dates(opened).alias("opened_on"),
        dates(np.where(closed, ended, 0), closed).alias("closed_on"),
        times(np.where(closed, known, changed)).alias("updated_at"),
    )


def _days(found: pl.DataFrame, turn: Ints, person: Ints, seed: int) -> tuple[Ints, Ints, Ints]:
    """Days of opening and closing (``_NEVER`` for open ones), and the moment at which the closing is known."""
    paid = as_numbers(found["ordered_on"])
    present = paid - 30 - integers(person, 0, 2_500, seed, "account opened")
    replaced = present + integers(person, 0, 60, seed, "account replaced")
    opened = np.where(turn == 2, replaced - integers(person, 400, 3_500, seed, "account before opened"), present)
    sent, back = as_numbers(found["_sent"], null=_NEVER), as_numbers(found["_back"], null=0)
    gone = (back > 0) & (uniform(person, seed, "account gone") < 0.7)
    ended = np.where(gone, np.maximum(sent - integers(person, 3, 200, seed, "account gone on"), opened + 1), _NEVER)
    ended = np.where(turn == 2, replaced, ended)
    return opened, ended, np.where(turn == 2, replaced * DAY + 10 * HOUR, back)


def _misfortunes(key: Ints, opened: Ints, world: World) -> tuple[Ints, Ints]:
    """Frozen by the bank or reported lost, and since when; ``_NORMAL`` as long as it has not happened."""
    luck = uniform(key, world.seed, "account fate")
    happened = opened + integers(key, 60, 4_000, world.seed, "account fate day")
    fate = np.select([luck < 0.006, luck < 0.016], [_FROZEN, _LOST], _NORMAL)
    return np.where(happened <= day_number(world.today), fate, _NORMAL), happened
