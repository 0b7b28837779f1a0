"""The PostgreSQL side of TownHub that is not dbt.

Holds the embedded server (`server`), connections (`connection`), migrations (`migrate`), the load
ledger (`ledger`), releases (`release`), roles and app queries (`access`) and the audit chain (`audit`).
Imports nothing of the other rooms.
"""
