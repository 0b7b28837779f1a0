{{ current_version('welfare_payment', 'payments', derived={'period': canonical_period('period')}) }}
