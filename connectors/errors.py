"""What can go wrong at an upstream system, sorted by what one can do about it.

`Retriable` passes by itself (a reset, a 503): the same pull is tried again within its deadline.
`Permanent` does not (a changed password, an HTML page instead of data): retrying would only hide it.
Every message names the remedy and holds no personal data, because it goes to logs and run metadata.
"""

from __future__ import annotations


class IntakeError(Exception):
    """Base of all errors of taking in; `remedy` says what a person can do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}. {remedy}" if remedy else message)
        self.message = message
        self.remedy = remedy


class Retriable(IntakeError):
    """Worth trying again: the network or the upstream is in trouble, not the agreement."""

    def __init__(self, message: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after
        """Seconds the upstream asked us to wait (HTTP Retry-After), if it did."""


class Unwell(Retriable):
    """Trouble of a source whose last loads failed already: it was asked once and is left alone until the next run."""

    @classmethod
    def after(cls, error: Retriable, loads: int) -> Unwell:
        """`error` of a source whose last `loads` loads had failed."""
        message = f"{error.message}. Asked only once, because its last {loads} loads failed too"
        return cls(message, error.remedy, error.retry_after)


class Permanent(IntakeError):
    """Trying again will not help: credentials, address or agreement must be mended by a person."""


class ContractViolation(Permanent):
    """The upstream answered, but not with what the contract says (page shape, columns, file layout)."""


class Truncated(Retriable):
    """The batch ended before its declared length, count, checksum or trailer: refused whole."""
