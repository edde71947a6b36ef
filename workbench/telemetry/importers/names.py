"""Names of channels: what the column of a table is called in the archive."""

import hashlib
import itertools
import re
import shlex
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping

from workbench.exceptions import ImportDataError
from workbench.names import LONGEST_NAME, clean_name, command_line
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers.formats.units import UNIT

__all__ = [
    "SEVERAL_ASSETS",
    "archived_assets",
    "asset_name",
    "channel_names",
    "column_units",
    "name_and_units",
    "name_note",
    "shared_names",
]

SEVERAL_ASSETS = ""
"""Asset of a name that columns of several machines share."""

_UNNAMED = "channel"
_USUAL_UNIT = re.compile(UNIT)
_NO_UNITS = ("in", "min", "d", "B", "H", "L", "S", "T", "GT")  # in and out, min and max, high and low, ground truth
_LOGGER = re.compile(rf"(.*\S), ({UNIT}) \((?:LGR|SEN) S/N: .*\)\s*", re.DOTALL)
_LONGEST_EARLIER_NAME = 64  # characters of a name in earlier releases


def archived_assets(archive: Archive) -> dict[str, str]:
    """Return the asset of every channel of an archive, also of damaged ones where it can still be read."""
    described, damaged = archive.infos()
    assets = {info.channel: info.asset for info in described}
    return assets | {channel: place for channel in damaged if (place := archive.asset_of(channel)[0]) != "unknown"}


def asset_name(text: str, *, shorten: bool = False) -> str:
    """Return the name of an asset as a file or an option has it.

    Parameters
    ----------
    text : str
        Its name there.
    shorten : bool
        Whether a name that is too long gets a shorter one, with a tail of its own; else it is refused.

    Raises
    ------
    ImportDataError
        Nothing of it can be seen, or it is too long.
    """
    name = clean_name(text)
    if shorten:
        name = _shortened(name)
    if not name or len(name) > LONGEST_NAME:
        cause = f"it has {len(name)} characters" if name else "it holds no visible character"
        raise ImportDataError(
            f"{text[:80]!r} cannot name an asset: {cause}.",
            f"Pass --asset with a name of 1 to {LONGEST_NAME} characters.",
        )
    return name


def channel_names(columns: Iterable[str], asset: str, assets: Mapping[str, str]) -> dict[str, str]:
    """Name each channel after its column, unlike any other of the table and any other asset's channel.

    A unit in brackets is no part of the name, unless it is all that tells two columns apart.

    Parameters
    ----------
    columns : iterable of str
        Columns of one table.
    asset : str
        Asset that they belong to.
    assets : mapping of str to str
        Asset of every channel that is there, as from `archived_assets`.

    Returns
    -------
    dict of str to str
        Names by column.

    Raises
    ------
    ImportDataError
        Another asset has all names that a channel could have.

    Examples
    --------
    >>> channel_names(["Öl-Temp [°C]", "load"], "pump 7", {"load": "pump 8"})
    {'Öl-Temp [°C]': 'Öl-Temp', 'load': 'pump 7.load'}
    >>> channel_names(["load"], "pump 7", {"pump 7.load": "pump 7"})
    {'load': 'pump 7.load'}
    >>> channel_names(["T [in]", "T [out]", "轴承温度"], "pump 7", {})
    {'T [in]': 'T [in]', 'T [out]': 'T [out]', '轴承温度': '轴承温度'}
    """
    columns = list(columns)
    counts = Counter(_plain_name(column) for column in columns)
    plain_names = {
        column: whole if counts[_plain_name(column)] > 1 or is_there else _plain_name(column)
        for column in columns
        for whole in [clean_name(column) or _UNNAMED]
        for is_there in [asset in (assets.get(whole), assets.get(_shortened(f"{asset}.{whole}")))]
    }
    reserved = set(plain_names.values())
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column, plain in plain_names.items():
        numbered = (f"{plain}-{number}" for number in range(2, len(columns) + 1))
        prefixed = f"{asset}.{plain}"
        goes_on = plain not in assets and assets.get(_shortened(prefixed)) == asset
        choices = itertools.chain(
            [prefixed, plain] if goes_on else [plain, prefixed] if assets.get(plain, asset) != asset else [plain],
            (choice for choice in numbered if choice not in reserved),
        )
        free = (name for name in map(_shortened, choices) if name not in taken and assets.get(name, asset) == asset)
        name = next(free, None)
        if name is None:
            raise ImportDataError(
                f"The archive holds {plain} of asset {assets[plain]} already.",
                f"Pass --asset {shlex.quote(assets[plain])} where it is the same machine, or rename the column. "
                f"Where that one was imported by mistake: {command_line('workbench channels remove', plain)}",
            )
        names[column] = name
        taken.add(name)
    return names


def shared_names(columns_by_asset: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return the names that columns of several assets of one table share, which are then no asset's channel alone.

    Parameters
    ----------
    columns_by_asset : mapping of str to iterable of str
        Columns of each asset.

    Returns
    -------
    dict of str to str
        `SEVERAL_ASSETS` by name, to stand in the mapping that `channel_names` takes.

    Examples
    --------
    >>> shared_names({"pump 1": ["volt [V]"], "pump 2": ["volt [V]", "load"]})
    {'volt': ''}
    """
    counts = Counter(name for columns in columns_by_asset.values() for name in {_plain_name(one) for one in columns})
    return {name: SEVERAL_ASSETS for name, count in counts.items() if count > 1}


def name_note(column: str, name: str, asset: str, assets: Mapping[str, str]) -> str:
    """Say why a new channel is not called after its column alone, or was called otherwise by an earlier release.

    Parameters
    ----------
    column, name : str
        Its column, and the name that it got.
    asset : str
        Its asset.
    assets : mapping of str to str
        Asset of every channel that was there before.

    Returns
    -------
    str
        Empty where there is nothing to say.

    Examples
    --------
    >>> name_note("load [A]", "pump.load", "pump", {"load": "fan"})
    'load is a channel of fan already; if that was a mistake: workbench channels remove load'
    >>> name_note("Öl-Temp", "Öl-Temp", "pump", {"Ol-Temp": "pump"})
    'pump has Ol-Temp too, as earlier releases named this column; to add to that one, rename the column'
    """
    plain, whole = _plain_name(column), clean_name(column)
    earlier = {_earlier_name(plain), f"{_earlier_name(asset)}.{_earlier_name(plain)}"} - {plain, whole, name}
    present = next((one for one in sorted(earlier) if assets.get(one) == asset and name not in assets), None)
    if present is not None:
        return (
            f"{asset} has {present} too, as earlier releases named this column; to add to that one, rename the column"
        )
    other_case = None if name in assets else _in_other_case(name, asset, assets)
    if other_case is not None:
        return f"{asset} has {other_case} too, which differs in letter case only; to add to that one, rename the column"
    if name in (plain, whole):
        return ""
    owner = next((one for one in (plain, whole) if assets.get(one, asset) != asset), None)
    if owner is not None and assets[owner] == SEVERAL_ASSETS:
        return ""
    if owner is not None:
        return (
            f"{owner} is a channel of {assets[owner]} already; if that was a mistake: "
            f"{command_line('workbench channels remove', owner)}"
        )
    cause = "its name is too long" if len(plain) > LONGEST_NAME else f"another column is named {plain}"
    return f"column {column[:80]!r}: {cause}"


def _in_other_case(name: str, asset: str, assets: Mapping[str, str]) -> str | None:
    """Return the channel of an asset whose name differs from a new one in letter case only, or None."""
    folded = name.casefold()
    return next((one for one, its in assets.items() if its == asset and one.casefold() == folded), None)


def name_and_units(column: str) -> tuple[str, str]:
    """Split the name of a column from its unit: in square brackets before or behind it, or a usual one in round ones.

    Data loggers of HOBO write their serial numbers behind the unit; they are no part of the name either.

    Examples
    --------
    >>> name_and_units("bearing [K]"), name_and_units("[°C] bearing"), name_and_units("bearing")
    (('bearing', 'K'), ('bearing', '°C'), ('bearing', ''))
    >>> name_and_units("power (kW)"), name_and_units("flow (in)"), name_and_units("flow (main)")
    (('power', 'kW'), ('flow (in)', ''), ('flow (main)', ''))
    >>> name_and_units("Temp, °C (LGR S/N: 20123456, SEN S/N: 20123457)")
    ('Temp', '°C')
    """
    if match := _LOGGER.fullmatch(column):
        return match[1], match[2]
    match = re.fullmatch(r"(.*\S)\s*\[([^\[\]]{1,20})\]\s*", column, re.DOTALL)
    if match:
        return match[1], match[2].strip()
    match = re.fullmatch(r"\s*\[([^\[\]]{1,20})\]\s*(\S.*)", column, re.DOTALL)
    if match and _USUAL_UNIT.fullmatch(match[1].strip()):
        return match[2], match[1].strip()
    match = re.fullmatch(r"(.*\S)\s*\(([^()]{1,20})\)\s*", column, re.DOTALL)
    if match and match[2].strip() not in _NO_UNITS and _USUAL_UNIT.fullmatch(match[2].strip()):
        return match[1], match[2].strip()
    return column, ""


def column_units(column: str, channel: str) -> str:
    """Return the unit of the channel of a column; what stands in the channel's name is none.

    Examples
    --------
    >>> column_units("bearing [K]", "bearing"), column_units("T [in]", "T [in]")
    ('K', '')
    """
    units = clean_name(name_and_units(column)[1])
    return "" if f"[{units}]" in channel or f"({units})" in channel else units


def _plain_name(column: str) -> str:
    """Return the name of a column without its unit."""
    return clean_name(name_and_units(column)[0]) or _UNNAMED


def _shortened(name: str) -> str:
    """Return a name of at most `LONGEST_NAME` characters, with a tail of its own where it was longer."""
    if len(name) <= LONGEST_NAME:
        return name
    tail = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST_NAME - len(tail) - 1].rstrip()}~{tail}"


def _earlier_name(text: str) -> str:
    """Return what earlier releases made of a name."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("._-")
    return plain[:_LONGEST_EARLIER_NAME].rstrip("._-") or _UNNAMED
