"""Wall mode: a screen on a wall shows chosen views in turn, in large type and without controls."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qsl, urlencode

from workbench.exceptions import ViewError

__all__ = ["WALL_KEYS", "Wall"]

WALL_KEYS = ("wall", "seconds")
"""Keys of an address that ask for wall mode."""

_DEFAULT_VIEWS = ("overview", "monitoring", "anomalies")
_DEFAULT_SECONDS = 30.0
_SECONDS = (5.0, 3600.0)


@dataclass(frozen=True)
class Wall:
    """Views that are shown in turn.

    Attributes
    ----------
    views : tuple of str
        Names of the views.
    seconds : float
        How long each is shown.
    """

    views: tuple[str, ...]
    seconds: float = _DEFAULT_SECONDS

    @classmethod
    def of(cls, query: str, known: Sequence[str]) -> Self | None:
        """Read what an address asks for.

        Parameters
        ----------
        query : str
            Query of the address, with or without `?`.
        known : sequence of str
            Names of the page's views.

        Returns
        -------
        Wall or None
            None where the address does not ask for wall mode.

        Raises
        ------
        ViewError
            There is no such view, or the seconds are no number or out of range.

        Examples
        --------
        >>> Wall.of("?wall=overview,monitoring&seconds=60", ["overview", "monitoring", "system"])
        Wall(views=('overview', 'monitoring'), seconds=60.0)
        >>> Wall.of("wall", ["overview", "system"])
        Wall(views=('overview',), seconds=30.0)
        """
        values = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
        if "wall" not in values:
            return None
        names = [name.strip() for name in values["wall"].split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise ViewError(f"There is no view {unknown[0]!r} to show on a wall.", f"Views: {', '.join(known)}.")
        chosen = names or [name for name in _DEFAULT_VIEWS if name in known] or list(known)
        return cls(tuple(dict.fromkeys(chosen)), _seconds(values.get("seconds", "")))

    def next(self, current: str) -> str:
        """Return the view that comes after another one."""
        place = self.views.index(current) if current in self.views else -1
        return self.views[(place + 1) % len(self.views)]

    def query(self) -> str:
        """Return the part of an address that asks for the same."""
        return urlencode({"wall": ",".join(self.views), "seconds": f"{self.seconds:g}"}, safe=",")


def _seconds(text: str) -> float:
    if not text:
        return _DEFAULT_SECONDS
    least, most = _SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = float("nan")
    if not least <= seconds <= most:
        raise ViewError(f"A view cannot be shown for {text!r} seconds.", f"Use {least:g} to {most:,.0f}.")
    return seconds
