"""What became of findings: how many alerts were raised, updated, opened again and returned to normal."""

from dataclasses import dataclass

from workbench.counts import counted

__all__ = ["AlertReport"]


@dataclass(frozen=True)
class AlertReport:
    """Counts of what became of findings; reports of several channels can be added.

    Attributes
    ----------
    raised : tuple of int
        Alerts that are new.
    updated : tuple of int
        Alerts whose extent, level, condition or reason is another one now.
    found_again : int
        Findings that changed nothing, because they have their alert already, open or closed.
    returned : tuple of int
        Alerts whose anomaly is not found any more; they returned to normal.
    ignored : int
        Findings below the least level or shorter than the on-delay.
    reopened : tuple of int
        Closed alerts whose anomaly has grown well beyond what was judged; they are open again.
    known_events : int
        Those of `raised` that are known events.
    """

    raised: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    found_again: int = 0
    returned: tuple[int, ...] = ()
    ignored: int = 0
    reopened: tuple[int, ...] = ()
    known_events: int = 0

    def __add__(self, other: "AlertReport") -> "AlertReport":
        """Return the sum of two reports."""
        return AlertReport(
            self.raised + other.raised,
            self.updated + other.updated,
            self.found_again + other.found_again,
            self.returned + other.returned,
            self.ignored + other.ignored,
            self.reopened + other.reopened,
            self.known_events + other.known_events,
        )

    def __str__(self) -> str:
        """Return the counts as one sentence."""
        of_raised = f" ({self.known_events} of them known events)" if self.known_events else ""
        parts = [f"{counted(len(self.raised), 'alert')} raised{of_raised}", f"{len(self.updated)} updated"]
        parts += [f"{self.found_again} found again as before"]
        parts += [f"{len(self.reopened)} opened again"] if self.reopened else []
        parts += [f"{len(self.returned)} returned to normal"] if self.returned else []
        parts += [f"{self.ignored} too low or too short for an alert"] if self.ignored else []
        return ", ".join(parts) + "."
