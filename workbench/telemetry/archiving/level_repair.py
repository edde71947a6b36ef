"""Levels that are missing or damaged: named, and made again from the samples of their segments."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.index import Index
from workbench.telemetry.archiving.lanes import LEAST_ROWS, Variable
from workbench.telemetry.archiving.levels import LEVELLED, check_levels, levels_folder, replace_levels
from workbench.telemetry.archiving.segments import open_arrays
from workbench.telemetry.damage import Place, damage_named

__all__ = ["LongGroup", "level_faults", "long_groups", "make_levels"]

_PLACE = Place("The level table of a long series", "Run: workbench doctor --rebuild-levels")


@dataclass(frozen=True)
class LongGroup:
    """A group of a segment whose series are long enough to have levels.

    Attributes
    ----------
    segment : Path
        Folder of the segment.
    place : str
        Name of the group.
    first : int or None
        First row of its lanes; None where they begin at different ones, so that they have no levels in common.
    """

    segment: Path
    place: str
    first: int | None

    @property
    def folder(self) -> Path:
        """Return the folder of its levels."""
        return levels_folder(self.segment, self.place)


def long_groups(store: Path, index: Index) -> list[LongGroup]:
    """Return the groups of an archive whose series are long and hold at least one row that is in use."""
    firsts: dict[tuple[str, str], set[int]] = {}
    for folder, place, first in index.long_lanes(LEAST_ROWS):
        firsts.setdefault((folder, place), set()).add(first)
    return [
        LongGroup(store / folder, place, min(own) if len(own) == 1 else None)
        for (folder, place), own in sorted(firsts.items())
    ]


def level_faults(store: Path, index: Index) -> Iterator[ArchiveError]:
    """Read the levels of all long series, and name those that are not what was written."""
    for group in long_groups(store, index):
        if group.folder.exists():
            try:
                with damage_named(_PLACE, group.folder):
                    first, rows = check_levels(group.folder)
                    if first != group.first or rows != open_arrays(group.segment / group.place)["time"].shape[0]:
                        raise ValueError("they are not those of these samples")
            except ArchiveError as error:
                yield error


def make_levels(store: Path, index: Index, staging: Path) -> tuple[int, list[ArchiveError]]:
    """Make the levels that are missing or damaged; the lock of those who write must be held.

    Returns
    -------
    int
        How many groups got levels.
    list of ArchiveError
        What could not be read.
    """
    made, faults = 0, []
    for group in long_groups(store, index):
        if group.first is None:
            continue
        if group.folder.exists():
            try:
                with damage_named(_PLACE, group.folder):
                    check_levels(group.folder)
                continue
            except ArchiveError:
                pass  # it is made again
        source = group.segment / group.place
        try:
            with damage_named(Place("A segment of the archive", "Run: workbench doctor --deep"), source):
                arrays = open_arrays(source)
                times = arrays["time"]
                time = Variable(("time",), times[...], dict(times.attrs), is_coordinate=True)
                series = {
                    name: [arrays[name][lane] for lane in range(arrays[name].shape[0])]
                    for name in LEVELLED
                    if name in arrays
                }
                replace_levels(group.segment, group.place, staging, group.first, time, series)
            made += 1
        except ArchiveError as error:
            faults.append(error)
    return made, faults
