"""What stewards and look-ups may be refused; every message names its remedy and holds no personal data."""


class IdentityError(ValueError):
    """A key, a record or a decision cannot be what was asked for."""
