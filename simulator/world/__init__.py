"""The one true town: every resident, firm, premises and event, as no single upstream system knows it.

``generate`` makes the town of a scale and a seed, ``advance`` lets it live on day by day. The same seed
gives the same town, to the bit. The views (``simulator.views``) turn these frames into what each upstream
system believes; ``hashing.uniform`` gives them their dirt.
"""

from datetime import datetime

import polars as pl

from simulator.world.advance import advance
from simulator.world.calibration import START_DATE
from simulator.world.devices import messages
from simulator.world.generate import generate
from simulator.world.hashing import uniform
from simulator.world.model import TABLES, World, load, save

__all__ = [
    "START_DATE",
    "TABLES",
    "World",
    "advance",
    "generate",
    "load",
    "save",
    "sensor_messages",
    "uniform",
]


def sensor_messages(world: World, since: datetime, until: datetime) -> pl.DataFrame:
    """Messages of the door sensors in [since, until): device_id, event, battery (%), at. See ``devices.messages``."""
    return messages(world.elder_sensors, since, until)
