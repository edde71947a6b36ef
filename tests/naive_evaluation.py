"""Slow oracle of the overlap protocol: sets of samples, one loop a sentence."""


def contingency(predicted, labels, length):
    """Count `[(start, end)]` against `[(start, end)]`, both inclusive."""
    flagged, anomalous = set(), set()
    for start, end in predicted:
        flagged |= set(range(start, end + 1))
    for start, end in labels:
        anomalous |= set(range(start, end + 1))
    true_positives = false_negatives = false_positives = 0
    for start, end in labels:
        if flagged & set(range(start, end + 1)):
            true_positives += 1
        else:
            false_negatives += 1
    for start, end in predicted:
        if not anomalous & set(range(start, end + 1)):
            false_positives += 1
    normal = set(range(length)) - anomalous
    return {
        "true_positives": true_positives,
        "false_positives": false_positives,
        "false_negatives": false_negatives,
        "flagged": len(flagged),
        "normal": len(normal),
        "true_negatives": len(normal - flagged),
    }


def f_score(precision, recall, beta):
    """F-beta as the weighted harmonic mean, both above 0."""
    return 1 / ((1 / precision + beta * beta / recall) / (1 + beta * beta))
