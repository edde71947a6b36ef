"""The view Models."""
