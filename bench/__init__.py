"""Measurements of speed, memory and accuracy, each beside a peer or a physical limit in the same run."""
