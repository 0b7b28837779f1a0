{{ current_version('elderly_service', 'elders') }}
