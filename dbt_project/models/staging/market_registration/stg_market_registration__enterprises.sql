{{ current_version('market_registration', 'enterprises') }}
