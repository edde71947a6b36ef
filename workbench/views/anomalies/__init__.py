"""The view Anomalies."""
