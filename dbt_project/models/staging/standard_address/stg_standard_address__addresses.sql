{{ current_version('standard_address', 'addresses') }}
