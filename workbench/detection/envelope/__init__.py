"""The envelope: telemetry that does what it has never done before, a second kind of evidence beside the forecast error.

An `Envelope` holds the records of eight features of the training telemetry. An event is where one of them exceeds its
record by a margin. It needs no model and one pass over the training data, and says in words what it has found.

Modules, each importing those before it: `rolling`, `features` (and their margins), `events`, `fitted` (the envelope),
`stream` (sample by sample), `joining` (with the sequences of the threshold), `rows` (joined, as a score stores them),
`bound_lines` (what was exceeded, on the telemetry), `course` (the envelope of a score) and `clearing` (which width
clears an anomaly).

>>> import numpy as np
>>> train, test = np.tile([0.0, 1.0], 300), np.tile([0.0, 1.0], 300)
>>> test[400:] += 4
>>> [event.words for event in fit_envelope(train).find(test, follows_training=True) if event.feature == "step"]
['step 3.0 times the largest in training and since']
"""

from workbench.detection.envelope.bound_lines import bound_lines, event_bound_lines
from workbench.detection.envelope.events import EnvelopeEvent
from workbench.detection.envelope.features import FEATURES, MARGINS, Margin, Margins
from workbench.detection.envelope.fitted import Envelope, FeatureRecord, fit_envelope
from workbench.detection.envelope.joining import JoinedAnomaly, join
from workbench.detection.envelope.rows import AnomalyRow, anomaly_rows
from workbench.detection.envelope.stream import EnvelopeDecision, EnvelopeStream

__all__ = [
    "FEATURES",
    "MARGINS",
    "AnomalyRow",
    "Envelope",
    "EnvelopeDecision",
    "EnvelopeEvent",
    "EnvelopeStream",
    "FeatureRecord",
    "JoinedAnomaly",
    "Margin",
    "Margins",
    "anomaly_rows",
    "bound_lines",
    "event_bound_lines",
    "fit_envelope",
    "join",
]
