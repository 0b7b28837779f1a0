{{ current_version('fire_supervision', 'inspections') }}
