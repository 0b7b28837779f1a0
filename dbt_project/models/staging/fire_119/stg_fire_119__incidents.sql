{{ current_version('fire_119', 'incidents') }}
