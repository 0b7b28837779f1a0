"""The PostgreSQL side of TownHub that is not dbt, and what every room needs of the machine.

Holds the embedded server (`server`), connections (`connection`, `lending`), migrations (`migrate`), the load ledger
(`ledger`), releases (`release`), roles and app queries (`access`), the audit chain (`audit`), backup and restore
(`backup`); and our own processes that answer questions (`answering`) and what becomes of freed memory (`heap`).
Imports nothing of the other rooms.
"""
