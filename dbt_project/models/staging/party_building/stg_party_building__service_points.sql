{{ current_version('party_building', 'service_points') }}
