{{ current_version('police_110', 'incidents') }}
