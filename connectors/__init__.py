"""Intake: contracts, protocols, formats, standards, conform and landing of the upstream systems."""

import ctypes
import os
from contextlib import suppress

# Read by polars when it is loaded. It keeps what was freed for each of eight pools, and of that never gives back what
# it once offered to the system: a pull holds fifty megabytes more by it, and gains nothing that can be measured.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:100,muzzy_decay_ms:0")

# glibc has an arena for each thread, and gives back of each what lies on top, if it is more than the largest block that
# was ever freed: a pull works in five threads, and holds eighty megabytes less with one arena for all, and forty less
# with large blocks on their own: pages as they came, parts of the versions. Elsewhere there are no such settings.
_MALLOC = {"M_ARENA_MAX": (-8, 1), "M_MMAP_THRESHOLD": (-3, 1 << 20), "M_TRIM_THRESHOLD": (-1, 2 << 20)}
with suppress(OSError, AttributeError):
    for _name, (_number, _value) in _MALLOC.items():
        ctypes.CDLL(None).mallopt(_number, _value)
