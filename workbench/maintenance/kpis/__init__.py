"""Figures of maintenance."""
