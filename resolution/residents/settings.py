"""What is compared of two records, from full agreement to contradiction, as Splink's settings without weights."""

from __future__ import annotations

from typing import Any

PHONE_ENDS = 5
"""One slip in eleven digits or more leaves so many at one end or the other as they are, and few pairs need be asked for
their distance."""

TYPED_SLIPS = 2
"""A number is mistyped in so many places at most."""


def settings() -> dict[str, Any]:
    """Splink's settings without weights, save those that are stated and not learnt."""
    same = "{0}_l = {0}_r".format
    near = "damerau_levenshtein({0}_l, {0}_r) <= {1}".format
    days = "abs(date_diff('day', strptime(birth_l, '%Y%m%d'), strptime(birth_r, '%Y%m%d')))"
    number = _comparison(
        "number",
        _null("typed_ends"),
        # Two whole numbers that are the same are one person's already, so these weights are stated, not learnt:
        # a number is mistyped in a digit or two, or all but its ends are masked.
        _level(same("typed"), m=0.05, u=1e-7),
        _level(near("typed", TYPED_SLIPS), m=0.6, u=2e-5),
        _level(f"{same('typed_ends')} and (typed_l is null or typed_r is null)", m=0.25, u=2e-5),
        _level("ELSE", m=0.1, u=0.99996),
    )
    name = _comparison(
        "name",
        _null("name"),
        _level(same("name"), "name"),
        _level(same("pinyin"), "pinyin"),
        _level(f"{same('surname')} and {near('pinyin', 2)}", "surname"),
        _level(near("pinyin", 1)),
        _level(same("surname"), "surname"),
        _level("ELSE"),
    )
    birth = _comparison(
        "birth",
        _null("birth_year"),
        _level(same("birth"), "birth"),
        # A birthday of the old calendar is 20 to 50 days before the sun's.
        _level(f"{days} between 15 and 60"),
        _level(near("birth", 1)),
        _level(same("birth_year")),
        _level("ELSE"),
    )
    ends = " or ".join(f"{end}(phone_l, {PHONE_ENDS}) = {end}(phone_r, {PHONE_ENDS})" for end in ("left", "right"))
    nearly = f"({ends}) and {near('phone', 1)}"
    phone = _comparison("phone", _null("phone"), _level(same("phone"), "phone"), _level(nearly), _level("ELSE"))
    place = _comparison(
        "place",
        _level("(door_l is null or door_r is null) and (community_l is null or community_r is null)", null=True),
        _level(same("door"), "door"),
        _level(same("building"), "building"),
        _level(same("community"), "community"),
        _level("ELSE"),
    )
    sex = _comparison("gender", _null("gender"), _level(same("gender")), _level("ELSE"))
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "id",
        "comparisons": [number, name, birth, phone, place, sex],
        "blocking_rules_to_generate_predictions": [],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": False,
    }


def _comparison(name: str, *levels: dict[str, Any]) -> dict[str, Any]:
    return {"output_column_name": name, "comparison_levels": list(levels)}


def _null(column: str) -> dict[str, Any]:
    return _level(f"{column}_l is null or {column}_r is null", null=True)


def _level(
    condition: str, frequency: str = "", *, null: bool = False, m: float | None = None, u: float | None = None
) -> dict[str, Any]:
    """A level of a comparison; with `frequency` a value of that column weighs by how rare it is."""
    level: dict[str, Any] = {"sql_condition": condition, "label_for_charts": condition}
    if null:
        level["is_null_level"] = True
    if frequency:
        level |= {
            "tf_adjustment_column": frequency,
            "tf_adjustment_weight": 1.0,
            "disable_tf_exact_match_detection": True,
        }
    if m is not None:
        level |= {"m_probability": m, "u_probability": u, "fix_m_probability": True, "fix_u_probability": True}
    return level
