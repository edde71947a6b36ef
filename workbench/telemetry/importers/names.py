"""Names of channels: what the column of a table is called in the archive."""

import itertools
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive

__all__ = ["archived_assets", "channel_names", "name_and_units", "name_note"]

_MAX_NAME_LETTERS = 64


def archived_assets(archive: Archive) -> dict[str, str]:
    """Return the asset of every channel of an archive, also of damaged ones where it can still be read."""
    described, damaged = archive.infos()
    assets = {info.channel: info.asset for info in described}
    return assets | {channel: place for channel in damaged if (place := archive.asset_of(channel)[0]) != "unknown"}


def channel_names(columns: Iterable[str], asset: str, assets: Mapping[str, str]) -> dict[str, str]:
    """Name each channel after its column, unlike any other of the table and any other asset's channel.

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
    {'Öl-Temp [°C]': 'Ol-Temp', 'load': 'pump-7.load'}
    """
    columns = list(columns)
    names: dict[str, str] = {}
    taken: set[str] = set()
    for column in columns:
        plain = _safe(name_and_units(column)[0])
        choices = itertools.chain(
            [plain, f"{_safe(asset)}.{plain}"[-_MAX_NAME_LETTERS:].lstrip("._-")],
            (f"{plain[: _MAX_NAME_LETTERS - 4]}-{number}" for number in range(2, len(columns) + 1)),
        )
        free = (name for name in choices if name not in taken and assets.get(name, asset) == asset)
        name = next(free, None)
        if name is None:
            raise ImportDataError(
                f"The archive holds {plain} of asset {assets[plain]} already.",
                f"Pass --asset {shlex.quote(assets[plain])} where it is the same machine, or rename the column. "
                f"Where that one was imported by mistake: workbench channels remove {plain}",
            )
        names[column] = name
        taken.add(name)
    return names


def name_note(column: str, name: str, asset: str, assets: Mapping[str, str]) -> str:
    """Say why a new channel is not called after its column alone; empty where no other asset has that name.

    Parameters
    ----------
    column, name : str
        Its column, and the name that it got.
    asset : str
        Its asset.
    assets : mapping of str to str
        Asset of every channel that was there before.

    Examples
    --------
    >>> name_note("load [A]", "pump.load", "pump", {"load": "fan"})
    'load is a channel of fan already; if that was a mistake: workbench channels remove load'
    """
    plain = _safe(name_and_units(column)[0])
    if name == plain or assets.get(plain, asset) == asset:
        return ""
    return f"{plain} is a channel of {assets[plain]} already; if that was a mistake: workbench channels remove {plain}"


def name_and_units(column: str) -> tuple[str, str]:
    """Split the name of a column from its unit in square brackets.

    Examples
    --------
    >>> name_and_units("bearing [K]"), name_and_units("bearing")
    (('bearing', 'K'), ('bearing', ''))
    """
    match = re.fullmatch(r"(.*\S)\s*\[([^\[\]]{1,20})\]\s*", column)
    return (match[1], match[2].strip()) if match else (column, "")


def _safe(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("._-")[:_MAX_NAME_LETTERS].rstrip("._-") or "channel"
