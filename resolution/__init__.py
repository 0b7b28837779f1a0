"""Which records speak of the same resident or enterprise, and the ledger that keeps their keys for ever."""
