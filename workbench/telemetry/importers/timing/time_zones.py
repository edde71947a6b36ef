"""Time zones: names and offsets behind times, and the way from the time that a clock shows to UTC."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from workbench.counts import counted
from workbench.exceptions import ImportDataError

__all__ = ["ZONE", "WallTimes", "ZoneCodes", "is_offset_column", "offset_of", "time_zone", "to_utc"]

ZONE = (
    r"(?:(?:UTC|GMT|Z)?\s*[+-]\d{1,2}(?::?\d{2}){0,2}|[A-Za-z]{1,5}|[A-Z][A-Za-z]+(?:/[A-Z][A-Za-z_+-]+){1,2})"
    r"(?:\s*[\[(][^\])]*[\])])?"
)
"""Form of a zone behind a time: an offset, an abbreviation or a name; what stands in brackets behind it is ignored."""

_OFFSET = re.compile(r"(?:UTC|GMT|Z)?\s*([+-])(\d{1,2}):?(\d{2})?:?(\d{2})?", re.IGNORECASE)
_HOURS_AHEAD = {
    **dict.fromkeys(("z", "utc", "gmt", "ut", "wet", "zulu"), 0.0),
    **dict.fromkeys(("cet", "mez", "west"), 1.0),
    **dict.fromkeys(("cest", "mesz", "eet", "sast"), 2.0),
    **dict.fromkeys(("eest", "msk", "trt"), 3.0),
    **dict.fromkeys(("jst", "kst"), 9.0),
    **{"hkt": 8.0, "sgt": 8.0, "aest": 10.0, "aedt": 11.0, "acst": 9.5, "acdt": 10.5, "awst": 8.0, "nzst": 12.0},
    **{"nzdt": 13.0, "edt": -4.0, "est": -5.0, "cdt": -5.0, "mdt": -6.0, "pdt": -7.0, "pst": -8.0, "akdt": -8.0},
    **{"akst": -9.0, "hst": -10.0, "brt": -3.0, "pkt": 5.0, "wib": 7.0},
}
_SEVERAL_ZONES = {
    "cst": "America/Chicago or Asia/Shanghai",
    "ist": "Asia/Kolkata, Asia/Jerusalem or Europe/Dublin",
    "bst": "Europe/London or Asia/Dhaka",
    "ast": "America/Halifax or Asia/Riyadh",
    "mst": "America/Denver or Asia/Kuala_Lumpur",
}
_SECOND_NS = 10**9


@dataclass(frozen=True)
class WallTimes:
    """Times as a clock shows them.

    Attributes
    ----------
    stamps : numpy.ndarray, shape (n,)
        datetime64[ns] that the clock shows, NaT where unreadable.
    zones : tuple of str
        Zones that stand behind them, as they are written.
    codes : numpy.ndarray, shape (n,), int, or None
        Place in `zones` of the zone of each time, -1 where it has none; None where no time has one.
    """

    stamps: npt.NDArray[np.datetime64]
    zones: tuple[str, ...] = ()
    codes: npt.NDArray[np.int32] | None = None

    @property
    def naive(self) -> npt.NDArray[np.bool_]:
        """Which readable times have no zone, shape (n,)."""
        readable = ~np.isnat(self.stamps)
        return readable if self.codes is None else readable & (self.codes < 0)

    def at(self, clock: "WallTimes") -> "WallTimes":
        """Return dates with times of day, which are times of 1 January 1970; a zone may stand behind either."""
        stamps = self.stamps + (clock.stamps - np.datetime64(0, "ns"))
        if clock.codes is None:
            return WallTimes(stamps, self.zones, self.codes)
        own = np.full(len(stamps), -1, dtype=np.int32) if self.codes is None else self.codes
        codes = np.where(clock.codes >= 0, clock.codes + len(self.zones), own).astype(np.int32)
        return WallTimes(stamps, (*self.zones, *clock.zones), codes)


class ZoneCodes:
    """Zones behind the times of a column, gathered block by block.

    Parameters
    ----------
    n : int
        Rows of the column.
    """

    def __init__(self, n: int) -> None:
        self._places: dict[str, int] = {}
        self._codes: npt.NDArray[np.int32] | None = None
        self._n = n

    def set(self, rows: slice, zones: pa.Array | None) -> None:
        """Take the zones of a block, null where there is none; None where there are none at all."""
        if zones is None:
            return
        coded = zones.dictionary_encode()
        places = [self._places.setdefault(str(zone), len(self._places)) for zone in coded.dictionary]
        own = np.asarray([*places, -1], dtype=np.int32)
        self._all_codes()[rows] = own[coded.indices.fill_null(len(places)).to_numpy()]

    def set_all(self, rows: slice, zone: str) -> None:
        """Take one zone for all times of a block."""
        self._all_codes()[rows] = self._places.setdefault(zone, len(self._places))

    def wall(self, stamps: npt.NDArray[np.datetime64]) -> WallTimes:
        """Return times with these zones."""
        return WallTimes(stamps, tuple(self._places), self._codes)

    def _all_codes(self) -> npt.NDArray[np.int32]:
        if self._codes is None:
            self._codes = np.full(self._n, -1, dtype=np.int32)
        return self._codes


def time_zone(name: str | None) -> ZoneInfo | None:
    """Look up a time zone.

    Parameters
    ----------
    name : str or None
        As `Europe/Berlin`.

    Returns
    -------
    zoneinfo.ZoneInfo or None

    Raises
    ------
    ImportDataError
        There is no such time zone.
    """
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImportDataError(f"There is no time zone {name!r}.", "Give a name as Europe/Berlin or UTC.") from None


def offset_of(text: str) -> np.timedelta64:
    """Return by how much a zone such as `GMT-05:00` is ahead of UTC.

    Examples
    --------
    >>> offset_of("GMT-05:00"), offset_of("UTC+2")
    (np.timedelta64(-18000,'s'), np.timedelta64(7200,'s'))
    """
    match = _OFFSET.fullmatch(text)
    if match is None:
        raise ImportDataError(f"{text!r} is not an offset from UTC.", "Example: GMT-05:00")
    sign, hours, minutes, seconds = match.groups("0")
    ahead = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return np.timedelta64(-ahead if sign == "-" else ahead, "s")


def is_offset_column(column: pd.Series) -> bool:
    """Return whether a column holds the offset from UTC or the zone of each row, and says so by its name."""
    if not re.fullmatch(r"(?i)(?:utc|gmt|time|tz)?[ _-]?(?:offset|zone)|tz", str(column.name).strip()):
        return False
    values = column.dropna()
    return len(values) > 0 and all(_is_zone(str(value).strip()) for value in values.unique()[:100])


def _is_zone(text: str) -> bool:
    """Tell whether a text is an offset, or the abbreviation or the name of a zone."""
    if _OFFSET.fullmatch(text) or text.lower() in _HOURS_AHEAD or text.lower() in _SEVERAL_ZONES:
        return True
    return "/" in text and text in available_timezones()


def to_utc(wall: WallTimes, zone: ZoneInfo | None) -> tuple[npt.NDArray[np.datetime64], tuple[str, ...]]:
    """Bring times to UTC.

    Parameters
    ----------
    wall : WallTimes
        What the clocks show.
    zone : zoneinfo.ZoneInfo or None
        Zone of times that have none; UTC where None.

    Returns
    -------
    stamps : numpy.ndarray, shape (n,)
        datetime64[ns] in UTC, NaT where unreadable.
    notes : tuple of str
        What was assumed.

    Raises
    ------
    ImportDataError
        An abbreviation means several zones, and none was chosen.
    """
    stamps = wall.stamps.copy() if wall.zones or zone is not None else wall.stamps
    notes: list[str] = []
    for code, text in enumerate(wall.zones):
        rows = (wall.codes == code) & ~np.isnat(stamps)
        if rows.any():
            stamps[rows], new = _from_zone(stamps[rows], text, zone)
            notes += [note for note in new if note not in notes]
    naive = wall.naive
    if not naive.any():
        return stamps, tuple(notes)
    if zone is None:
        return stamps, (*notes, "times without a zone taken as UTC")
    stamps[naive], skipped = _localized(stamps[naive], zone)
    if skipped:
        notes.append(f"{counted(skipped, 'time')} in an hour that {zone.key} skips: left out")
    return stamps, tuple(notes)


def _from_zone(
    stamps: npt.NDArray[np.datetime64], text: str, chosen: ZoneInfo | None
) -> tuple[npt.NDArray[np.datetime64], tuple[str, ...]]:
    plain = re.sub(r"\s*[\[(].*", "", text)
    offset = _OFFSET.fullmatch(plain)
    if offset:
        sign, hours, minutes, seconds = offset.groups("0")
        if len(hours) == 1 and minutes != "0" and ":" not in plain:  # +530
            return _nothing(stamps), ()
        ahead = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        return stamps - np.timedelta64((-ahead if sign == "-" else ahead) * _SECOND_NS, "ns"), ()
    hours_ahead = _HOURS_AHEAD.get(plain.lower())
    if hours_ahead is not None:
        return stamps - np.timedelta64(int(hours_ahead * 3600) * _SECOND_NS, "ns"), ()
    if plain.lower() in _SEVERAL_ZONES:
        if chosen is None:
            raise ImportDataError(
                f"The zone {plain} behind the times means {_SEVERAL_ZONES[plain.lower()]}.",
                "Pass the one that is meant with --timezone.",
            )
        return _localized(stamps, chosen)[0], (f"the zone {plain} behind times taken as {chosen.key}",)
    try:
        named = time_zone(plain) if "/" in plain else None
    except ImportDataError:
        named = None
    return (_nothing(stamps) if named is None else _localized(stamps, named)[0]), ()


def _nothing(stamps: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    return np.full(len(stamps), np.datetime64("NaT"), dtype="datetime64[ns]")


def _localized(stamps: npt.NDArray[np.datetime64], zone: ZoneInfo) -> tuple[npt.NDArray[np.datetime64], int]:
    """Return local times in UTC, and how many lie in an hour that is skipped; these are unreadable."""
    moved = _moved(pd.DatetimeIndex(stamps), zone, "NaT")
    open_rows = np.flatnonzero(np.isnat(moved))
    if not len(open_rows):
        return moved, 0
    local = stamps[open_rows]
    summer, winter = (
        _moved(pd.DatetimeIndex(local), zone, np.full(len(local), is_summer)) for is_summer in (True, False)
    )
    skipped = int(np.isnat(summer).sum())
    steps = np.diff(stamps).astype("int64")
    falling = int((steps < 0).sum()) > int((steps > 0).sum())
    moved[open_rows] = np.where(_in_summer(local, summer, falling), summer, winter)
    return moved, skipped


def _moved(
    local: pd.DatetimeIndex, zone: ZoneInfo, ambiguous: str | npt.NDArray[np.bool_]
) -> npt.NDArray[np.datetime64]:
    moved = local.tz_localize(zone, ambiguous=ambiguous, nonexistent="NaT")  # type: ignore[arg-type]
    return moved.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[ns]")


def _in_summer(
    local: npt.NDArray[np.datetime64], summer: npt.NDArray[np.datetime64], falling: bool
) -> npt.NDArray[np.bool_]:
    """Tell which times of an hour that is there twice belong to its first pass, summer time, by the order of rows.

    The second pass begins where the clock goes back; where it never does and times are there twice, in their middle.
    """
    result = np.ones(len(local), dtype=bool)
    days = (summer - np.timedelta64(12, "h")).astype("datetime64[D]")  # both passes lie within one of these
    for day in np.unique(days[~np.isnat(days)]):
        rows = np.flatnonzero(days == day)
        rows = rows[::-1] if falling else rows
        times = local[rows]
        back = np.flatnonzero(times[1:] < times[:-1])
        if len(back):
            result[rows[back[0] + 1 :]] = False
            continue
        for time in np.unique(times[1:][times[1:] == times[:-1]]):
            equal = rows[times == time]
            result[equal[len(equal) // 2 :]] = False
        first_second = np.flatnonzero(~result[rows])
        if len(first_second):  # what comes later comes later in both
            result[rows[first_second[0] :]] = False
    return result
