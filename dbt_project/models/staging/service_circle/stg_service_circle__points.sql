{{ current_version('service_circle', 'points') }}
