"""Intake: contracts, protocols, formats, standards, conform and landing of the upstream systems."""

import os

from warehouse import heap

# Read by polars when it is loaded. It keeps what was freed for each of eight pools, and of that never gives back what
# it once offered to the system: a pull holds fifty megabytes more by it, and gains nothing that can be measured. What
# is freed is kept for a second, in which the next pages need it: faults of memory pages were a third of a pull's
# processor time, and are 60,000 to 280,000 instead of 1,400,000 of a first pull of a million rows with this, with what
# `heap` sets, and with the blocks of `connectors.formats.octets`.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0")
heap.prepare()
