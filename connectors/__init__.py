"""Intake: contracts, protocols, formats, standards, conform and landing of the upstream systems."""

import ctypes
import os
from contextlib import suppress

# Memory that is freed and asked for again costs a fault for each of its pages, which was a third of a pull's processor
# time. What is kept back to avoid that counts as memory held. These settings and the blocks of
# `connectors.formats.octets` let a first pull of a million rows have 60,000 to 280,000 faults instead of 1,400,000.

# Read by polars when it is loaded. It keeps what was freed for each of eight pools, and of that never gives back what
# it once offered to the system: a pull holds fifty megabytes more by it, and gains nothing that can be measured. What
# is freed is kept for a second, in which the next pages need it.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0")

# glibc has an arena for each thread, and gives back of each what lies on top, if it is more than the largest block that
# was ever freed: a pull works in five threads, and holds eighty megabytes less with one arena for all, and less with
# large blocks on their own: parts of the versions. Pages as they came are mostly smaller. Elsewhere there are no such
# settings.
_MALLOC = {"M_ARENA_MAX": (-8, 1), "M_MMAP_THRESHOLD": (-3, 4 << 20), "M_TRIM_THRESHOLD": (-1, 8 << 20)}
with suppress(OSError, AttributeError):
    for _name, (_number, _value) in _MALLOC.items():
        ctypes.CDLL(None).mallopt(_number, _value)
