"""Whole assets of a home: their models, scores and alerts. Nothing is imported here, so that each part stays light."""
