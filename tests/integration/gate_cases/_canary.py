"""A number that looks like a person's, to see that it never gets through."""

CANARY = "33010619491231002X"
