{{ current_version('property_register', 'tenants') }}
