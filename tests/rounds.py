"""Rounds of fuzzing and kills that take long: what was stopped goes on, as long as the code is the same."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import workbench

_FOLDER = Path(__file__).parents[1] / "build" / "rounds"


class Rounds:
    """Rounds by number, and the outcome of each, which is on disk once it is noted.

    Parameters
    ----------
    name : str
        Names the file of the outcomes.
    numbers : iterable of int
        The rounds.
    folder : Path
        Folder of the file.
    """

    def __init__(self, name: str, numbers: Iterable[int], folder: Path = _FOLDER) -> None:
        self._numbers = list(numbers)
        self._file = folder / f"{name}-{_digest_of_code()}.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    def left(self) -> Iterator[int]:
        """Yield the rounds that have no outcome yet."""
        done = self.outcomes()
        yield from (number for number in self._numbers if number not in done)

    def note(self, number: int, outcome: Any) -> None:
        """Keep the outcome of a round, in JSON."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write("\n" + json.dumps([number, outcome]))

    def outcomes(self) -> dict[int, Any]:
        """Return the outcomes that are there by round; a line that a kill cut off counts for nothing."""
        if not self._file.exists():
            return {}
        lines = self._file.read_text(encoding="utf-8").splitlines()
        return dict(json.loads(line) for line in lines if line.endswith("]]"))


def _digest_of_code() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(workbench.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
