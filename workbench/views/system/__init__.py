"""The view System."""
