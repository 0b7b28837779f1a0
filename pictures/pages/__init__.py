"""One module per page: its statement, and how its document becomes figures and tables."""
