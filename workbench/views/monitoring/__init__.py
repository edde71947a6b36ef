"""The Monitoring view of the workbench."""
