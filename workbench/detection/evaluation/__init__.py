"""Predicted against labelled sequences: counts, figures with intervals, metrics of papers, and one's own."""

from workbench.detection.evaluation.judged import Evaluation, evaluate
from workbench.detection.evaluation.metrics import METRICS, Metric
from workbench.detection.evaluation.overlap import FIGURES, Contingency, count

__all__ = ["FIGURES", "METRICS", "Contingency", "Evaluation", "Metric", "count", "evaluate"]
