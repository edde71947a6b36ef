"""The view Monitoring."""
