{{ current_version('petition', 'petitions') }}
