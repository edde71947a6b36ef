"""Formats: a file of any kind becomes a raw table, its columns as they stand in it."""
