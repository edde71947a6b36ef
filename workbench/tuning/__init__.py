"""Tuning: detection parameters chosen by labels or verdicts, and judged on channels that had no part in the choice.

Predictions are those of the stored scores; only thresholds are judged again. Modules, each importing those before it:
`grid` (the points that are tried), `rejudging` (anomalies of a stored prediction at a point), `folds` and `choice`
(nested cross-validation), `verdicts`, `result`, and `search`, which puts them together for a session.
"""
