"""Check specs, Great Expectations suites, guards, verdicts and the purpose check."""
