"""Which records speak of the same resident, enterprise, premises or event, and the ledger that keeps their keys."""
