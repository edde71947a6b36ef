"""The Forecasting view of the workbench."""
