"""What an archive has lost: channels of which its index knew more than an index that was made anew finds.

The index is made from what the archive holds. Where the tail or a segment is gone, what it held is gone from the new
index, too, and nothing would name it any more. What the old index knew is therefore noted in a file beside it, until
it is there again or somebody accepts the loss.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from workbench.files import replacing

__all__ = ["Holding", "Losses"]


@dataclass(frozen=True)
class Holding:
    """What an index knew of a channel.

    Attributes
    ----------
    channel : str
        Name of the channel.
    revision : int
        Publication that described it last.
    n_test, n_labels : int
        Samples of its test series, and labels.
    test_hash : str
        SHA-256 of the test series.
    noticed : str
        When it was noticed that this is gone, in ISO 8601; empty where it is there.
    """

    channel: str
    revision: int
    n_test: int
    test_hash: str
    n_labels: int
    noticed: str = ""


class Losses:
    """The note of what was lost.

    Parameters
    ----------
    file : Path
        The file; it is there only while something is lost.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[Holding]:
        """Return what is noted; nothing where the note is damaged: what it says can be told no more."""
        try:
            return [Holding(**row) for row in json.loads(self._file.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError):
            return []

    def note(self, before: Mapping[str, Holding], now: Mapping[str, int], removed: Collection[str]) -> None:
        """Note the channels of which a new index knows less than the one before.

        Parameters
        ----------
        before : mapping of str to Holding
            What the old one knew.
        now : mapping of str to int
            Publication that describes each channel last.
        removed : collection of str
            Channels that were removed on purpose.
        """
        noticed = datetime.now(UTC).isoformat(timespec="seconds")
        lost = {one.channel: one for one in self.read()}
        for name, held in before.items():
            if name not in removed and now.get(name, -1) < held.revision:
                lost.setdefault(name, Holding(**asdict(held) | {"noticed": noticed}))
        self.write(list(lost.values()))

    def write(self, lost: Sequence[Holding]) -> None:
        """Replace the note; nothing is there where nothing is lost."""
        if not lost:
            self._file.unlink(missing_ok=True)
            return
        with replacing(self._file) as temporary:
            temporary.write_text(json.dumps([asdict(one) for one in lost], indent=2), encoding="utf-8")
