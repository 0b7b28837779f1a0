{{ current_version('migrant_registry', 'registrations') }}
