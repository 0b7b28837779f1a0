"""Every rule that the model gives points by is explained by the weights of the seed, and every weight by some rule."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from quality.rule_words import COLOUR_RULES, POINT_RULES

PROJECT = Path(__file__).resolve().parents[3] / "dbt_project"
SAFETY = PROJECT / "models" / "products" / "safety"
OF_OTHER_PRODUCTS = {"closure", "discovery", "grid", "plan"}


def test_every_rule_of_the_model_has_its_weights() -> None:
    given = re.findall(r"'(\w+)' as rule_code", (SAFETY / "int_premises_point.sql").read_text(encoding="utf-8"))
    added = re.findall(r"'rule', '(\w+)'", (SAFETY / "premises_risk.sql").read_text(encoding="utf-8"))
    assert set(POINT_RULES) == {*given, *added}


def test_every_weight_is_shown_with_some_rule() -> None:
    with (PROJECT / "seeds" / "risk_weights.csv").open(encoding="utf-8") as lines:
        codes = {row["subject"] for row in csv.DictReader(lines)}
    shown = [*COLOUR_RULES, *(code for of_rule in POINT_RULES.values() for code in of_rule)]
    assert len(shown) == len(set(shown)) and set(shown) == codes - OF_OTHER_PRODUCTS
