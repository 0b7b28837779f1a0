{{ current_version('dispute_mediation', 'cases') }}
