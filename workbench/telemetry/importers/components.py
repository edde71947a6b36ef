"""Recognise the layout of AWS Lookout for Equipment: a folder for each component, whose files are one series."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from workbench.telemetry.importers.file_samples import FileSamples

__all__ = ["holds_components", "in_components"]


def holds_components(paths: Sequence[Path], files: Sequence[Path]) -> bool:
    """Tell whether paths are folders whose tables all lie just one folder deeper.

    Parameters
    ----------
    paths : sequence of Path
        What is imported.
    files : sequence of Path
        The tables in it.
    """
    return all(path.is_dir() for path in paths) and all(
        any(file.parent.parent == path for path in paths) for file in files
    )


def in_components(files: Sequence[FileSamples]) -> bool:
    """Tell whether the files of each folder are parts of one series, one after another in time, and one has several.

    Files of one folder with the same columns whose times overlap may be several machines: then it is not told.

    Parameters
    ----------
    files : sequence of FileSamples
        What was read.
    """
    parts: dict[tuple[Path, frozenset[str]], list[FileSamples]] = {}
    for file in files:
        parts.setdefault((file.path.parent, frozenset(file.columns)), []).append(file)
    several = [sorted(group, key=lambda file: float(file.stamps[0].astype("int64"))) for group in parts.values()]
    several = [group for group in several if len(group) > 1]
    follow = all(earlier.stamps[-1] < later.stamps[0] for group in several for earlier, later in pairwise(group))
    return bool(several) and follow and all(file.stamps.dtype.kind == "M" for file in files)
