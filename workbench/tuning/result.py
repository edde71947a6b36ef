"""What a tuning has found: figures of the present preset and of the candidate, and whether the candidate is better."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.parameters import Preset
from workbench.tuned import TUNED, write_tuned
from workbench.tuning.choice import Difference
from workbench.tuning.evidence import VerdictEffect
from workbench.tuning.grid import changes

__all__ = ["CANDIDATE", "NESTED", "Tuning"]

NESTED = "chosen by other channels"
"""Row of `Tuning.figures`: every channel at the point that the channels of other folds have chosen."""
CANDIDATE = "candidate"
"""Row of `Tuning.figures`: the point chosen by all channels, on the same channels."""

_GOAL_WORDS = {"f1": "F1", "f0_5": "F0.5"}


@dataclass(frozen=True)
class Tuning:
    """Outcome of a tuning.

    Attributes
    ----------
    present_name : str
        Name of the present preset.
    present, candidate : Preset
        The present preset, and the point of the grid that all channels together choose.
    goal : {"f1", "f0_5"}
        Figure that was made as large as it could.
    figures : pandas.DataFrame
        Rows `preset`: the present one, `chosen by other channels` (nested cross-validation; this is what to expect on
        other channels) and `candidate` (flattered: the same channels have chosen it). Columns: F1 and F0.5 with their
        least and greatest value over the repeats, counts, `precision`, `recall`, `flagged_fraction`, `tnr`, and
        `false_alarms_per_month` of a channel (NaN where no channel has dates). Counts are means over the repeats.
    table : pandas.DataFrame
        One row a point, the best first: parameters that the grid varies, `present`, the same figures on all channels,
        and `chosen`, the share of choices in nested cross-validation that fell on it.
    difference : Difference
        What nested cross-validation gains over the present preset, with bounds.
    channels : int
        Channels judged; the same series once.
    failed : mapping of str to str
        Channels that could not be judged, and why.
    notes : tuple of str
        What else is to be said.
    verdicts : VerdictEffect or None
        Effect of the candidate on judged alerts, where verdicts were the labels.
    saved : Path or None
        Where the candidate was saved.
    """

    present_name: str
    present: Preset
    candidate: Preset
    goal: str
    figures: pd.DataFrame
    table: pd.DataFrame
    difference: Difference
    channels: int
    failed: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verdicts: VerdictEffect | None = None
    saved: Path | None = None

    @property
    def changes(self) -> dict[str, Any]:
        """Parameters in which the candidate differs from the present preset."""
        return changes(self.candidate, self.present)

    @property
    def is_better(self) -> bool:
        """Whether the candidate differs, and choosing gains even at the lower bound of the difference."""
        return bool(self.changes) and self.difference.is_better

    def save(self, home: Path) -> "Tuning":
        """Save the candidate as the preset `tuned` of a home, where it is better.

        Parameters
        ----------
        home : Path
            Folder of the home.

        Returns
        -------
        Tuning
            This, with the path in `saved`; as it is where the candidate is not better.
        """
        return replace(self, saved=write_tuned(home, self.candidate)) if self.is_better else self

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person should know, in sentences."""
        goal, difference = _GOAL_WORDS[self.goal], self.difference
        changed = ", ".join(f"{name} {value}" for name, value in self.changes.items())
        gain = (
            f"Difference of {goal} on {counted(self.channels, 'channel')}, each judged by what other channels have "
            f"chosen: {difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})."
        )
        verdicts = () if self.verdicts is None else (str(self.verdicts),)
        if not self.changes:
            return (f"The present preset {self.present_name} is the best point of the grid.", gain, *self.notes)
        return (f"Candidate: {changed}.", gain, *verdicts, self._decision(), *self.notes)

    def _decision(self) -> str:
        if self.saved is not None:
            return f"Saved as the preset {TUNED}: {self.saved}. Next: workbench score --all"
        if self.is_better:
            return "It is better even at the lower bound, and was not saved."
        return (
            f"Not saved: at the lower bound of the difference it is not better than {self.present_name}. More channels "
            "with events would decide."
        )

    def __str__(self) -> str:
        """Return the sentences, one a line."""
        return "\n".join(self.sentences)

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)
        tables = (self.figures, self.table.head(10))
        shown = (frame.to_html(index=False, na_rep="-", float_format="{:.3f}".format, border=0) for frame in tables)
        more = f"<p>The 10 best of {len(self.table)} points.</p>" if len(self.table) > len(tables[1]) else ""
        return words + "".join(shown) + more

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`; undefined figures become null."""
        effect = None if self.verdicts is None else {name: list(ids) for name, ids in vars(self.verdicts).items()}
        return {
            "present": self.present_name,
            "goal": self.goal,
            "candidate": self.candidate.model_dump(),
            "changes": self.changes,
            "difference": {name: getattr(self.difference, name) for name in ("mean", "low", "high")},
            "better": self.is_better,
            "saved": None if self.saved is None else str(self.saved),
            "channels": self.channels,
            "figures": _records(self.figures),
            "points": _records(self.table),
            "failed": dict(self.failed),
            "notes": list(self.notes),
            "verdicts": effect,
        }


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict(orient="records")]
