{{ current_version('standard_address', 'communities') }}
