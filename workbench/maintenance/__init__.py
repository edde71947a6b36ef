"""Maintenance: from alert to work order to schedule to log."""
