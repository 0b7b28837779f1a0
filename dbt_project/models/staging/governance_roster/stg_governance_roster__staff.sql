{{ current_version('governance_roster', 'staff') }}
