{{ current_version('party_building', 'activities') }}
