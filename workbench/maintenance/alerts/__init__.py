"""Alerts after ISA-18.2."""
