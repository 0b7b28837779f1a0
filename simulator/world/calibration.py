"""The figures of the case study that the town is calibrated to, all at scale 1.

Counts marked *exact* come out exactly at scale 1 for the history window; the others within a few per cent.
"""

from __future__ import annotations

from datetime import date, timedelta

START_DATE = date(2026, 6, 30)
HISTORY_START = date(2025, 10, 1)
HISTORY_DAYS = (START_DATE - HISTORY_START + timedelta(days=1)).days
TAX_HISTORY_START = date(2024, 6, 1)  # two whole years and a month: a trend compares a year with another

DISTRICT_CODE = "330199"  # fictional: no district has had this code
TOWN_CODE = "330199103"
DISTRICT_NAME = "安澜区"
TOWN_NAME = "听澜镇"

COMMUNITIES = 43  # geography does not shrink with the scale
GRIDS = 125
TOWN_AREA_KM2 = 38.0

REGISTERED = 180_000  # exact
MIGRANTS = 150_000  # exact
BIRTHS_A_DAY = 3.6
DEATHS_A_DAY = 5.0
REGISTERED_LEAVERS_A_DAY = 3.0
MIGRANT_ARRIVALS_A_DAY = 105.0
MIGRANT_LEAVERS_A_DAY = 100.0
PHONE_CHANGES_A_DAY = 55.0
HOUSE_MOVES_A_DAY = 40.0
NAME_CORRECTIONS_A_DAY = 1.5

ENTERPRISES = 20_000  # open ones, exact
ENTERPRISES_GONE = 2_600
OPENINGS_A_DAY = 9.0
CLOSURES_A_DAY = 6.0

# coded premises (11,000, exact) and those known only to registers, by category
PREMISES: dict[str, tuple[int, int]] = {
    "street_shop": (4_200, 2_300),
    "key_security": (350, 40),
    "rental_housing": (2_600, 1_900),
    "hazmat_producer": (14, 2),
    "labour_intensive": (420, 130),
    "construction_site": (100, 20),
    "crowded_place": (316, 60),
    "general_enterprise": (3_000, 1_300),
}

INSPECTORS = 288
INSPECTIONS = 21_443  # exact, in the history window
HAZARDS = 5_150  # exact, in the history window

# reports in the history window, by channel; all exact except the fire calls, which follow the fires
REPORTS: dict[str, int] = {
    "four_platform": 188_703,
    "police_110": 250 * HISTORY_DAYS,
    "snapshot_report": 27_087,
    "hotline_12345": 100 * HISTORY_DAYS,
    "city_eye": 90 * HISTORY_DAYS,  # the alarms that are true
    "safety_patrol": 60 * HISTORY_DAYS,  # the patrols that find something
    "grid_app": 300 * HISTORY_DAYS,
    "city_management": 55 * HISTORY_DAYS,
}
FIRES_IN_HOMES_A_DAY = 0.4

PAYMENTS = 29_560
PAYEES = 23_358
MEAN_PAYMENT_YUAN = 531.15

SENSORS = 1_000
CAMERAS = 3_000
