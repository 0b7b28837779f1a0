{{ current_version('party_building', 'organisations') }}
