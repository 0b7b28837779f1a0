{{ current_version('standard_address', 'grids') }}
