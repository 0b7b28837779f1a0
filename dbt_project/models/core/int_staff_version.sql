-- What the rosters said of each person, file by file.
{{ all_versions('governance_roster', 'staff') }}
