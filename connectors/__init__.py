"""Intake: contracts, protocols, formats, standards, conform and landing of the upstream systems."""

import os

# Read by polars when it is loaded. It keeps what was freed for each of eight pools, and of that never gives back what
# it once offered to the system: a pull holds fifty megabytes more by it, and gains nothing that can be measured.
os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0")
