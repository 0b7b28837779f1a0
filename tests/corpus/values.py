"""Values that go wrong in any format: each spoils one cell of one row and says what must become of that row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.corpus.cases import Case, Ends, Read, Row, good_rows, luck


@dataclass(frozen=True)
class Spoilt:
    """One cell: the field, what stands in it, and the reason of the quarantine or else the value that lands."""

    name: str
    column: str
    physical_name: str
    value: str | None
    reason: str = ""
    lands: Any = None
    beyond: dict[str, Ends | None] = field(default_factory=dict)
    """Ways in where it ends otherwise; None where the format cannot hold such a value."""


def _held(name: str, column: str, physical_name: str, value: str | None, reason: str, **more: Any) -> Spoilt:
    return Spoilt(name, column, physical_name, value, reason, **more)


def _read(name: str, column: str, physical_name: str, value: str, lands: Any) -> Spoilt:
    return Spoilt(name, column, physical_name, value, lands=lands)


def _note(name: str, value: str) -> Spoilt:
    return Spoilt(name, "note", "bz", value, lands=value)


SPOILT = (
    _held("wrong_check_digit", "resident_id", "sfzh", "110105194912310021", "invalid_resident_id"),
    _held("thirtieth_of_february", "resident_id", "sfzh", "110105194902300023", "invalid_resident_id"),
    _held("short_id", "resident_id", "sfzh", "1101051949123100", "invalid_resident_id"),
    _held("id_as_float", "resident_id", "sfzh", "1.10105194912310E+17", "lost_precision"),
    _read("lower_x", "resident_id", "sfzh", "11010519491231002x", "11010519491231002X"),
    _read("full_width_id", "resident_id", "sfzh", "１１０１０５１９４９１２３１００２Ｘ", "11010519491231002X"),
    _read("card_of_15_digits", "resident_id", "sfzh", "110105491231002", "11010519491231002X"),
    _held("unknown_code", "state", "zt", "9", "unknown_code"),
    _held("code_with_words", "state", "zt", "1（办结）", "unknown_code"),
    _held("no_key", "id", "bh", None, "missing_required"),
    _held("blank_key", "id", "bh", "  ", "missing_required"),
    _held("no_name", "name", "xm", None, "missing_required"),
    _held("name_of_digits", "name", "xm", "12345", "invalid_name"),
    _held("no_such_day", "changed_at", "gxsj", "2026-02-30 08:00:00", "impossible_date"),
    _held("no_such_hour", "changed_at", "gxsj", "2026-05-01 25:61:00", "impossible_date"),
    _held("no_date", "changed_at", "gxsj", "昨天下午", "not_a_date"),
    _held("no_time_of_change", "changed_at", "gxsj", None, "missing_required"),
    _held("year_2999", "changed_at", "gxsj", "2999-12-31 23:59:59", "future_cursor"),
    _read("chinese_date", "changed_at", "gxsj", "2026年5月2日 08:30:00", datetime(2026, 5, 2, 0, 30, tzinfo=UTC)),
    _read("compact_date", "changed_at", "gxsj", "20260502083000", datetime(2026, 5, 2, 0, 30, tzinfo=UTC)),
    _read("offset_date", "changed_at", "gxsj", "2026-05-02T00:30:00+00:00", datetime(2026, 5, 2, 0, 30, tzinfo=UTC)),
    _read("separators", "amount", "je", "1,234.50", Decimal("1234.50")),
    _held("amount_in_words", "amount", "je", "待定", "not_an_amount"),
    _held("amount_nan", "amount", "je", "NaN", "not_an_amount"),
    _held("amount_endless", "amount", "je", "9" * 400, "not_an_amount"),
    _held("tenth_of_a_fen", "amount", "je", "1.005", "not_an_amount"),
    _note("formula", "=cmd|' /C calc'!A0"),
    _note("sql", "'); DROP TABLE landing.x; --"),
    _note("path", "../../../../etc/passwd"),
    _note("template", "${HOME} {{7*7}} %(x)s %n"),
    _note("rare_characters", "𠮷田䶮 • \U0001f600"),
    _note("markup", "<a href='x'>&amp;</a> ]]>"),
    _note("quotes", 'say "x, y" 5" \\n \\'),
    _note("long", "长" * 30_000),
    _held("replacement_character", "note", "bz", "前\ufffd后", "undecodable_text"),
    _held("nul", "note", "bz", "前\x00后", "nul_character"),
    _held("oversized", "note", "bz", "x" * 1_100_000, "oversized_field"),
    Spoilt("lines", "note", "bz", "first\nsecond", lands="first\nsecond"),
)


def spoilt_cases(
    shape: str,
    encode: Callable[[list[Row]], Any],
    *,
    label: str = "",
    but: dict[str, Ends | None] | None = None,
    **options: Any,
) -> list[Case]:
    """A case for each spoilt value in the form that `encode` makes; `but` are the values that end otherwise here."""
    return [
        _case(shape, label or shape, encode, spoilt, ends, options)
        for spoilt in SPOILT
        if (ends := (but or {}).get(spoilt.name, _ends(spoilt, label or shape))) is not None
    ]


def _row_of(spoilt: Spoilt, label: str) -> int:
    return luck(f"{label}/{spoilt.name}").randrange(6)


def _ends(spoilt: Spoilt, label: str) -> Read:
    key = f"R{_row_of(spoilt, label) + 1:04d}"
    if spoilt.reason:
        return Read(6, ((None if spoilt.column == "id" else key, f"{spoilt.column}:{spoilt.reason}"),))
    return Read(6, values={(key, spoilt.column): spoilt.lands})


def _case(
    shape: str, label: str, encode: Callable[[list[Row]], Any], spoilt: Spoilt, ends: Ends, options: dict[str, Any]
) -> Case:
    def body() -> Any:
        rows = good_rows()
        rows[_row_of(spoilt, label)][spoilt.physical_name] = spoilt.value
        return encode(rows)

    return Case(f"{label}/{spoilt.name}", shape, body, ends, options)
