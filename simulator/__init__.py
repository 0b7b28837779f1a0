"""A town that lives: its one truth (``world``), every upstream system's own view of it, and the servers of these."""
