"""How much of one value or one bad record is taken in, and how wrong a clock may be."""

from datetime import timedelta
from typing import Final

LONGEST_FIELD: Final = 1_000_000
"""Longest value: in bytes for conform, which sees every value; a format may count characters, and so let more pass."""
RAW_CHARS: Final = 4_000
"""So much of a bad record of a file is kept for the person who mends it."""
JSON_RAW_CHARS: Final = 2_000
"""The same for records of JSON, XML and messages, which come more often."""
SLOW_CLOCK: Final = timedelta(minutes=10)
"""A change that comes while we ask bears a time from so long before at most, by the clock over there."""
