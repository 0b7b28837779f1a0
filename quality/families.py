"""The product families: what each publishes, for which purpose, to whom, and what it needs. The one place for it.

`control.product` and `control.required_check` are written from here by `quality.gate.register`.
"""

from __future__ import annotations

from dataclasses import dataclass

Input = tuple[str, str]
"""(system, stream)"""


@dataclass(frozen=True)
class Product:
    """One table that apps see. `identity_columns` hold the hub's own keys: they are left out of the content hash."""

    name: str
    key_columns: tuple[str, ...]
    identity_columns: tuple[str, ...]
    purpose: str
    owner: str
    audience: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """Products that are judged and published together.

    A `base` input that never landed leaves nothing to say; any other that is missing turns results unknown and does
    not stop a release (I6). `fall_limit` and `rise_limit`: by how much of the current release's rows a product may
    shrink or grow before a person has to look.
    """

    name: str
    products: tuple[Product, ...]
    inputs: tuple[Input, ...]
    base: tuple[Input, ...]
    fall_limit: float = 0.2
    rise_limit: float = 0.5

    def product(self, name: str) -> Product:
        return next(product for product in self.products if product.name == name)


SAFETY = Family(
    name="safety",
    products=(
        Product(
            name="premises_risk",
            key_columns=("premises_code",),
            identity_columns=("premises_key", "enterprise_key"),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
        ),
        Product(
            name="grid_risk",
            key_columns=("grid_code",),
            identity_columns=(),
            purpose="premises_safety",
            owner="镇平安办",
            audience=("townhub_app_safety",),
        ),
    ),
    inputs=(
        ("safety_inspection", "premises"),
        ("safety_inspection", "inspections"),
        ("safety_inspection", "hazards"),
        ("fire_119", "incidents"),
        ("grid_map", "grids"),
        ("grid_map", "communities"),
    ),
    base=(("safety_inspection", "premises"), ("grid_map", "grids")),
)

WELFARE = Family(
    name="welfare",
    products=(
        Product(
            name="welfare_match",
            key_columns=("resident_key", "policy_code"),
            identity_columns=("resident_key",),
            purpose="welfare_delivery",
            owner="镇民政办",
            audience=("townhub_app_welfare",),
        ),
    ),
    inputs=(
        ("household_registry", "residents"),
        ("migrant_registry", "registrations"),
        ("death_register", "deaths"),
        ("disability_certificate", "certificates"),
        ("minimum_living", "members"),
        ("pension", "pensioners"),
        ("welfare_payment", "payments"),
        ("standard_address", "addresses"),
    ),
    base=(("household_registry", "residents"),),
)

FAMILIES: dict[str, Family] = {family.name: family for family in (SAFETY, WELFARE)}


def family_named(name: str) -> Family:
    """A family. Raises KeyError that lists the known ones."""
    try:
        return FAMILIES[name]
    except KeyError:
        known = ", ".join(FAMILIES)
        raise KeyError(f"there is no product family {name!r}; quality/families.py knows {known}") from None
