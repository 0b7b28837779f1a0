{{ current_version('safety_inspection', 'hazards') }}
