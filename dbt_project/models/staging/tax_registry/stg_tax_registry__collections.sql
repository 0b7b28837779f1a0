{{ current_version('tax_registry', 'collections') }}
