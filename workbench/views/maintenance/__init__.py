"""The view Maintenance."""
