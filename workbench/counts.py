"""Counts and ratios in sentences."""

__all__ = ["counted", "ratio_text"]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the singular where the number is one.

    Parameters
    ----------
    number : int
        Number of things.
    noun : str
        Name of one thing.
    plural : str
        Name of several; the noun with an s where omitted.

    Returns
    -------
    str
        The number with separators of thousands, and the noun.

    Examples
    --------
    >>> counted(1, "channel"), counted(0, "channel"), counted(3000, "anomaly", "anomalies")
    ('1 channel', '0 channels', '3,000 anomalies')
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def ratio_text(ratio: float) -> str:
    """Return a ratio above 1 with as many digits as it needs, so that one just above 1 does not read "1.0 times".

    Examples
    --------
    >>> [ratio_text(ratio) for ratio in (1.047, 2.81, 1234.5, 1.8378e31)]
    ['1.05', '2.8', '1,234', '1.84e+31']
    """
    if ratio >= 1e6:
        return f"{ratio:.3g}"
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.1f}" if ratio >= 1.05 else f"{ratio:.2f}"
