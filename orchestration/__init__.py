"""Dagster definitions made from the other rooms, and the `townhub` command."""
