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
from workbench.telemetry.archiving.seals import document_hash

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
        self._damaged_file = file.with_name(f"{file.name}.damaged")

    def read(self) -> list[Holding]:
        """Return what is noted; nothing where the note is damaged, which `damage` names."""
        return self._read(self._file) or []

    def damage(self) -> Path | None:
        """Return the file of a note that is damaged, so that what it named is known no more; None where none is."""
        files = (self._damaged_file, self._file)
        return next((file for file in files if file.exists() and self._read(file) is None), None)

    def _read(self, file: Path) -> list[Holding] | None:
        """Read a note; None where there is none, or it is not what was written."""
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(document, dict):  # of a release before, it was a list without a checksum
                if document_hash(document["lost"]) != document["sha256"]:
                    return None
                document = document["lost"]
            return [Holding(**row) for row in document]
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None

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
        """Replace the note; nothing is there where nothing is lost. One that is damaged is put aside."""
        if self._file.exists() and self._read(self._file) is None:
            self._file.replace(self._damaged_file)
        if not lost:
            self._file.unlink(missing_ok=True)
            return
        rows = [asdict(one) for one in lost]
        with replacing(self._file) as temporary:
            temporary.write_text(json.dumps({"lost": rows, "sha256": document_hash(rows)}, indent=2), encoding="utf-8")

    def forget(self) -> None:
        """Remove the note, and one that is damaged."""
        for file in (self._file, self._damaged_file):
            file.unlink(missing_ok=True)
