"""Telemetry: its contract, its archive, its importers, and its quality."""
