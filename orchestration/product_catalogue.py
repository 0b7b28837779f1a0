"""The catalogue of products as a page of the handbook: what apps may read, from families and models, nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from connectors.contract import Contract
from orchestration.catalogue import cell, span, table
from orchestration.environment import REPOSITORY
from quality.families import FAMILIES, Family, Product

PAGE = REPOSITORY / "docs" / "products.md"
MODELS = REPOSITORY / "dbt_project" / "models" / "products"


@dataclass(frozen=True)
class Described:
    """What a product's model says of itself. `columns`: name, type and description, in their order."""

    description: str
    classification: str
    columns: tuple[tuple[str, str, str], ...]


def described(family: Family, product: Product) -> Described:
    """Raises FileNotFoundError for a product without a model of its name in its family's folder."""
    text = (MODELS / family.name / f"{product.name}.yml").read_text(encoding="utf-8")
    model: dict[str, Any] = next(m for m in yaml.safe_load(text)["models"] if m["name"] == product.name)
    columns = tuple((c["name"], c["data_type"], " ".join(c["description"].split())) for c in model["columns"])
    return Described(" ".join(model["description"].split()), model["config"]["meta"]["classification"], columns)


def page(contracts: Mapping[str, Contract]) -> str:
    """The whole page: an overview, then each family with its products and their columns."""
    products = [(family, product) for family in FAMILIES.values() for product in family.products]
    lines = [
        "# The products",
        "",
        "Made from `quality/families/` and `dbt_project/models/products/` by `townhub products docs`; do not edit.",
        "",
        f"{len(products)} products in {len(FAMILIES)} families. A family is judged and published as one; one that is"
        " held back leaves the others alone, and its last release stays, with its age in `serving.release_info`.",
        "",
        *table(
            ("Product", "Family", "Purpose", "Owner", "Class", "One row per"),
            (
                (
                    f"[{product.name}](#{product.name})",
                    family.name,
                    product.purpose,
                    product.owner,
                    described(family, product).classification,
                    ", ".join(product.key_columns),
                )
                for family, product in products
            ),
        ),
    ]
    for family, product in products:
        lines += ["", *_product(family, product, contracts)]
    return "\n".join((*lines, ""))


def _product(family: Family, product: Product, contracts: Mapping[str, Contract]) -> Iterator[str]:
    told = described(family, product)
    yield f"## {product.name}"
    yield ""
    yield cell(told.description)
    yield ""
    readers = ", ".join(f"`{role.removeprefix('townhub_app_')}`" for role in product.audience)
    yield f"- `serving.{product.name}`, for `{product.purpose}`, by {product.owner}; read by the app {readers}."
    yield f"- One row per {', '.join(f'`{column}`' for column in product.key_columns)}."
    yield f"- Unknown where `{product.unknown}`."
    yield f"- {_freshness(family, contracts)}"
    yield f"- What it said is kept for {span(family.history_days * 86_400)} after apps saw it last."
    yield ""
    yield "```sh"
    yield f'townhub sql "{product.example}" --role {product.audience[0].removeprefix("townhub_app_")}'
    yield "```"
    yield ""
    yield from table(("Column", "Type", "Meaning"), ((f"`{name}`", kind, says) for name, kind, says in told.columns))


def _freshness(family: Family, contracts: Mapping[str, Contract]) -> str:
    """The slowest input says how old a value may be, and its name says whom to ask."""
    slowest = max({system for system, _ in family.inputs}, key=lambda s: (contracts[s].freshness_seconds, s))
    systems: Collection[str] = sorted({system for system, _ in family.inputs})
    return (
        f"Rests on {len(systems)} systems ({', '.join(systems)}); the slowest, {slowest}, is fresh within "
        f"{span(contracts[slowest].freshness_seconds)}."
    )
