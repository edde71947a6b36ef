"""Counts in sentences, which agree in number."""

__all__ = ["counted"]


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
