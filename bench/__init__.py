"""Measurements of speed, memory and accuracy, each beside a peer or a physical limit in the same run."""

import connectors  # noqa: F401 (before polars is loaded: it says how much polars may keep)
