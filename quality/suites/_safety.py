"""What the suites of the family safety share."""

from __future__ import annotations

DAY = "(SELECT as_of FROM control.candidate WHERE family = 'safety' ORDER BY candidate_id DESC LIMIT 1)"
"""The day that the candidate under judgement speaks of."""
