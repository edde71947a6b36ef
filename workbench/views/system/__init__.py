"""The System view of the workbench."""
