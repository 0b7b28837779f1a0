{{ current_version('traffic_police', 'points') }}
