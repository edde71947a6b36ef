"""Logs, timings, usage and status of the running workbench."""
