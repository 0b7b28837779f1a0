{{ current_version('safety_inspection', 'premises') }}
