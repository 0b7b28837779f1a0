"""`townhub products`: what apps may read."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration import output

app = typer.Typer(no_args_is_help=True, help="What apps may read: the products of all families.")


@app.command("list")
def list_products(as_json: Annotated[bool, output.JSON_OPTION] = False) -> None:
    """A row per product: its family, purpose, owner, readers, and a query to begin with.

    Example: townhub products list
    """
    from quality.families import FAMILIES

    rows = [
        {
            "product": product.name,
            "family": family.name,
            "purpose": product.purpose,
            "owner": product.owner,
            "role": ", ".join(role.removeprefix("townhub_app_") for role in product.audience),
            "example": product.example,
        }
        for family in FAMILIES.values()
        for product in family.products
    ]
    output.emit_rows(rows, as_json=as_json)


@app.command()
def docs(
    check_only: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if it is not in step.")] = False,
) -> None:
    """Write docs/products.md, the catalogue of all products, from families and models.

    Example: townhub products docs
    """
    from connectors.contract_folder import load_contracts
    from orchestration.product_catalogue import PAGE, page

    output.keep_in_step(PAGE, page(load_contracts(whole=True)), "townhub products docs", check_only=check_only)
