{{ current_version('service_circle', 'places') }}
