{{ current_version('smoke_sensor', 'messages') }}
