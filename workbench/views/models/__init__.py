"""The Models view of the workbench."""
