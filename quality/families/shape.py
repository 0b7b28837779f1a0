"""What a product and a family of products are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

Input = tuple[str, str]
"""(system, stream)"""


HISTORY_DAYS = 730
"""What apps saw can be told, and shown again, for two years, where a family says nothing else. How long it has to be,
and may be, is for the town to decide: somebody may complain of what was decided on it, and much is about people."""


@dataclass(frozen=True)
class Product:
    """One table that apps see.

    `identity_columns` hold the hub's own keys: they are left out of the content hash. `unknown`: the SQL condition of a
    row that says "unknown". A product is never empty, because an empty one is not published (I5): it lists what is
    looked at, each with its finding, and not findings alone. `example`: a query that an app may begin with.
    """

    name: str
    key_columns: tuple[str, ...]
    identity_columns: tuple[str, ...]
    purpose: str
    owner: str
    audience: tuple[str, ...]
    unknown: LiteralString
    example: LiteralString


@dataclass(frozen=True)
class Family:
    """Products that are judged and published together.

    A `base` input that never landed leaves nothing to say; any other that is missing turns results unknown and does
    not stop a release (I6). `fall_limit` and `rise_limit`: by how much of the current release's rows a product may
    shrink or grow before a person has to look. Rows that apps saw last `history_days` ago are deleted.
    """

    name: str
    products: tuple[Product, ...]
    inputs: tuple[Input, ...]
    base: tuple[Input, ...]
    fall_limit: float = 0.2
    rise_limit: float = 0.5
    history_days: int = HISTORY_DAYS

    def product(self, name: str) -> Product:
        return next(product for product in self.products if product.name == name)
