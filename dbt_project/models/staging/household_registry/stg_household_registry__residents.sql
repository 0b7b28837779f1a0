{{ current_version('household_registry', 'residents') }}
