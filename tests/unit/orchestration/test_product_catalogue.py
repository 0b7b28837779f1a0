"""The page of products is made from families and models, and says for each what an app has to know."""

from __future__ import annotations

import pytest

from connectors.contract_folder import load_contracts
from orchestration import output
from orchestration.product_catalogue import PAGE, described, page
from quality.families import FAMILIES

PRODUCTS = [(family, product) for family in FAMILIES.values() for product in family.products]


def test_the_page_is_in_step() -> None:
    output.keep_in_step(PAGE, page(load_contracts(whole=True)), "townhub products docs", check_only=True)


def test_a_page_that_is_not_is_told_with_its_remedy() -> None:
    with pytest.raises(output.CommandError, match=r"not in step.*run `townhub products docs`"):
        output.keep_in_step(PAGE, "another page", "townhub products docs", check_only=True)


@pytest.mark.parametrize(("family", "product"), PRODUCTS, ids=lambda each: each.name)
def test_every_column_says_what_it_means(family: object, product: object) -> None:
    told = described(family, product)  # type: ignore[arg-type]
    assert told.description and told.classification in ("L1", "L2", "L3", "L4")
    assert told.columns and all(says.strip() for _, _, says in told.columns)
    assert set(product.key_columns) <= {name for name, _, _ in told.columns}  # type: ignore[attr-defined]
    assert f"serving.{product.name} " in f"{product.example} "  # type: ignore[attr-defined]
