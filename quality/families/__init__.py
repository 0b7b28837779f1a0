"""The product families: what each publishes, for which purpose, to whom, and what it needs. The one place for it.

`control.product` and `control.required_check` are written from here by `quality.gate.register`. A product is: its row
here, the model of its name, the suite of its name, and the released table that a migration opened for it.
"""

from __future__ import annotations

from quality.families.control import CONTROL
from quality.families.economy import ECONOMY
from quality.families.enforcement import ENFORCEMENT
from quality.families.overview import OVERVIEW
from quality.families.party import PARTY
from quality.families.safety import SAFETY
from quality.families.service import SERVICE
from quality.families.shape import HISTORY_DAYS, Family, Input, Product
from quality.families.welfare import WELFARE

__all__ = ["FAMILIES", "SAFETY", "WELFARE", "Family", "Input", "Product", "family_named", "history_days"]

FAMILIES: dict[str, Family] = {
    family.name: family for family in (SAFETY, WELFARE, ENFORCEMENT, ECONOMY, CONTROL, PARTY, SERVICE, OVERVIEW)
}


def history_days(name: str) -> int:
    """For how long the town can tell and show again what it showed of a family; of one of old, as nobody says else."""
    return FAMILIES[name].history_days if name in FAMILIES else HISTORY_DAYS


def family_named(name: str) -> Family:
    """A family. Raises KeyError that lists the known ones."""
    try:
        return FAMILIES[name]
    except KeyError:
        known = ", ".join(FAMILIES)
        raise KeyError(f"there is no product family {name!r}; quality/families knows {known}") from None
