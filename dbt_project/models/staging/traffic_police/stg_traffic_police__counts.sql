{{ current_version('traffic_police', 'counts') }}
