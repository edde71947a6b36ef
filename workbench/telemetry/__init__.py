"""Telemetry: its contract, where it is kept, how it comes in, and how good it is."""
