"""The Overview view of the workbench."""
