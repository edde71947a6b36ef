"""Name the channels that are gone from an archive, by what else knows them."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from workbench.counts import counted

__all__ = ["vanished_channels"]


def vanished_channels(archived: Collection[str], known: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return the channels that something knows and the archive does not hold.

    Parameters
    ----------
    archived : collection of str
        Names of the channels that the archive holds, damaged or not.
    known : mapping of str to iterable of str
        By what knows channels, as "model": the name of a channel for each of these things.

    Returns
    -------
    dict of str to str
        What knows each channel that is gone, in words, by its name.

    Examples
    --------
    >>> vanished_channels(["P-1"], {"model": ["P-1", "P-2"], "open alert": ["P-2", "P-2"]})
    {'P-2': '1 model and 2 open alerts'}
    """
    counts: dict[str, Counter[str]] = {}
    for what, names in known.items():
        for name in names:
            if name not in archived:
                counts.setdefault(name, Counter())[what] += 1
    return {
        name: " and ".join(counted(count, what) for what, count in of_name.items())
        for name, of_name in sorted(counts.items())
    }
