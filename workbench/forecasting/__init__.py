"""Forecasts of a fleet with their intervals, when a channel reaches its limits, and the risk of each asset."""

from workbench.forecasting.fleet import (
    TOGETHER,
    Parts,
    crossings,
    decomposition,
    forecasts,
    lead_times,
    outlook,
    risks,
)

__all__ = ["TOGETHER", "Parts", "crossings", "decomposition", "forecasts", "lead_times", "outlook", "risks"]
