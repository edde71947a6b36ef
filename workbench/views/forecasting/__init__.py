"""The view Forecasting."""
