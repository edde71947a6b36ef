"""What the index says of all channels, kept in memory: only what was published since is read again."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.channel_parts import ChannelInfo, channel_info
from workbench.telemetry.archiving.index import Index
from workbench.telemetry.attributes import check_channel

__all__ = ["KnownChannel", "KnownChannels"]

Check = Callable[[dict[str, Any], str], None]


class KnownChannel(NamedTuple):
    """A channel as the index describes it.

    Attributes
    ----------
    info : ChannelInfo
        Its description.
    clock : str
        As from `workbench.telemetry.moments.clock_of`.
    first, last : int
        Ends of its test series, in ticks of the clock.
    """

    info: ChannelInfo
    clock: str
    first: int
    last: int


class KnownChannels:
    """The channels of an index.

    Parameters
    ----------
    index : Index
        Index that is read.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._read: tuple[tuple[int, int], dict[str, KnownChannel | ArchiveError]] | None = None

    def read(self, check: Check) -> Mapping[str, KnownChannel | ArchiveError]:
        """Return every channel by name, in no special order; where its row is damaged, what is wrong.

        Parameters
        ----------
        check : callable
            Function that raises an `ArchiveError` where the attributes of a channel are damaged; it takes the
            attributes and the name.
        """
        stamp, before = self._index.stamp(), self._read
        if before is not None and before[0] == stamp:
            return before[1]
        changed = None if before is None else self._index.changed_since(before[0])
        if before is None or changed is None:
            known = _described(self._index.all_attributes().items(), check)
        else:
            now = {name: about for name, (about, _) in self._index.attributes_of(sorted(changed[0])).items()}
            known = before[1] | _described(now.items(), check)
            names = self._index.names()
            if len(names) != len(known):  # some were removed
                known = {name: known[name] for name in names if name in known}
        self._read = stamp, known
        return known


def _described(
    rows: Iterable[tuple[str, dict[str, Any] | ArchiveError]], check: Check
) -> dict[str, KnownChannel | ArchiveError]:
    known: dict[str, KnownChannel | ArchiveError] = {}
    for name, about in rows:
        if isinstance(about, ArchiveError):
            known[name] = about
            continue
        try:
            try:
                check_channel(about, name)
            except (ValueError, TypeError, LookupError, AttributeError):
                check(about, name)  # which names the damage
            summary = about["summary"]
            known[name] = KnownChannel(channel_info(about), summary["clock"], summary["first"], summary["last"])
        except ArchiveError as error:
            known[name] = error
    return known
