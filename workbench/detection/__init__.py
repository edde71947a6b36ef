"""From telemetry to anomaly sequences: forecast, error, threshold.

>>> from workbench.detection import TelemanomParams, detect
>>> TelemanomParams().smoothing_span
105
"""

from workbench.detection.anomalies import Detection, detect
from workbench.parameters import TelemanomParams

__all__ = ["Detection", "TelemanomParams", "detect"]
