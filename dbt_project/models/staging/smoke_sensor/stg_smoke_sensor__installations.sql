{{ current_version('smoke_sensor', 'installations') }}
