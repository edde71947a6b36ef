"""Figures that others published for the benchmarks. Another split or protocol is not comparable; `on` says which."""

import pandas as pd

__all__ = ["NAB", "SKAB"]

SKAB = pd.DataFrame(
    [
        ("Conv-AE", 0.78, 13.6, 28.0),
        ("MSET", 0.78, 39.7, 14.1),
        ("T-squared and Q (PCA)", 0.76, 26.6, 24.9),
        ("LSTM-AE", 0.74, 30.0, 25.9),
        ("T-squared", 0.66, 19.2, 42.6),
        ("Vanilla LSTM", 0.54, 12.5, 59.5),
        ("Isolation forest", 0.29, 2.6, 82.9),
    ],
    columns=["detector", "f1", "false_alarm_rate_%", "missing_alarm_rate_%"],
).assign(on="whole set")
"""Leaderboard of the Skoltech Anomaly Benchmark, version 0.9, outlier detection."""

NAB = pd.DataFrame(
    [
        ("ARTime", 74.9),
        ("Numenta HTM", 70.5),
        ("CAD OSE", 69.9),
        ("KNN-CAD", 58.0),
        ("Random cut forest", 51.7),
        ("Windowed Gaussian", 39.6),
        ("Etsy Skyline", 35.7),
        ("Random", 11.0),
    ],
    columns=["detector", "standard"],
).assign(on="all 58 series, threshold chosen on them")
"""Scoreboard of the Numenta Anomaly Benchmark, standard profile."""
