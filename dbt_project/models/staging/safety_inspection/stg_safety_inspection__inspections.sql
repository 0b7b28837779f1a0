{{ current_version('safety_inspection', 'inspections') }}
