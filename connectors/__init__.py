"""Intake: contracts, protocols, formats, standards, conform and landing of the upstream systems."""
